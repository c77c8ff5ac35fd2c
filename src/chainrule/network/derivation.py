"""Network to Derivation: the gradient equations, told in order, with a reason for every step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from chainrule.errors import InputError
from chainrule.formulas.arrange import Layout, arrange
from chainrule.formulas.differentiate import derivative, pull
from chainrule.formulas.expressions import (
    ONE,
    Expression,
    Number,
    Product,
    Symbol,
    substitute,
    symbols,
)
from chainrule.formulas.functions import Function, a, a_k, g_k, z, z_k
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.simplify import cancel, denominators, in_output, length, numerators
from chainrule.network.architecture import Network
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import Backward, Gradients, differentiate
from chainrule.network.optimizers import Optimizer
from chainrule.network.optimizers import find as find_optimizer
from chainrule.network.plan import Plan, plan, updates_of
from chainrule.network.statements import (
    Equal,
    Heading,
    Line,
    Partials,
    Scalar,
    Sentence,
    Statement,
    Times,
)
from chainrule.network.telling import latex_of, text_of

Language = Literal["en", "zh"]

_LONGEST = 9
"""A product with more to read than this is not written out; δ stands for it.

One hidden layer fits (the source page writes those out), deeper ones would only repeat themselves.
"""
_LONGEST_SLOPE = 12
"""The same for the slope of a function as the rules give it."""


@dataclass(frozen=True)
class Derivation:
    """The derivation of a network in one layout.

    ``gradients`` gives the matrix form of every ∂Loss/∂parameter by the parameter's name;
    ``str()`` of it is readable.  Make one with ``derive``.
    """

    network: Network
    layout: Layout
    batch: bool
    optimizer: Optimizer
    equations: Gradients

    @property
    def formulation(self) -> Formulation:
        """The forward equations and what they are differentiated by."""
        return self.equations.formulation

    @cached_property
    def gradients(self) -> Mapping[str, Matrix]:
        """The matrix form of each parameter's gradient."""
        trained = set(self.formulation.parameters)
        return {
            entry.of.name: self._matrix(entry.right, entry.of)
            for entry in self.equations.backward
            if entry.of in trained
        }

    def plan(self) -> Plan:
        """Return the operations that training runs, the update included."""
        return plan(self.equations, self.optimizer)

    def to_text(self, language: Language = "en") -> str:
        """Return the derivation as text for a terminal."""
        return text_of(self.lines, language)

    def to_latex(self, language: Language = "en", *, document: bool = True) -> str:
        """Return the derivation in LaTeX: a document, or its body to be put into one."""
        return latex_of(self.lines, language, document=document)

    def __str__(self) -> str:
        return self.to_text()

    # -- telling -------------------------------------------------------------------------------

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """Everything the derivation says, in order."""
        return (
            *self._conventions(),
            *self._forward(),
            *self._loss(),
            *self._activations(),
            *self._backward(),
        )

    def _conventions(self) -> Iterator[Line]:
        size = "batch" if self.batch else "sample"
        scale = "averaged" if self.network.form.averaged else "summed"
        yield Heading("title", {"network": str(self.network)})
        yield Heading("conventions")
        yield Sentence(f"{size}_{self.layout}")
        yield Sentence("notation")
        yield Sentence("sizes_deep" if len(self.network.layers) > 3 else "sizes")
        yield Sentence(f"{scale}_{size}")
        yield Sentence("delta")
        yield Sentence("simultaneous")
        yield Sentence("learning_rate")
        used = {kept.name for kept in self.optimizer.memory}
        inside = {s.name for update in self.optimizer.updates for s in symbols(update.right)}
        if used:
            yield Sentence(f"memory_{'_'.join(sorted(used))}")
        if "t" in inside:
            yield Sentence("steps")

    def _forward(self) -> Iterator[Line]:
        yield Heading("forward")
        for equation in self.formulation.equations:
            if equation.left.axes:
                matrix = self._matrix(equation.right, equation.left)
                yield Statement(equation.left, (Equal(matrix),))

    def _loss(self) -> Iterator[Line]:
        yield Heading("loss")
        for equation in self.formulation.equations:
            if not equation.left.axes:
                yield Statement(equation.left, (Equal(Scalar(equation.right)),), indexed=True)
        first = self.equations.backward[0]
        if first.of == self.formulation.output:
            yield Statement(first.left, tuple(self._forms(first)))

    def _activations(self) -> Iterator[Line]:
        for function in dict.fromkeys(self.network.activations):
            yield Heading("activation", {"name": function.name})
            yield from _about(function)

    def _backward(self) -> Iterator[Line]:
        trained = self.formulation.parameters
        entries = list(self.equations.backward)
        if entries and entries[0].of == self.formulation.output:
            entries = entries[1:]
        number = 0
        starts = self._section_starts(entries)
        for place, entry in enumerate(entries):
            if place in starts:
                number += 1
                yield self._heading(number, len(starts))
            yield Statement(entry.left, tuple(self._forms(entry)))
            ends = place + 1 in starts or place + 1 == len(entries)
            if ends:
                begin = max(start for start in starts if start <= place)
                yield from self._updates(
                    [e.of for e in entries[begin : place + 1] if e.of in trained]
                )

    def _section_starts(self, entries: list[Backward]) -> set[int]:
        """A section ends with the parameters of a layer: what follows them starts the next."""
        trained = self.formulation.parameters
        starts = {0} if entries else set()
        for place in range(1, len(entries)):
            if entries[place].of not in trained and entries[place - 1].of in trained:
                starts.add(place)
        return starts

    def _heading(self, number: int, count: int) -> Heading:
        depth = len(self.network.layers) - 1
        below: tuple[str, str] | str
        if number == depth:
            below = ("input_layer", "")
        elif depth == 2:
            below = ("hidden_layer", "")
        else:
            below = ("layer", str(depth - number))
        if number == 1:
            return Heading("backward_first", {"number": "1", "below": below})
        above = ("Hidden_layer", "") if depth == 2 else ("Layer", str(depth - number + 1))
        return Heading("backward_next", {"number": str(number), "above": above, "below": below})

    def _updates(self, parameters: list[Symbol]) -> Iterator[Line]:
        if parameters:
            yield Sentence("update")
        for parameter in parameters:
            for update in updates_of(parameter, self.equations, self.optimizer):
                right = Equal(self._matrix(update.right, update.left))
                yield Statement(update.left, (right,), assigns=True)

    def _forms(self, entry: Backward) -> Iterator[Equal]:
        """Yield the chain rule, the product written out, the rewrites and the final form."""
        ways = self._ways(entry.of)
        if ways:
            if entry.of in self.formulation.deltas:
                yield Equal(Partials(self.formulation.loss, ((entry.of,),)), "reason_definition")
            yield Equal(Partials(self.formulation.loss, ways), "reason_chain")
        if entry.rewrites:
            yield Equal(self._matrix(entry.derived.right, entry.of), "reason_rule")
            for rewrite in entry.rewrites:
                matrix = self._matrix(rewrite.after, entry.of)
                yield Equal(matrix, f"reason_{rewrite.name}")
            return
        full = self.equations.expanded(entry.right)
        out = full != entry.right and length(full) <= _LONGEST
        written_out = [Equal(self._matrix(full, entry.of), "reason_substitute")] if out else []
        final = self._matrix(entry.right, entry.of)
        deltas = self._deltas(entry.right)
        if deltas:
            opened = substitute(entry.right, dict(deltas))
            yield Equal(self._matrix(opened, entry.of), "reason_rule")
            yield from written_out
            yield Equal(final, "reason_delta")
        else:
            yield Equal(final, "reason_rule")
            yield from written_out

    def _deltas(self, tree: Expression) -> dict[Symbol, Expression]:
        """Return what each δ in an expression stands for."""
        inside = symbols(tree)
        return {
            entry.left: entry.right
            for entry in self.equations.backward
            if entry.of in self.formulation.deltas and entry.left in inside
        }

    def _ways(self, symbol: Symbol) -> tuple[tuple[Symbol, ...], ...]:
        """Return the ways from the nearest cotangents that are known down to a symbol."""
        ways = []
        for equation in self.formulation.equations:
            if symbol not in symbols(equation.right) or not equation.left.axes:
                continue
            way = [symbol, equation.left]
            while way[-1] in self.formulation.deltas:
                users = [e.left for e in self.formulation.equations if way[-1] in symbols(e.right)]
                if len(users) != 1 or not users[0].axes:
                    break
                way.append(users[0])
            ways.append(tuple(reversed(way)))
        return tuple(ways)

    def _matrix(self, tree: Expression, like: Symbol) -> Matrix:
        return arrange(tree, self.layout, like.axes)


