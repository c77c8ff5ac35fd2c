"""What a network is, in one line, in two languages: the English one is its `str`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.language.phrase_books import phrases_of

if TYPE_CHECKING:
    from chainrule.network.architecture import Network

__all__ = ["counted", "network_title"]


def network_title(network: Network, language: str = "en") -> str:
    """Return a network's sizes, activations, losses and number of parameters in one line.

    >>> from chainrule.network.architecture import Network
    >>> print(network_title(Network.dense([4, 16, 3], "relu", "log_loss")))
    4-16-3, relu then softmax, log_loss, 131 parameters
    >>> print(network_title(Network.dense([4, 16, 3], "relu", "log_loss"), "zh"))
    4-16-3，relu 然后 softmax，损失 log_loss，131 个参数
    """
    texts = phrases_of("drawing", language)
    losses = [loss.name for loss in network.losses]
    losses += [f"{penalty.name} {penalty.strength:g}" for penalty in network.penalties]
    given = {"loss": ", ".join(losses), "size": f"{network.size:,}"}
    if network.is_dense:
        widths, activations = " ".join(str(network).split()).split(", ")[:2]
        activations = activations.replace(" then ", texts["then"])
        return texts["dense"].format(widths=widths, activations=activations, **given)
    for noun, count in zip(("input", "layer", "output"), network.counts, strict=True):
        given[f"{noun}s"] = counted(noun, count, language)
    return " ".join(texts["graph"].format(**given).split())


def counted(noun: str, count: int, language: str) -> str:
    """Return "16 units", or "1 unit".

    >>> counted("unit", 1, "en"), counted("unit", 16, "zh")
    ('1 unit', '16 个单元')
    """
    texts = phrases_of("drawing", language)
    return texts[noun if count == 1 else f"{noun}s"].format(count=f"{count:,}")
