"""Where layers state their equations: names of symbols, axes, parameters and constants.

Each layer with symbols of its own has a number, and its symbols end in it: W_3, Z_3, γ_3.  A dense
network has the names of the source page (W_ih, A_h), and numbers for several hidden layers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.formulas.axes import SAMPLES_POSITION, Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Expression, Symbol, renamed
from chainrule.network.distributions import Distribution
from chainrule.network.graph import Layer, Node

SAMPLES = Axis("B", SAMPLES_POSITION)
"""The axis of samples of every network."""

Kind = Literal["weight", "bias", "other", "running"]
"""What a parameter is: only weights are penalized, and running statistics are not trained."""

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]
"""Initial values: (generator, shape) to an array."""


@dataclass(frozen=True)
class SymbolNames:
    """What the symbols of a network are called: the source page's way or numbered.

    ``labels`` name the layers from the inputs to the outputs; a weight is named after the two it
    joins (``W_ih``) or by the number of the layer it leads to (``W_1``).
    """

    labels: tuple[str, ...]
    joined: bool
    target: str

    @classmethod
    def for_depth(cls, count: int) -> "SymbolNames":
        """Return the source page's names for one hidden layer, numbers otherwise."""
        if count == 3:
            return cls(("i", "h", "o"), joined=True, target="Y_t")
        return cls(tuple(str(number) for number in range(count)), joined=False, target="Y")

    def parameter(self, letter: str, layer: int) -> str:
        """Return the name of a weight or bias that leads to a layer (1 is the first)."""
        start = self.labels[layer - 1] if self.joined else ""
        return f"{letter}_{start}{self.labels[layer]}"

    def unit(self, letter: str, layer: int, batch: bool) -> str:
        """Return the name of a layer's values: a matrix's letter is a capital."""
        return f"{letter.upper() if batch else letter}_{self.labels[layer]}"


@dataclass(frozen=True)
class StatedParameter:
    """A parameter: its symbol, what it is, its initial values and the layer that states it."""

    symbol: Symbol
    kind: Kind
    initial: Draw
    layer: Layer
    suited: str = ""
    """The initializer that suits a weight, by name."""


@dataclass(frozen=True)
class NamedValue:
    """A value with a name of the user's own, and the axes of its rows and columns."""

    symbol: Symbol
    sides: tuple[Axis | None, Axis | None]


