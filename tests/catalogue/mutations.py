"""Mutants of a formula: what a slip of the pen would make of it, one slip at a time."""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from chainrule.formulas.expressions import (
    Add,
    Apply,
    Expression,
    Number,
    Product,
    Symbol,
    add,
    children,
    negative,
    product,
    rebuild,
    symbols,
)
from chainrule.formulas.functions import maximum, minimum

_EXCHANGED = {maximum: minimum, minimum: maximum}


def mutants(
    tree: Expression, exchanged: Mapping[Symbol, Symbol] | None = None
) -> Iterator[tuple[str, Expression]]:
    """Yield every formula that is one slip away, with a description of the slip.

    The slips: the whole sign flipped; a factor or a term lost; a term's sign flipped; a constant
    changed by one percent (0 becomes 0.01); a function forgotten; the last two arguments
    exchanged; maximum for minimum; one symbol for another, as ``exchanged`` allows, in all places
    at once.
    """
    yield "sign flipped", negative(tree)
    for old, new in (exchanged or {}).items():
        if old in symbols(tree):
            yield f"{old} replaced by {new}", _renamed(tree, old, new)
    yield from _inside(tree)


def _inside(node: Expression) -> Iterator[tuple[str, Expression]]:
    yield from _slips(node)
    parts = children(node)
    for place, part in enumerate(parts):
        for slip, other in _inside(part):
            try:
                whole = rebuild(node, (*parts[:place], other, *parts[place + 1 :]))
            except ZeroDivisionError:  # 1/0 is no formula at all
                continue
            yield slip, whole


def _slips(node: Expression) -> Iterator[tuple[str, Expression]]:
    match node:
        case Number():
            changed = node.value * Fraction(101, 100) or Fraction(1, 100)
            yield f"constant {node} changed", Number(changed)
        case Product():
            for place, factor in enumerate(node.factors):
                rest = [*node.factors[:place], *node.factors[place + 1 :]]
                yield f"factor {factor} lost", product(*rest, over=node.summed)
        case Add():
            for place, term in enumerate(node.terms):
                rest = [*node.terms[:place], *node.terms[place + 1 :]]
                yield f"term {term} lost", add(*rest)
                yield f"sign of {term} flipped", add(*rest, negative(term))
        case Apply():
            *front, last = node.arguments
            if not front:
                yield f"{node.function.name} forgotten", last
            elif node.function not in _EXCHANGED:
                turned = Apply(node.function, (*front[:-1], last, front[-1]))
                yield f"arguments of {node.function.name} exchanged", turned
            if node.function in _EXCHANGED:
                other = Apply(_EXCHANGED[node.function], node.arguments)
                yield f"{node.function.name} for {_EXCHANGED[node.function].name}", other


def _renamed(tree: Expression, old: Symbol, new: Symbol) -> Expression:
    if tree == old:
        return new
    parts = children(tree)
    changed = tuple(_renamed(part, old, new) for part in parts)
    return tree if changed == parts else rebuild(tree, changed)
