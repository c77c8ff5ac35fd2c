"""Words of Chinese sentences that stand for a quantity: 损失对 W_ho 的偏导, 隐藏层误差项.

They are replaced by names before a line is read; other Chinese words are refused as they stand.
``误差`` of a layer is δ, as in Chinese textbooks of backpropagation; the difference of output and
target has no words of its own here.
"""

import re

from chainrule.language.refusals import Refusal
from chainrule.network.architecture import Network

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_WORDS = re.compile(r"[\u4e00-\u9fff]+(?:[：，、]?[\u4e00-\u9fff]+)*")
_COMMENT = re.compile(r"(?<!\\)[#%].*")
_NAME = r"\s*([A-Za-zα-ωŷ][A-Za-z0-9_^{}()]*)\s*"
_DERIVATIVE = r"(?:偏导数?|偏微分|导数|梯度)"
_OPENING = re.compile(r"^\s*(?:(?:解|答|所以|因此|因而|于是|由此可?得|可得|得)\s*[:：,，]?\s*)+")
"""What a sentence begins with before its equation."""
_LOSS = r"(?:损失函数|代价函数|误差函数|目标函数|总误差|损失|代价)"
_ERROR = r"的?(?:误差信号|误差项|误差|局部梯度|敏感度)"
_HIDDEN, _OUTPUT = r"(?:隐藏|隐含|隐)层", r"输出层"
_SUM = r"的?(?:净输入|加权输入|加权和)"
_VALUE = r"的?(?:激活值|激活|输出)"
_FORMS: tuple[tuple[str, str], ...] = (
    (rf"(?:{_LOSS}|\b[LECJ]\b|Loss)\s*(?:对于?|关于){_NAME}的?\s*{_DERIVATIVE}", r" d\1 "),
    (rf"(?:权重|偏置|参数)?{_NAME}的\s*{_DERIVATIVE}", r" d\1 "),
    (rf"{_NAME}的\s*转置", r" (\1).T "),
    (rf"{_OUTPUT}{_ERROR}", " delta_{last} "),
    (rf"{_HIDDEN}{_ERROR}", " delta_{hidden} "),
    (rf"{_OUTPUT}{_SUM}", " z_{last} "),
    (rf"{_HIDDEN}{_SUM}", " z_{hidden} "),
    (rf"{_OUTPUT}{_VALUE}", " a_{last} "),
    (rf"{_HIDDEN}{_VALUE}", " a_{hidden} "),
    (_LOSS, " Loss "),
    ("学习率", " alpha "),
    ("(?:样本数|批量大小)", " B "),
    (rf"(?:权重|偏置){_NAME}", r" \1 "),
)


def with_names(line: str, network: Network) -> str:
    """Return a line with the names of quantities in place of Chinese words.

    Raises ``Refusal`` with the words that stand for no quantity.

    >>> network = Network.dense([2, 3, 1])
    >>> with_names("损失对W_ho的偏导 = a_hᵀ δ_o", network).strip()
    'dW_ho  = a_hᵀ δ_o'
    >>> with_names("dW_ho = a_h.T @ delta_o  # 转置", network)
    'dW_ho = a_h.T @ delta_o  # 转置'
    """
    if not _CHINESE.search(line):
        return line
    labels = network.names.labels if network.is_dense else ()
    known = {"last": labels[-1] if labels else "", "hidden": labels[1] if len(labels) == 3 else ""}
    return "\n".join(_without_words(each, known) for each in line.split("\n"))


def _without_words(line: str, known: dict[str, str]) -> str:
    comment = _COMMENT.search(line)
    end = len(line) if comment is None else comment.start()
    text = _OPENING.sub("", line[:end])
    for form, name in _FORMS:
        label = re.search(r"\{(\w+)\}", name)
        if label is None:
            text = re.sub(form, name, text)
        elif known[label[1]]:
            text = re.sub(form, name.replace(label[0], known[label[1]]), text)
    if (unread := _WORDS.search(text)) is not None:
        raise Refusal("chinese_words", text=(unread[0],))
    return text + line[end:]
