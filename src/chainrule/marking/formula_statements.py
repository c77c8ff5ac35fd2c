"""The statements of a network's formulas: text that is split and parsed; nothing is executed."""

import re
from collections.abc import Sequence

from chainrule.errors import InputError, InputTypeError, one_line, shown
from chainrule.formulas import functions
from chainrule.language.refusals import Refusal
from chainrule.marking import syntax
from chainrule.marking.grammar import ActivationName
from chainrule.marking.parser import ParsedEquation, parse
from chainrule.marking.quantities import Quantity, Role
from chainrule.marking.syntax import Tree, written
from chainrule.network import activations
from chainrule.validation import requirement

MAX_TEXT = 20_000
"""The most characters of a network's formulas."""


PRIMITIVES = {
    name: functions.PRIMITIVES[name]
    for name in (
        *("exp", "log", "abs", "sign", "maximum", "minimum", "where"),
        *("erf", "expm1", "log1p", "sin", "cos"),
    )
}
ROOTS = ("sqrt", "square")
_OTHER_FUNCTIONS = ("sqrt", "square", "sum", "mean", "max", "min", "transpose", "matmul", "dot")
FUNCTION_NAMES = (
    *activations.CATALOGUE,
    *activations.ALIASES,
    *PRIMITIVES,
    *_OTHER_FUNCTIONS,
    *("ln", "σ", "outer", "multiply"),
)


_INDICES = re.compile(r"_\s*\{\s*([A-Za-z0-9]+(?:\s*,\s*[A-Za-z0-9]+)+)\s*\}")


class _Names:
    """The names of a text: every word but those of functions."""

    def quantity(self, text: str) -> Quantity | None:
        return None if text in FUNCTION_NAMES else Quantity(text, Role.CONSTANT)

    def differentiable(self, text: str) -> Quantity | None:
        return None

    def loss_derivative(self, above: str, below: str) -> Quantity | None:
        return None

    def function(self, text: str) -> ActivationName | None:
        name = "sigmoid" if text == "σ" else activations.ALIASES.get(text, text)
        known = name in activations.CATALOGUE or name in PRIMITIVES
        return ActivationName(name) if known else None

    def needs_layer(self, text: str) -> bool:
        return self.quantity(text) is None

    def is_error(self, text: str) -> bool:
        return False

    def error(self, text: str) -> Quantity | None:
        return None

    def in_style(self, quantity: Quantity, texts: Sequence[str]) -> str | None:
        """Return None: nothing is repaired here."""
        return None

    def unknown(self, text: str) -> Refusal:
        raise InputError(f"`text`: {shown(text)} is a function; apply it, as in {text}(X)")


def statements_of_text(text: str) -> list[ParsedEquation]:
    """Return the statements of a text; raise ``InputError`` for what cannot be parsed."""
    if not isinstance(text, str):
        raise InputTypeError(requirement("text", "formulas such as 'A = tanh(X @ W_io)'", text))
    if len(text) > MAX_TEXT:
        raise InputError(f"`text` must have at most {MAX_TEXT:,} characters, got {len(text):,}")
    found: list[ParsedEquation] = []
    for line in _lines(text):
        try:
            found += parse(line, _Names())
        except Refusal as refusal:
            if refusal.key == "left_side":
                raise InputError(
                    "`text` must define one name on the left of each equals sign, as in "
                    f"'A_h = tanh(X @ W_ih)', got {shown(line)}"
                ) from None
            message = str(refusal).replace("`line`", "`text`")
            example = "as in dW_ho = a_h.T @ delta_o"
            message = message.replace(example, "as in A_h = tanh(X @ W_ih + b_h)")
            raise InputError(one_line(f"{message}, in {shown(line)}")) from None
    if not found:
        raise InputError(
            "`text` must state an output, as in 'A_o = sigmoid(X @ W_io + b_o)', got no statement"
        )
    return found


def _lines(text: str) -> list[str]:
    """Return the statements: without comments, and lines joined inside of brackets."""
    plain = "\n".join(line.partition("#")[0] for line in text.splitlines())
    plain = _INDICES.sub(_joined_index, plain)
    found = [""]
    depth = 0
    for letter in plain:
        depth += (letter in "([{（") - (letter in ")]}）")
        if letter in ";；" or (letter == "\n" and depth <= 0):
            found.append("")
            depth = 0
        else:
            found[-1] += " " if letter == "\n" else letter
    return [line.strip() for line in found if line.strip()]


def _joined_index(match: re.Match[str]) -> str:
    """Write W_{i,h} as W_{ih}, W_{in,hid} as W_{in_hid}."""
    labels = [label.strip() for label in match[1].split(",")]
    return "_{" + ("" if max(map(len, labels)) == 1 else "_").join(labels) + "}"


def text_of(tree: Tree) -> str:
    """Return a tree as text: as in mathematics where products have no sign."""
    products = (node for node in syntax.nodes(tree) if isinstance(node, syntax.Binary))
    implicit = any(node.operation == "product" for node in products)
    return written(tree, "mathematics" if implicit else "numpy")
