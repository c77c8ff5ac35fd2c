"""The slopes of a network's activations as trees: for showing in a line and for computing it."""

from collections.abc import Sequence

from chainrule.formulas.expressions import (
    Add,
    Apply,
    Expression,
    Number,
    Power,
    Product,
    Symbol,
    product,
)
from chainrule.marking.syntax import (
    Binary,
    Call,
    Comparison,
    Constant,
    Name,
    Negative,
    Raised,
    Tree,
)
from chainrule.network.activations import Activation


def slope_trees(
    places: Sequence[tuple[str, Activation]],
) -> list[Tree]:
    """Return the slope of each layer as a tree, and its two halves where it is a product."""
    found: list[Tree] = []
    for place, activation in places:
        if activation.slope is None or isinstance(activation.slope, Number):
            continue
        names = {"z": f"z_{place}", "a": f"a_{place}"}
        found.append(tree_of(activation.slope, names))
        slope = activation.slope
        if isinstance(slope, Product):
            found += [tree_of(factor, names) for factor in slope.factors]
    return found


def tree_of(formula: Expression, names: dict[str, str]) -> Tree:
    """Return a scalar formula as a tree, for showing and for computing."""
    match formula:
        case Number():
            return Constant(float(formula.value), formula.name or f"{float(formula.value):g}")
        case Symbol():
            key = names.get(formula.name, formula.name)
            return Name(key, key)
        case Add():
            whole: Tree | None = None
            for term in formula.terms:
                minus, plain = _sign(term)
                part = tree_of(plain, names)
                if whole is None:
                    whole = Negative(part) if minus else part
                else:
                    whole = Binary("subtract" if minus else "add", whole, part)
            assert whole is not None
            return whole
        case Product():
            minus, plain = _sign(formula)
            if minus:
                return Negative(tree_of(plain, names))
            parts = [tree_of(factor, names) for factor in formula.factors]
            joined = parts[0]
            for part in parts[1:]:
                joined = Binary("entrywise", joined, part)
            return joined
        case Power():
            return Raised(tree_of(formula.base, names), tree_of(formula.exponent, names))
        case Apply():
            arguments = tuple(tree_of(argument, names) for argument in formula.arguments)
            if formula.function.name == "greater":
                return Comparison(">", *arguments)
            return Call(formula.function.name, arguments)
    raise TypeError(f"no tree is defined for {type(formula).__name__}")


def _sign(term: Expression) -> tuple[bool, Expression]:
    """Split −1 off a product."""
    if isinstance(term, Product) and isinstance(term.factors[0], Number):
        number = term.factors[0]
        if not number.name and number.value < 0:
            return True, product(-number.value, *term.factors[1:])
    return False, term
