"""One step of an optimizer, taken apart into causes that add up to it.

Nothing here knows a particular optimizer.  The assignments of the catalogue are put into one
another, the gradient is written as that of the data plus that of the penalties, and the change of W
is multiplied out where it is linear in them.  Each term is then the work of what it is linear in:

=============  ======================================================================
``data``       the gradient of the data
``penalty``    the gradient of the penalties
``memory``     what earlier steps left behind (momentum, Adam's mean)
``decay``      the parameter itself (decoupled weight decay)
``other``      none of these alone
=============  ======================================================================

Memory that is not linear in the gradients (a mean of their squares) is no cause of its own: what is
computed from it *scales* the terms (Adam's and RMSprop's divisor).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import (
    ONE,
    Add,
    Expression,
    Product,
    Symbol,
    add,
    children,
    product,
    substitute,
    symbols,
)
from chainrule.network.optimizers import ALPHA, STEPS, G, Optimizer, W

DATA = Symbol("∂DataLoss/∂W")
"""The gradient of the loss without penalties."""
PENALTY = Symbol("∂Penalty/∂W")
"""The gradient of the penalties."""

CAUSES = ("data", "penalty", "memory", "decay", "other")
"""Every cause, in the order of the document."""


@dataclass(frozen=True)
class StepTerm:
    """One part of the change of W: ``plain`` · ``scaling``.

    ``plain`` is linear in the gradient, the memory or W; ``scaling`` is 1 without a scaling.
    """

    cause: str
    plain: Expression
    scaling: Expression

    @property
    def whole(self) -> Expression:
        """The part as it enters the change of W."""
        return product(self.plain, self.scaling)


@dataclass(frozen=True)
class Split:
    """One step of W: W ← W + the parts.

    ``first`` are assignments to memory that scales; the parts use the values assigned.  Every other
    symbol has its value from before the step.
    """

    first: tuple[Equation, ...]
    parts: tuple[StepTerm, ...]


def split(optimizer: Optimizer) -> Split:
    """Return one step as parts that add up to the change of W, one for each cause.

    The symbols are those of the catalogue, with ``DATA`` and ``PENALTY`` for the two parts of the
    gradient.

    >>> from chainrule.network.optimizers import SGD, RMSprop
    >>> for part in split(SGD(0.1, momentum=0.9)).parts:
    ...     print(part.cause, "|", part.plain)
    data | −α ∂DataLoss/∂W
    penalty | −α ∂Penalty/∂W
    memory | μ v
    >>> print(split(RMSprop()).parts[0].scaling)
    1/(√v + ε)
    """
    known: dict[Symbol, Expression] = {}
    first: list[Equation] = []
    scaling: set[Symbol] = set()
    for update in optimizer.updates:
        right = substitute(update.right, known)
        if update.left == W or _linear(right, {G, *optimizer.memory}):
            known[update.left] = right
        else:
            first.append(update)
            scaling |= symbols(update.right) - {G, W, ALPHA, STEPS}
    change = substitute(known.pop(W), {G: DATA + PENALTY})
    carriers: dict[Expression, str] = {DATA: "data", PENALTY: "penalty", W: "decay"}
    carriers.update({symbol: "memory" for symbol in optimizer.memory if symbol not in scaling})
    terms = list(_terms(change, frozenset(carriers)))
    if (W,) in terms:
        terms.remove((W,))
    else:
        terms.append((product(-1, W),))
    gathered: dict[tuple[str, Expression], list[Expression]] = {}
    for term in terms:
        scaled = [f for f in term if f not in carriers and symbols(f) & {*carriers, *scaling}]
        rest = [factor for factor in term if factor not in scaled]
        linear = [carriers[factor] for factor in rest if factor in carriers]
        cause = linear[0] if len(linear) == 1 else "other"
        gathered.setdefault((cause, product(*scaled)), []).append(product(*rest))
    parts = [StepTerm(cause, add(*plain), scale) for (cause, scale), plain in gathered.items()]
    return Split(tuple(first), tuple(sorted(parts, key=lambda part: CAUSES.index(part.cause))))


def _linear(tree: Expression, carriers: set[Symbol]) -> bool:
    """Whether every term of a sum is a number times one carrier, or free of them."""
    for term in _terms(tree, frozenset(carriers)):
        holding = [factor for factor in term if symbols(factor) & carriers]
        if len(holding) > 1 or any(factor not in carriers for factor in holding):
            return False
    return True


def _terms(tree: Expression, carriers: frozenset[Expression]) -> Iterable[tuple[Expression, ...]]:
    """Yield the factors of each term, sums multiplied out that contain a carrier."""
    if isinstance(tree, Add):
        for term in tree.terms:
            yield from _terms(term, carriers)
        return
    factors = tree.factors if isinstance(tree, Product) and not tree.summed else (tree,)
    for index, factor in enumerate(factors):
        if isinstance(factor, Add) and symbols(factor) & carriers:
            for part in children(factor):
                yield from _terms(product(*factors[:index], part, *factors[index + 1 :]), carriers)
            return
    yield factors if factors else (ONE,)