@dataclass
class Scope:
    """The equations of a network so far, and the names and axes for those to come.

    ``batch`` is whether symbols have the axis of samples; ``training`` whether this is a training
    step, with masks and batch statistics, or a prediction.  ``options`` are those of single
    parameters (``trainable`` of `Network`).
    """

    names: SymbolNames
    batch: bool = True
    training: bool = True
    options: Mapping[str, bool | str] = field(default_factory=dict)
    equations: list[Equation] = field(default_factory=list)
    parameters: list[StatedParameter] = field(default_factory=list)
    inputs: list[Symbol] = field(default_factory=list)
    constants: dict[Symbol, NDArray[np.float64]] = field(default_factory=dict)
    draws: dict[Symbol, Distribution] = field(default_factory=dict)
    running: list[Equation] = field(default_factory=list)
    deltas: set[Symbol] = field(default_factory=set)
    facts: dict[Expression, Expression] = field(default_factory=dict)
    counts: set[Symbol] = field(default_factory=set)
    lengths: dict[Axis, int] = field(default_factory=dict)
    values: dict[int, Symbol] = field(default_factory=dict)
    """The outputs of each node, by its id."""
    stated_by: dict[Symbol, int] = field(default_factory=dict)
    """The number of the node that states a value or constant."""
    named: dict[str, "NamedValue"] = field(default_factory=dict)
    """The values with names of the user's own (`StatedFormula`)."""
    _layer: Layer | None = None
    _number: int = 0
    _axis: Axis | None = None
    _known: dict[tuple[int, str], Symbol] = field(default_factory=dict)

    def enter(self, node: Node, number: int, axis: Axis | None) -> None:
        """Begin with a node: its layer's number, and the axis of its outputs if it is its own."""
        self._layer, self._number, self._axis = node.layer, number, axis
        if axis is not None:
            self.lengths[axis] = node.width

    @property
    def samples(self) -> tuple[Axis, ...]:
        """The axis of samples, where there is one."""
        return (SAMPLES,) if self.batch else ()

    @property
    def own_axis(self) -> Axis:
        """The axis of the current layer's outputs."""
        assert self._axis is not None, "the layer has no units of its own"
        return self._axis

    def units(self, symbol: Symbol) -> Axis:
        """Return the axis of a layer's values."""
        return symbol.axes[-1]

    def with_units(self, symbol: Symbol, axis: Axis) -> Expression:
        """Return a layer's values with another axis of the same length."""
        return renamed(symbol, self.units(symbol), axis)

    def name(self, letter: str) -> str:
        """Return the name of a parameter or constant of the current layer."""
        return self.names.parameter(letter, self._number)

    def option(self, name: str) -> bool | str:
        """Return what the network's ``trainable`` states for a parameter, True by default."""
        return self.options.get(name, True)

    # -- what layers state ---------------------------------------------------------------------

    def parameter(
        self,
        letter: str,
        axes: tuple[Axis, ...],
        initial: Draw,
        *,
        kind: Kind = "other",
        suited: str = "",
        name: str | None = None,
    ) -> Expression:
        """Return a parameter; a layer that is applied a second time uses the same.

        ``initial`` draws its initial values; ``suited`` names the initializer of a weight.  A
        parameter with a ``name`` of the user's own is the same in every layer.
        """
        assert self._layer is not None
        key = (id(self._layer), letter) if name is None else (0, name)
        known = self._known.get(key)
        if known is not None:
            return self.shared(known, axes)
        name = self.name(letter) if name is None else name
        shared = kind == "bias" and self.option(name) == "shared"
        symbol = Symbol(name, () if shared else axes)
        self._known[key] = symbol
        self.parameters.append(StatedParameter(symbol, kind, initial, self._layer, suited))
        return symbol

    @property
    def is_first_use(self) -> bool:
        """Whether the current layer has stated no parameter yet."""
        return all(layer != id(self._layer) for layer, _ in self._known)

    def parameter_of(self, layer: Layer, letter: str) -> Symbol:
        """Return a parameter of a layer that was applied before.

        Raises ``InputError`` where it was not.
        """
        known = self._known.get((id(layer), letter))
        if known is None:
            raise InputError(
                f"{self._layer} uses the weights of {layer}, which must be applied before it"
            )
        return known

    def shared(self, symbol: Symbol, axes: Sequence[Axis]) -> Expression:
        """Return a parameter with other axes of the same lengths; a single number has none."""
        if not symbol.axes:
            return symbol
        for old, new in zip(symbol.axes, axes, strict=True):
            if self.lengths[old] != self.lengths[new]:
                raise InputError(
                    f"{self._layer} must be applied to nodes of equal width, because it uses the "
                    f"same {symbol.name} each time, got {self.lengths[old]} and "
                    f"{self.lengths[new]} values. Use two layers"
                )
        found: Expression = symbol
        waiting = [(old, new) for old, new in zip(symbol.axes, axes, strict=True) if old != new]
        while waiting:
            # An axis is renamed only to a name that no other axis has by then.
            free = [pair for pair in waiting if pair[1] not in found.axes]
            if not free:  # the two axes are exchanged
                (old, _), *_ = waiting
                spare = Axis(f"{old.name}′", old.position, old.size)
                found = renamed(found, old, spare)
                waiting[0] = (spare, waiting[0][1])
                continue
            found = renamed(found, *free[0])
            waiting.remove(free[0])
        return found

    def constant(self, letter: str, axes: tuple[Axis, ...], value: object) -> Symbol:
        """Return a given array that no step changes."""
        symbol = Symbol(self.name(letter), axes)
        self.constants[symbol] = np.asarray(value, dtype=float)
        self.stated_by[symbol] = self._number
        return symbol

    def axis(self, label: str, length: int) -> Axis:
        """Return an axis inside the current layer, before that of its outputs."""
        position = self.own_axis.position - 1
        axis = Axis(f"{label}{self._number}", position, f"n_{label}{self._number}")
        self.lengths[axis] = length
        return axis

    def define(
        self,
        letter: str,
        units: tuple[Axis, ...],
        value: Expression,
        *,
        delta: bool = False,
        samples: bool = True,
        name: str | None = None,
    ) -> Symbol:
        """Add an equation; return its symbol, for every sample unless ``samples`` is False.

        The letter of a matrix is a capital.  With ``delta`` the cotangent is called δ.  A ``name``
        of the user's own replaces the letter and the number.
        """
        axes = (*(self.samples if samples else ()), *units)
        capital = len(axes) == 2
        called = self.names.unit(letter, self._number, capital) if name is None else name
        symbol = Symbol(called, axes)
        self.equations.append(Equation(symbol, value))
        self.stated_by[symbol] = self._number
        if delta:
            self.deltas.add(symbol)
        return symbol

    def drawn(self, letter: str, units: tuple[Axis, ...], distribution: Distribution) -> Symbol:
        """Return values that are drawn at random in each step."""
        axes = (*self.samples, *units)
        symbol = Symbol(self.names.unit(letter, self._number, len(axes) == 2), axes)
        self.draws[symbol] = distribution
        return symbol

    def after_step(self, statistic: Expression, value: Expression) -> None:
        """Assign a running statistic after each training step."""
        assert isinstance(statistic, Symbol)
        self.running.append(Equation(statistic, value))
