"""The lines of a MATLAB text that compute nothing: comments, what it prints, heads of loops."""

import re

_QUOTED = re.compile(r"(?<![\w)\]}'.])'(?:[^'\n]|'')*'|\"[^\"\n]*\"")
"""A text in quotes; a ' after an operand transposes it."""
_COMMENT = re.compile(rf"({_QUOTED.pattern})|(?<!\\)[%#].*")
_PRINTING = re.compile(r"(?<![\w.])(?:fprintf|printf|disp|display)[ \t]*(?=\()")
_EMPTY_CONDITION = re.compile(
    r"^[ \t]*if\b[^\n;=]*(?:[=~]=[^\n;=]*)?(?:\n[\s,;]*|[,;][\s,;]*)end\b", re.M
)
_REPEATED = re.compile(
    r"^[ \t]*for\s+\(?[ \t]*([A-Za-z]\w*)[ \t]*=([^\n:;=]+):([^\n:;=]+?)\)?[ \t,;]*$", re.M
)
"""for epoch = 1:N."""
_ADDED_UP = re.compile(r"\b((?:[dDg]|nabla)\w*)[ \t]*(?:=[ \t]*\1\b[ \t]*[+-]|[+-]=)")
"""dW = dW + …, which is another value after each repetition."""


def computing_lines(text: str) -> str:
    """Return a text without what computes nothing; the other lines keep their numbers.

    The body of a loop whose counter is not used repeats a step, and is read once.

    >>> print(computing_lines("for k = 1:9\\n  fprintf('%d', k); dW = a'*d; % 5\\nend").strip())
    dW = a'*d;
    end
    """
    text = "\n".join(_COMMENT.sub(lambda match: match[1] or "", each) for each in text.split("\n"))
    text = _EMPTY_CONDITION.sub(lambda match: "\n" * match[0].count("\n"), _without_prints(text))
    for head in reversed([*_REPEATED.finditer(text)]):
        counter, first, last = (part.strip() for part in head.groups())
        is_used = re.search(rf"\b{counter}\b", text[head.end() :]) is not None
        is_empty = first.isdecimal() and last.isdecimal() and int(first) > int(last)
        is_summed = _ADDED_UP.search(text, head.end()) is not None
        if not (is_used or is_empty or is_summed):
            text = text[: head.start()] + text[head.end() :]
    return text


def _without_prints(text: str) -> str:
    """Return a text without the calls that show values."""
    for call in reversed([*_PRINTING.finditer(text)]):
        end = _closing(text, call.end())
        if end is not None and re.match(r"[ \t]*(?:[;,]|$)", text[end:], re.M):
            mark = re.match(r"[ \t]*[;,]?", text[end:])
            end += 0 if mark is None else mark.end()
            text = text[: call.start()] + text[end:]
    return text


def _closing(text: str, position: int) -> int | None:
    """Return the end of a bracket that opens at a position, None where its line does not end it."""
    depth = 0
    while position < len(text) and text[position] != "\n":
        if quoted := _QUOTED.match(text, position):
            position = quoted.end()
            continue
        depth += (text[position] == "(") - (text[position] == ")")
        position += 1
        if depth == 0:
            return position
    return None
