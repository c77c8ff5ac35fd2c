"""The derivatives of a network's activations as trees."""

from collections.abc import Mapping

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
from chainrule.marking.quantities import Quantity, applied_activations, constant
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
from chainrule.network.architecture import Network


def slope_trees(network: Network, entries: Mapping[Quantity, Quantity]) -> list[Tree]:
    """Return the derivative of each layer's activation, and its factors if it is a product.

    ``entries`` are those that stand for z and a in an index form.
    """
    found: list[Tree] = []
    for applied in applied_activations(network):
        slope = applied.function.slope
        if slope is None or isinstance(slope, Number):
            continue
        names = {
            "z": entries.get(applied.argument, applied.argument),
            "a": entries.get(applied.output, applied.output),
        }
        found.append(tree_of(slope, names))
        if isinstance(slope, Product):
            found += [tree_of(factor, names) for factor in slope.factors]
    return found


def tree_of(formula: Expression, names: Mapping[str, Quantity]) -> Tree:
    """Return a scalar formula as a tree."""
    match formula:
        case Number():
            return Constant(float(formula.value), formula.name or f"{float(formula.value):g}")
        case Symbol():
            quantity = names.get(formula.name, constant(formula.name))
            return Name(quantity, quantity.symbol)
        case Add():
            tree: Tree | None = None
            for term in formula.terms:
                negative, magnitude = _sign(term)
                part = tree_of(magnitude, names)
                if tree is None:
                    tree = Negative(part) if negative else part
                else:
                    tree = Binary("subtract" if negative else "add", tree, part)
            assert tree is not None
            return tree
        case Product():
            negative, magnitude = _sign(formula)
            if negative:
                return Negative(tree_of(magnitude, names))
            first, *others = (tree_of(factor, names) for factor in formula.factors)
            for other in others:
                first = Binary("entrywise", first, other)
            return first
        case Power():
            return Raised(tree_of(formula.base, names), tree_of(formula.exponent, names))
        case Apply():
            arguments = tuple(tree_of(argument, names) for argument in formula.arguments)
            if formula.function.name == "greater":
                return Comparison(">", *arguments)
            return Call(formula.function.name, arguments)
    raise TypeError(f"no tree is defined for {type(formula).__name__}")


def _sign(term: Expression) -> tuple[bool, Expression]:
    """Return whether a term is negative, and its magnitude."""
    if isinstance(term, Product) and isinstance(term.factors[0], Number):
        number = term.factors[0]
        if not number.name and number.value < 0:
            return True, product(-number.value, *term.factors[1:])
    return False, term
