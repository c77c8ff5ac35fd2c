"""Lines for every layer: δ^l = ((w^{l+1})^T δ^{l+1}) ⊙ σ′(z^l) is one line for each l."""

import re

from chainrule.language.refusals import Refusal
from chainrule.marking.stated_conventions import Convention
from chainrule.marking.tokens import MAX_LENGTH
from chainrule.network.architecture import Network

_LAYER = re.compile(
    r"\^\s*(?:\{\s*([(\[]?)\s*([lL])\s*(?:([+-])\s*1\s*)?[)\]]?\s*((?:,?\s*\\?(?:top|T|prime))?)\s*\}|([lL])(?![A-Za-z0-9]))"
)
"""^l, ^{l+1}, ^{(l-1)}, ^{[L]}, ^{(l+1)T}."""
_ACTIVATION = re.compile(r"(?<![A-Za-z])[ahAx]$")
MAX_LAYERS = 30
"""The most layers that a line is written out for."""


def each_layer(line: str, network: Network, convention: Convention) -> list[str]:
    """Return the lines that a line for every layer l stands for; any other line alone.

    L is the last layer.  The numbers of layers begin with that of the convention.

    >>> network = Network.dense([2, 3, 4, 1])
    >>> each_layer(r"\\delta^l = a^l", network, Convention())
    ['\\\\delta^{(1)} = a^{(1)}', '\\\\delta^{(2)} = a^{(2)}', '\\\\delta^{(3)} = a^{(3)}']
    >>> each_layer("z^{l+1} = a^L", network, Convention())
    ['z^{(1)} = a^{(3)}', 'z^{(2)} = a^{(3)}', 'z^{(3)} = a^{(3)}']
    """
    if not network.is_dense or len(line) > MAX_LENGTH:
        return [line]
    first = convention.input_layer
    last = first + len(network.layers) - 1
    found = list(_LAYER.finditer(line))
    if not found:
        return [line]
    if not any((match[2] or match[5]) == "l" for match in found):
        return [_at(line, 0, last)]
    lines = []
    for layer in range(first - 1, last + 2):
        numbers = [_number(match, layer, last) for match in found]
        lowest = [first if _is_activation(line, match) else first + 1 for match in found]
        inside = all(low <= n <= last for low, n in zip(lowest, numbers, strict=True))
        if inside:
            lines.append(_at(line, layer, last))
    if not lines or len(lines) > MAX_LAYERS:
        raise Refusal("no_layer")
    return lines


def _number(match: re.Match[str], layer: int, last: int) -> int:
    base = layer if (match[2] or match[5]) == "l" else last
    return base + {"+": 1, "-": -1, None: 0}[match[3]]


def _is_activation(line: str, match: re.Match[str]) -> bool:
    """Return whether a superscript is that of an activation, of which layer 0 is the input."""
    return _ACTIVATION.search(line[: match.start()].rstrip("}' )")) is not None


def _at(line: str, layer: int, last: int) -> str:
    def written(match: re.Match[str]) -> str:
        sign = (match[4] or "").strip(", ")
        return f"^{{({_number(match, layer, last)}){sign}}}"

    return _LAYER.sub(written, line)
