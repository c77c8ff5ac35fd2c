"""The input of a derivation: forward equations, a loss, and the parameters to differentiate by.

Derivation, Plan, execution and verification need nothing but a ``Formulation``.  ``Network`` makes
one from its layers; any other model that can be written as equations over named axes is one too,
without changes elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from chainrule.errors import InputError
from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Expression, Symbol, renames, symbols
from chainrule.network.distributions import Distribution


@dataclass(frozen=True)
class Formulation:
    """Forward equations in the order in which they are computed.

    The loss is differentiated by the ``parameters``; ``inputs`` are given (data, targets, frozen
    parameters, scalars).  ``output`` is the prediction, ``data_loss`` the loss without penalties.
    ``facts`` maps expressions to equal ones (rows of targets sum to one); ``deltas`` are the
    symbols whose cotangent is named δ.  ``reported`` maps a loss to the expression that executors
    compute in place of its equation; the equation is differentiated.

    With several heads, ``outputs`` are what each predicts, ``output`` the first.  ``draws`` are
    inputs that are drawn at random in each step (the mask of dropout), with their distributions;
    ``running`` are assignments to inputs after each step (running statistics); ``shares`` are the
    losses of the heads, ``counts`` inputs with the entries 0, 1, 2, …

    Raises ``InputError`` where a symbol is used before its definition or defined twice, a computed
    symbol or a parameter has more than two axes, a loss is not a scalar or no equation defines it.
    """

    equations: tuple[Equation, ...]
    loss: Symbol
    parameters: tuple[Symbol, ...]
    inputs: tuple[Symbol, ...]
    output: Symbol
    data_loss: Symbol
    facts: Mapping[Expression, Expression] = field(default_factory=dict)
    deltas: frozenset[Symbol] = frozenset()
    reported: Mapping[Symbol, Expression] = field(default_factory=dict)
    outputs: tuple[Symbol, ...] = ()
    draws: Mapping[Symbol, Distribution] = field(default_factory=dict)
    running: tuple[Equation, ...] = ()
    shares: tuple[Symbol, ...] = ()
    counts: frozenset[Symbol] = frozenset()

    def __post_init__(self) -> None:
        if not self.outputs:
            object.__setattr__(self, "outputs", (self.output,))
        known = {*self.parameters, *self.inputs}
        if len(known) < len(self.parameters) + len(self.inputs):
            both = sorted(symbol.name for symbol in set(self.parameters) & set(self.inputs))
            raise InputError(
                f"formulation: {', '.join(both) or 'a symbol'} is listed twice among inputs and "
                "parameters; list what is trained under parameters only"
            )
        for equation in self.equations:
            unknown = symbols(equation.right) - known
            if unknown:
                names = ", ".join(sorted(symbol.name for symbol in unknown))
                raise InputError(
                    f"formulation: {names} is used in the equation of {equation.left.name} before "
                    "it is defined; define it earlier or list it among inputs or parameters"
                )
            if equation.left in known:
                raise InputError(
                    f"formulation: {equation.left.name} is defined twice; give each equation a "
                    "name of its own"
                )
            known.add(equation.left)
        for symbol in (*self.parameters, *(equation.left for equation in self.equations)):
            if len(symbol.axes) > 2:
                raise InputError(
                    f"formulation: {symbol.name} has {len(symbol.axes)} axes; what is computed or "
                    "trained has two at most, inputs may have more: split it into matrices"
                )
        taken = [symbol.name for symbol in known]
        if len(set(taken)) < len(taken):
            twice = sorted({name for name in taken if taken.count(name) > 1})
            raise InputError(f"formulation: {', '.join(twice)} has two meanings; use other names")
        for scalar in (self.loss, self.data_loss):
            if scalar.axes:
                raise InputError(
                    f"formulation: {scalar.name} has axes; a loss is one number: sum or average it"
                )
        for needed in (self.loss, *self.outputs, self.data_loss):
            if needed not in known:
                raise InputError(f"formulation: no equation defines {needed.name}")

    def cotangent(self, symbol: Symbol) -> Symbol:
        """Return the symbol of a cotangent: named δ for ``deltas``, else ∂Loss/∂symbol."""
        if symbol in self.deltas:
            _, _, layer = symbol.name.partition("_")
            return Symbol(f"δ_{layer}" if layer else "δ", symbol.axes)
        return Symbol(f"∂{self.loss.name}/∂{symbol.name}", symbol.axes)

    @cached_property
    def same_axes(self) -> Mapping[Axis, Axis]:
        """For each axis that is another name of an earlier one: the earliest of its names."""
        same: dict[Axis, Axis] = {}

        def first(axis: Axis) -> Axis:
            while axis in same:
                axis = same[axis]
            return axis

        for equation in self.equations:
            for old, new in renames(equation.right):
                earlier, later = sorted(
                    (first(old), first(new)), key=lambda axis: (axis.position, axis.name)
                )
                if earlier != later:
                    same[later] = earlier
        return {axis: first(axis) for axis in same}

    @property
    def losses(self) -> frozenset[Symbol]:
        """The loss, the loss without penalties, and those of several heads."""
        return frozenset({self.loss, self.data_loss, *self.shares})

    @cached_property
    def defined(self) -> dict[Symbol, Expression]:
        """The right side of each symbol of the forward pass."""
        return {equation.left: equation.right for equation in self.equations}

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Every axis of the inputs and parameters, samples first."""
        found = {axis for symbol in (*self.inputs, *self.parameters) for axis in symbol.axes}
        return tuple(sorted(found, key=lambda axis: (axis.position, axis.name)))