def derive(
    network: Network,
    *,
    layout: Layout = "rows",
    batch: bool = True,
    optimizer: str | Optimizer = "sgd",
) -> Derivation:
    """Derive the backpropagation of a network.

    ``layout`` is where the samples stand ("rows" or "columns"), ``batch=False`` tells it for one
    sample, ``optimizer`` says whose update ends it.

    >>> derivation = derive(Network.dense([2, 3, 1]), batch=False)
    >>> for name, gradient in derivation.gradients.items():
    ...     print(name, "=", gradient)
    W_ho = a_hᵀ δ_o
    b_ho = δ_o
    W_ih = Xᵀ δ_h
    b_ih = δ_h
    """
    if layout not in ("rows", "columns"):
        raise InputError(f"layout: {layout!r} came; 'rows' or 'columns' is allowed")
    gradients = differentiate(network.formulation(batch=batch))
    return Derivation(network, layout, batch, find_optimizer(optimizer), gradients)


# -- one function ------------------------------------------------------------------------------


def _about(function: Function) -> Iterator[Line]:
    """Yield a function's formula and the way to its slope."""
    if function.pullback is not None:
        yield Statement(a_k, (Equal(Scalar(function.value), "reason_definition"),), indexed=True)
        image = Symbol("∂Loss/∂z", z_k.axes)
        given = Symbol("∂Loss/∂a", a_k.axes)
        pulled = function.body(function.pullback, {"z": z_k, "a": a_k, "g": given}, g_k.axes[0])
        yield Statement(image, (Equal(Scalar(pulled), "reason_chain"),), indexed=True)
        return
    assert function.slope is not None
    yield Statement(a, (Equal(Scalar(function.value), "reason_definition"),))
    yield Statement(Symbol("∂a/∂z"), tuple(_slope(function, function.slope)))


