"""Equations to chains of equal formulas: the chain rule, each rewrite, the final form, and why.

One ``Chains`` tells one formulation in one notation: a sample or a batch in matrices, a sample
entry by entry, or a single neuron.  Every formula keeps what it means over named axes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from chainrule.documents.elements import Equal, Part, Partials, Scalar, Stage, Statement
from chainrule.formulas.arrange import Layout, arrange
from chainrule.formulas.differentiate import Equation, pull_back
from chainrule.formulas.expressions import (
    ONE,
    ZERO,
    Add,
    Apply,
    Expression,
    Product,
    Symbol,
    children,
    substitute,
    symbols,
)
from chainrule.formulas.functions import Function
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import Backward, Gradients
from chainrule.network.optimizers import Optimizer
from chainrule.plans.plan import updates_of

_LONGEST = 9
"""A product with more to read than this is not written out; δ stands for it.

One hidden layer fits (the source page writes those out), deeper ones would only repeat themselves.
"""


@dataclass(frozen=True)
class Chains:
    """The equations of one formulation in one notation."""

    equations: Gradients
    layout: Layout
    part: Part

    @property
    def formulation(self) -> Formulation:
        """The forward equations and what they are differentiated by."""
        return self.equations.formulation

    @property
    def indexed(self) -> bool:
        """Whether formulas are written entry by entry."""
        return self.part in ("index", "neuron")

    # -- forward pass --------------------------------------------------------------------------

    def forward(self) -> Iterator[Statement]:
        """Yield every layer's weighted sums and outputs."""
        for equation in self.formulation.equations:
            if not self._is_loss(equation):
                yield self._definition(equation, "forward")

    def loss(self) -> Iterator[Statement]:
        """Yield the loss; a sum over outputs and samples has index notation in every part."""
        for equation in self.formulation.equations:
            if self._is_loss(equation):
                right = Equal(Scalar(equation.right), "", equation.right)
                yield self._statement(equation.left, (right,), "loss", indexed=True)

    def _is_loss(self, equation: Equation) -> bool:
        return equation.left in self.formulation.losses

    def _definition(self, equation: Equation, stage: Stage) -> Statement:
        applied = isinstance(equation.right, Apply)
        summed = equation.left in self.formulation.deltas
        tree = _opened(equation.right) if self.indexed else equation.right
        reason = "reason_activation" if applied else "reason_layer" if summed else ""
        right = self._equal(tree, equation.left, reason)
        return self._statement(equation.left, (right,), stage)

    # -- backward pass -------------------------------------------------------------------------

    def backward(self, entry: Backward, stage: Stage = "backward") -> Statement:
        """Return one cotangent: definition, chain rule, product written out, final form."""
        return self._statement(entry.left, tuple(self._forms(entry)), stage, of=entry.of)

    def updates(self, parameter: Symbol, optimizer: Optimizer) -> Iterator[Statement]:
        """Yield the optimizer's assignments for one parameter."""
        for update in updates_of(parameter, self.equations, optimizer):
            right = self._equal(update.right, update.left)
            yield self._statement(update.left, (right,), "update", assigns=True, of=parameter)

    def _forms(self, entry: Backward) -> Iterator[Equal]:
        chain = self._chain(entry.of)
        if chain is not None:
            if entry.of in self.formulation.deltas:
                whole = Partials(self.formulation.loss, ((entry.of,),))
                yield Equal(whole, "reason_definition")
            yield chain
        rule = self._rule(entry.of)
        if entry.rewrites:
            yield self._equal(entry.derived.right, entry.of, rule)
            for rewrite in entry.rewrites:
                yield self._equal(rewrite.after, entry.of, f"reason_{rewrite.name}")
            return
        full = self.equations.expanded(entry.right, _LONGEST)
        written_out = []
        if full is not None and full != entry.right:
            written_out.append(self._equal(full, entry.of, "reason_substitute"))
        if self.part == "index":
            yield self._equal(entry.right, entry.of, rule)
            yield from written_out
            return
        deltas = self._deltas(entry.right)
        if deltas:
            opened = substitute(entry.right, deltas)
            yield self._equal(opened, entry.of, rule)
            yield from written_out
            yield self._equal(entry.right, entry.of, "reason_delta")
        else:
            yield self._equal(entry.right, entry.of, rule)
            yield from written_out

    def _chain(self, symbol: Symbol) -> Equal | None:
        """Return the chain rule for a symbol, and what it adds to the loss directly."""
        ways = self._ways(symbol)
        if not ways:
            return None
        direct = self._direct(symbol)
        partials = Partials(
            self.formulation.loss,
            ways,
            self._coupled,
            None if direct is None else self._equal(direct, symbol).formula,
        )
        return Equal(partials, "reason_chain" if direct is None else "reason_chain_penalty")

    def _direct(self, symbol: Symbol) -> Expression | None:
        """Return the derivative of what a symbol adds to the loss without any layer: penalties."""
        equation = self._loss_equation
        if equation is None or symbol not in symbols(equation.right):
            return None
        return self._direct_of.get(symbol, ZERO)

    @cached_property
    def _loss_equation(self) -> Equation | None:
        """The equation of the whole loss."""
        loss = self.formulation.loss
        return next((e for e in self.formulation.equations if e.left == loss), None)

    @cached_property
    def _direct_of(self) -> dict[Symbol, Expression]:
        """The derivatives of the loss's own equation."""
        equation = self._loss_equation
        assert equation is not None, "asked for a symbol of this equation"
        inside = symbols(equation.right)
        found, _ = pull_back(equation.right, equation.left, ONE, inside)
        return found

    @cached_property
    def _coupled(self) -> frozenset[Symbol]:
        """The values whose entries depend on a whole layer each."""
        return frozenset(e.left for e in self.formulation.equations if _couples(e.right))

    @cached_property
    def _users(self) -> dict[Symbol, list[Equation]]:
        """The equations that use each symbol, in order."""
        users: dict[Symbol, list[Equation]] = {}
        for equation in self.formulation.equations:
            for symbol in symbols(equation.right):
                users.setdefault(symbol, []).append(equation)
        return users

    def _ways(self, symbol: Symbol) -> tuple[tuple[Symbol, ...], ...]:
        """Return the ways from the nearest cotangents that are known down to a symbol."""
        ways = []
        for equation in self._users.get(symbol, ()):
            if self._is_loss(equation):
                continue
            way = [symbol, equation.left]
            while way[-1] in self.formulation.deltas and self.part != "index":
                users = self._users.get(way[-1], [])
                if len(users) != 1 or self._is_loss(users[0]):
                    break
                way.append(users[0].left)
            ways.append(tuple(reversed(way)))
        return tuple(ways)

    def _deltas(self, tree: Expression) -> dict[Symbol, Expression]:
        """Return what each δ in an expression stands for."""
        opened = self._opened_deltas
        return {symbol: opened[symbol] for symbol in symbols(tree) if symbol in opened}

    @cached_property
    def _opened_deltas(self) -> dict[Symbol, Expression]:
        """What every δ stands for."""
        deltas = self.formulation.deltas
        return {e.left: e.right for e in self.equations.backward if e.of in deltas}

    def _rule(self, symbol: Symbol) -> str:
        """Return the key of the rule by which a cotangent comes out of the next one."""
        users = self._users.get(symbol, [])
        if len(users) != 1:
            layers = [user for user in users if not self._is_loss(user)]
            return "reason_penalty" if len(layers) == 1 else "reason_rule"
        (user,) = users
        right = user.right
        if self._is_loss(user):
            return "reason_loss"
        if isinstance(right, Apply) and isinstance(right.function, Function):
            return "reason_layer_slope" if _couples(right) else "reason_slope"
        if isinstance(right, Add) and symbol in right.terms:
            spread = set(user.left.axes) - set(symbol.axes)
            return "reason_terms" if spread else "reason_term"
        if any(isinstance(part, Product) and symbol in part.factors for part in children(right)):
            return "reason_factor"
        return "reason_rule"

    def _statement(
        self,
        left: Symbol,
        rights: tuple[Equal, ...],
        stage: Stage,
        *,
        indexed: bool | None = None,
        assigns: bool = False,
        of: Symbol | None = None,
    ) -> Statement:
        return Statement(
            left,
            rights,
            indexed=self.indexed if indexed is None else indexed,
            assigns=assigns,
            part=self.part,
            stage=stage,
            of=of,
            counted=self.formulation.axes if self.part == "index" else (),
        )

    def _equal(self, tree: Expression, like: Symbol, reason: str = "") -> Equal:
        if self.indexed:
            return Equal(Scalar(tree), reason, tree)
        return Equal(arrange(tree, self.layout, like.axes), reason, tree)


def _couples(right: Expression) -> bool:
    function = right.function if isinstance(right, Apply) else None
    return isinstance(function, Function) and not function.elementwise


def _opened(right: Expression) -> Expression:
    """Write a function of a whole layer out: entry by entry it has no other notation."""
    if isinstance(right, Apply) and isinstance(right.function, Function) and _couples(right):
        (argument,) = right.arguments
        axis = right.function.layer_axis(argument)
        return right.function.body(right.function.value, {"z": argument}, axis)
    return right
