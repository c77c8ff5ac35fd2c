"""From a formulation to gradient equations: the backward pass, and rewrites that shorten it.

Nothing here depends on layers, activations or losses: the rules of ``formulas.differentiate`` are
applied to the equations, and named, checkable rewrites then shorten each cotangent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from chainrule.formulas.differentiate import Equation, Pull, cotangents
from chainrule.formulas.expressions import Expression, Symbol, substitute, symbols
from chainrule.formulas.simplify import (
    assume,
    cancel,
    factored,
    length,
    numerators,
    sums,
    without_deviations,
)
from chainrule.network.formulation import Formulation


@dataclass(frozen=True)
class Rewrite:
    """One named rewrite of the right side of an equation."""

    name: str
    before: Expression
    after: Expression


@dataclass(frozen=True)
class Backward:
    """One cotangent: its equation as the rules give it, the rewrites, and its final form."""

    of: Symbol
    derived: Equation
    rewrites: tuple[Rewrite, ...]

    @property
    def left(self) -> Symbol:
        """The name of the cotangent."""
        return self.derived.left

    @property
    def right(self) -> Expression:
        """The right side after all rewrites."""
        return self.rewrites[-1].after if self.rewrites else self.derived.right

    @property
    def equation(self) -> Equation:
        """The final form as an equation."""
        return Equation(self.left, self.right)


@dataclass(frozen=True)
class Gradients:
    """The backward pass of a formulation, in an order in which it can be computed.

    ``trace`` are all single steps of differentiation.
    """

    formulation: Formulation
    backward: tuple[Backward, ...]
    trace: tuple[Pull, ...]

    def of(self, symbol: Symbol) -> Backward:
        """Return the cotangent of a symbol."""
        return next(entry for entry in self.backward if entry.of == symbol)

    def expanded(self, tree: Expression, most: int) -> Expression | None:
        """Substitute the right sides of cotangents until none is left.

        None where the result is longer than ``most``: with skip connections the length doubles from
        block to block.
        """
        while inside := [symbol for symbol in symbols(tree) if symbol in self._known]:
            tree = substitute(tree, {symbol: self._known[symbol] for symbol in inside})
            if length(tree) > most:
                return None
        return tree

    @cached_property
    def _known(self) -> dict[Symbol, Expression]:
        return {entry.left: entry.right for entry in self.backward}


def differentiate(formulation: Formulation) -> Gradients:
    """Derive ∂Loss/∂(every parameter) and every cotangent that it depends on.

    Raises ``MissingRule`` where an operation has no differentiation rule.

    >>> from chainrule.network.architecture import Network
    >>> formulation = Network.dense([2, 3], "softmax", "log_loss").formulation(batch=False)
    >>> for entry in differentiate(formulation).backward:
    ...     print(entry.left, "=", entry.right)
    ∂Loss/∂a_1i = −y_i/a_1i
    δ_1i = a_1i − y_i
    ∂Loss/∂w_1,ij = δ_1j x_i
    ∂Loss/∂b_1i = δ_1i
    """
    named: dict[Symbol, Symbol] = {}

    def called(symbol: Symbol) -> Symbol:
        cotangent = formulation.cotangent(symbol)
        named[cotangent] = symbol
        return cotangent

    equations, trace = cotangents(
        formulation.equations, formulation.loss, formulation.parameters, called
    )
    backward: list[Backward] = []
    earlier: dict[Symbol, Expression] = {}
    for derived in equations:
        short = without_deviations(derived.right, formulation.facts)
        first = (Rewrite("deviations", derived.right, short),) if short != derived.right else ()
        equation = Equation(derived.left, short)
        rewrites = _collapse(equation, earlier, formulation)
        collected = factored(rewrites[-1].after if rewrites else equation.right)
        if not rewrites and collected != equation.right:
            rewrites = (Rewrite("collect", equation.right, collected),)
        entry = Backward(named[equation.left], derived, (*first, *rewrites))
        backward.append(entry)
        earlier[entry.left] = entry.right
    return Gradients(formulation, tuple(backward), tuple(trace))


def _cancelled(tree: Expression) -> Iterator[Expression]:
    """Yield cancelled forms: everything multiplied out, or one sum not multiplied out."""
    yield cancel(tree)
    for whole in sorted(numerators(tree), key=str):
        yield cancel(tree, [whole])


def _collapse(
    equation: Equation, earlier: Mapping[Symbol, Expression], formulation: Formulation
) -> tuple[Rewrite, ...]:
    """Return the rewrites of a cotangent; none where they do not shorten it.

    Substitute earlier cotangents with the same axes, cancel, and use the formulation's facts.
    """
    known: dict[Expression, Expression] = {
        symbol: earlier[symbol]
        for symbol in symbols(equation.right)
        if symbol in earlier and symbol.axes == equation.left.axes
    }
    if not known or formulation.cotangent(equation.left) == equation.left:
        return ()
    written_out = substitute(equation.right, known)
    cancelled, shortest = min(
        ((each, assume(each, formulation.facts)) for each in _cancelled(written_out)),
        key=lambda pair: length(pair[1]),
    )
    # Shorter, and without a new sum over an index: a (Σ a y − y − Σ a²) is shorter than the result
    # for softmax and mse, but loses all digits where a is close to y.
    if length(shortest) >= length(written_out) or sums(shortest) > sums(written_out):
        return ()
    rewrites = [
        Rewrite("substitute", equation.right, written_out),
        Rewrite("cancel", written_out, cancelled),
        Rewrite("assume", cancelled, shortest),
    ]
    return tuple(rewrite for rewrite in rewrites if rewrite.before != rewrite.after)
