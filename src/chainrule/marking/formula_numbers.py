"""The constants in a network's formulas: exact fractions that a float can hold."""

import math
from fractions import Fraction

from chainrule.errors import InputError, shown
from chainrule.formulas.expressions import Number, children
from chainrule.marking import syntax
from chainrule.marking.formula_statements import text_of
from chainrule.marking.syntax import Tree
from chainrule.network.architecture import Network

_MOST_DIGITS = 300
"""The most digits of a constant."""


def fraction(tree: syntax.Constant) -> Fraction:
    """Return a constant as written."""
    text = tree.text
    try:
        value = Fraction(text)
    except ValueError:
        value = Fraction(repr(tree.value))
    return bounded(value, text)


def computed(sign: str, left: Fraction, right: Fraction, tree: Tree) -> Fraction:
    """Return the value of an operation on two constants."""
    text = text_of(tree)
    if (sign in "/" and right == 0) or (sign == "^" and left == 0 and right < 0):
        raise InputError(f"`text` must not divide by zero, got {shown(text)}")
    match sign:
        case "+":
            return bounded(left + right, text)
        case "-":
            return bounded(left - right, text)
        case "*":
            return bounded(left * right, text)
        case "/":
            return bounded(left / right, text)
    return bounded(left ** int(right), text)


def bounded(value: Fraction, text: str) -> Fraction:
    """Return a constant; raise ``InputError`` where it has too many digits for a float."""
    most = max(abs(value.numerator), value.denominator)
    if most and math.log10(most) > _MOST_DIGITS:
        raise InputError(
            f"`text`: constants must have at most {_MOST_DIGITS} digits, got {shown(text)}"
        )
    return value


def check_numbers(network: Network) -> None:
    """Raise ``InputError`` where constants multiply to a number that no float holds."""
    for equation in network.formulation().equations:
        pending = [equation.right]
        while pending:
            found = pending.pop()
            if isinstance(found, Number):
                bounded(found.value, equation.left.name)
            pending += children(found)