def _slope(function: Function, slope: Expression) -> Iterator[Equal]:
    derived = derivative(function.value, z)
    said: list[Expression] = []
    factors = route(function.value)
    if factors is not None and len(factors) > 1:
        yield Equal(Times(factors), "reason_chain")
    kept = denominators(derived) | numerators(function.value)
    if factors is None or len(factors) < 2:
        shorter = cancel(derived, kept)
        given = min((derived, shorter), key=length)
        if length(given) <= _LONGEST_SLOPE and given != slope:
            said.append(given)
            yield Equal(Scalar(given), "reason_rule")
    in_a = in_output(cancel(derived, kept), function.value, z, a)
    if z not in symbols(in_a) and a in symbols(in_a):
        plain = in_output(derived, function.value, z, a)
        if z not in symbols(plain) and str(plain) not in (str(slope), *map(str, said)):
            yield Equal(Scalar(plain), "reason_output")
    yield Equal(Scalar(slope), "reason_slope")


def route(value: Expression) -> tuple[Expression, ...] | None:
    """Return the factors of d value/dz from outside in, where z stands in one place only.

    >>> from chainrule.formulas.functions import exp
    >>> [str(factor) for factor in route(1 / (1 + exp(-z)))]
    ['−1', '1/(1 + e^(−z))²', 'e^(−z)', '−1']
    """
    factors: list[Expression] = []
    node = value
    while node != z:
        below = [(part, given) for part, given in pull(node, node, ONE) if z in symbols(part)]
        if len(below) != 1:
            return None
        node, given = below[0]
        if isinstance(given, Product) and isinstance(given.factors[0], Number):
            rest = given.factors[1:]
            factors += [given.factors[0], rest[0] if len(rest) == 1 else Product(rest)]
        elif given != ONE:
            factors.append(given)
    return tuple(factors)
