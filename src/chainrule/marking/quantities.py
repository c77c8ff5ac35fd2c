"""The quantities of a network that a line can name: a symbol together with its role.

The symbol alone is ambiguous: ``W_ho`` before and after an update are two quantities.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache

from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Apply, Expression, Symbol, children
from chainrule.network.activations import Activation
from chainrule.network.architecture import Network
from chainrule.network.formulation import Formulation


class Role(Enum):
    """What a quantity is in the network or in the optimizer's step."""

    INPUT = auto()
    TARGET = auto()
    CONSTANT = auto()
    LOSS = auto()
    PRE_ACTIVATION = auto()
    ACTIVATION = auto()
    WEIGHT = auto()
    BIAS = auto()
    UPDATED_WEIGHT = auto()
    UPDATED_BIAS = auto()
    COTANGENT = auto()
    """The derivative of the loss with respect to another quantity."""
    MEMORY = auto()
    """An array of the optimizer for one parameter; its values are those before the step."""
    PREVIOUS_MEMORY = auto()
    """The memory before the step, where the line states that explicitly."""
    UPDATED_MEMORY = auto()
    CORRECTED_MEAN = auto()
    """A running mean of Adam after the bias correction."""
    PARTIAL = auto()
    """A factor of the chain rule, such as ∂a/∂z."""
    STEP = auto()
    """The change of a parameter in a step."""
    ERROR = auto()
    """The difference of output and target, of either sign."""


_AFTER_STEP = {
    Role.WEIGHT: Role.UPDATED_WEIGHT,
    Role.BIAS: Role.UPDATED_BIAS,
    Role.MEMORY: Role.UPDATED_MEMORY,
}
_WITHOUT_STEP = {
    **{after: before for before, after in _AFTER_STEP.items()},
    Role.PREVIOUS_MEMORY: Role.MEMORY,
}
_SUFFIXES = {
    Role.UPDATED_WEIGHT: "_new",
    Role.UPDATED_BIAS: "_new",
    Role.UPDATED_MEMORY: "_new",
    Role.PREVIOUS_MEMORY: "_old",
}


_LATIN = {
    **{"∂Loss/∂": "d", "Δ": "Delta_", "α": "alpha", "δ": "delta", "λ": "lambda"},
    **{"μ": "mu", "β": "beta", "ε": "epsilon", "ρ": "rho", "γ": "gamma", "φ": "phi"},
    **{"ω": "omega", "θ": "theta", "η": "eta"},
}


def in_latin(text: str) -> str:
    """Return a name without Greek letters.

    >>> in_latin("∂Loss/∂W_ho"), in_latin("β_1")
    ('dW_ho', 'beta_1')
    """
    for greek, latin in _LATIN.items():
        text = text.replace(greek, latin)
    return text


@dataclass(frozen=True)
class Quantity:
    """A symbol, as the derivation for one sample prints it, and its role.

    ``of`` is the quantity that a cotangent belongs to, or the parameter that memory or a corrected
    mean belongs to.

    >>> weight = Quantity("W_ho", Role.WEIGHT)
    >>> print(weight.updated, "|", cotangent(weight).typed)
    W_ho_new | dW_ho
    """

    symbol: str
    role: Role
    of: "Quantity | None" = None

    def __str__(self) -> str:
        return self.symbol + _SUFFIXES.get(self.role, "")

    @property
    def typed(self) -> str:
        """The name in ASCII, as typed in a program."""
        return in_latin(str(self))

    @property
    def is_parameter(self) -> bool:
        """Whether it is a weight or a bias before the update."""
        return self.role in (Role.WEIGHT, Role.BIAS)

    @property
    def is_updated_parameter(self) -> bool:
        """Whether it is a weight or a bias after the update."""
        return self.role in (Role.UPDATED_WEIGHT, Role.UPDATED_BIAS)

    @property
    def scales_with_loss(self) -> bool:
        """Whether it is twice as large for a loss that is; ∂Loss/∂Loss_1 is not."""
        if self.role is Role.COTANGENT:
            return self.of is None or self.of.role is not Role.LOSS
        return self.role is Role.LOSS

    @property
    def is_memory(self) -> bool:
        """Whether the optimizer computes it for a parameter: memory or a corrected mean."""
        return self.role in (
            Role.MEMORY,
            Role.PREVIOUS_MEMORY,
            Role.UPDATED_MEMORY,
            Role.CORRECTED_MEAN,
        )

    @property
    def is_updated(self) -> bool:
        """Whether it is a parameter or memory after the step."""
        return self.is_updated_parameter or self.role is Role.UPDATED_MEMORY

    @property
    def is_plain(self) -> bool:
        """Whether the symbol alone names it, without a suffix for before or after the step."""
        return self.role not in _SUFFIXES

    @property
    def is_given(self) -> bool:
        """Whether nothing computes it."""
        return self.role in (Role.INPUT, Role.TARGET, Role.CONSTANT)

    @property
    def updated(self) -> "Quantity":
        """The same parameter or memory after the step; other quantities are unchanged."""
        return replace(self, role=_AFTER_STEP.get(self.role, self.role))

    @property
    def previous(self) -> "Quantity":
        """The same memory, explicitly before the step."""
        return replace(self, role=Role.PREVIOUS_MEMORY)

    @property
    def plain(self) -> "Quantity":
        """The quantity that the symbol names without a suffix."""
        return replace(self, role=_WITHOUT_STEP.get(self.role, self.role))


LOSS = Quantity("Loss", Role.LOSS)
DATA_LOSS = Quantity("DataLoss", Role.LOSS)
ERROR = Quantity("error", Role.ERROR)
INPUTS = Quantity("X", Role.INPUT)
TARGETS = Quantity("Y", Role.TARGET)


def constant(symbol: str) -> Quantity:
    """Return the constant with this symbol."""
    return Quantity(symbol, Role.CONSTANT)


LEARNING_RATE = constant("α")
OUTPUT_COUNT = constant("n")
SAMPLE_COUNT = constant("B")


def lengths(network: Network) -> dict[Quantity, Axis]:
    """Return the lengths of axes beside n and B, such as n_h of hidden units."""
    return {constant(axis.size): axis for axis in network.sizes if axis.size != OUTPUT_COUNT.symbol}


EULER = constant("e")
PI = constant("π")


def cotangent(of: Quantity) -> Quantity:
    """Return ∂Loss/∂(a quantity), which is δ for a pre-activation.

    >>> print(cotangent(Quantity("z_o", Role.PRE_ACTIVATION)))
    δ_o
    """
    if of.role is Role.PRE_ACTIVATION:
        return Quantity(f"δ_{of.symbol.removeprefix('z_')}", Role.COTANGENT, of)
    return Quantity(f"∂{LOSS}/∂{of}", Role.COTANGENT, of)


@lru_cache(maxsize=64)
def formulation_of(network: Network) -> Formulation:
    """Return the equations whose names lines have: of one sample, where that is defined."""
    return network.formulation(batch=network.needs_batch)


def value(network: Network, symbol: Symbol) -> Quantity:
    """Return the quantity of a value that an equation computes, under its name for one sample."""
    formulation = formulation_of(network)
    small = _small(symbol)
    deltas = set(map(_small, formulation.deltas))
    return Quantity(small, Role.PRE_ACTIVATION if small in deltas else Role.ACTIVATION)


def given(network: Network, symbol: Symbol) -> Quantity:
    """Return the quantity of an input, a parameter or a constant."""
    if symbol.name in network.input_names:
        return Quantity(symbol.name, Role.INPUT)
    if symbol.name not in network.parameter_names:
        return constant(symbol.name)
    return Quantity(symbol.name, Role.WEIGHT if len(symbol.axes) == 2 else Role.BIAS)


@lru_cache(maxsize=64)
def other_given(network: Network) -> tuple[Quantity, ...]:
    """Return what is given beside data and parameters: masks, weights of losses, constants."""
    formulation = formulation_of(network)
    named = {*network.input_names, *network.target_names, *network.parameter_names}
    others = (s for s in formulation.inputs if s.name not in named | network.strengths.keys())
    return tuple(constant(_small(s) if s in formulation.draws else s.name) for s in others)


def _small(symbol: Symbol) -> str:
    """Return the name for one sample, whose values have small letters."""
    return symbol.name[0].lower() + symbol.name[1:]


def partial(above: Quantity, below: Quantity) -> Quantity:
    """Return a factor of the chain rule as a quantity.

    >>> print(partial(Quantity("a_h", Role.ACTIVATION), Quantity("z_h", Role.PRE_ACTIVATION)))
    ∂a_h/∂z_h
    """
    return Quantity(f"∂{above}/∂{below}", Role.PARTIAL)


def negative_delta(of: Quantity) -> Quantity:
    """Return −∂Loss/∂z, which some books call δ; it is no factor of a chain of derivatives."""
    return Quantity(cotangent(of).symbol, Role.COTANGENT)


def step_of(parameter: Quantity) -> Quantity:
    """Return the change of a parameter in a step."""
    return Quantity(f"Δ{parameter}", Role.STEP, parameter)


@lru_cache(maxsize=64)
def differentiable(network: Network) -> tuple[Quantity, ...]:
    """Return every quantity that the loss can be differentiated by, from inputs to outputs."""
    formulation = formulation_of(network)
    found: dict[Quantity, None] = {}
    for equation in formulation.equations:
        if equation.left in formulation.losses:
            continue
        for symbol in _in_order(equation.right):
            if symbol in formulation.inputs or symbol in formulation.parameters:
                quantity = given(network, symbol)
                if quantity.role is not Role.CONSTANT:
                    found[quantity] = None
        found[value(network, equation.left)] = None
    return tuple(found)


@dataclass(frozen=True)
class Applied:
    """An activation where it is applied: ``output`` = function(``argument``)."""

    output: Quantity
    argument: Quantity
    function: Activation


@lru_cache(maxsize=64)
def applied_activations(network: Network) -> tuple[Applied, ...]:
    """Return the activations of a network in the order of its equations."""
    found = []
    for equation in formulation_of(network).equations:
        right = equation.right
        if isinstance(right, Apply) and isinstance(right.function, Activation):
            (argument,) = right.arguments
            if isinstance(argument, Symbol):
                known = argument in formulation_of(network).defined
                source = value(network, argument) if known else given(network, argument)
                found.append(Applied(value(network, equation.left), source, right.function))
    return tuple(found)


def outputs(network: Network) -> tuple[Quantity, ...]:
    """Return the outputs of the network, one for each head."""
    return tuple(value(network, symbol) for symbol in formulation_of(network).outputs)


def targets(network: Network) -> dict[str, Quantity]:
    """Return the targets by name: one is called Y whatever its name in the derivation."""
    if len(network.target_names) == 1:
        return {network.target_names[0]: TARGETS}
    return {name: Quantity(name, Role.TARGET) for name in network.target_names}


@lru_cache(maxsize=64)
def losses_of_outputs(network: Network) -> tuple[Quantity, ...]:
    """Return Loss_1, Loss_2, ... of a network with several losses, which are summed to Loss."""
    formulation = formulation_of(network)
    whole = (LOSS.symbol, DATA_LOSS.symbol)
    names = [each.left.name for each in formulation.equations if each.left in formulation.losses]
    return tuple(Quantity(name, Role.LOSS) for name in names if name not in whole)


def by_derivation_name(network: Network) -> dict[str, Quantity]:
    """Return the quantities by the names of the derivation, of which a batch has capitals Z, A."""
    found = {LOSS.symbol: LOSS, DATA_LOSS.symbol: DATA_LOSS, **targets(network)}
    for quantity in differentiable(network):
        found[quantity.symbol] = quantity
        if quantity.role in (Role.PRE_ACTIVATION, Role.ACTIVATION):
            found[_capital(quantity)] = quantity
    for quantity in other_given(network):
        found[quantity.symbol] = found[_capital(quantity)] = quantity
    found |= {quantity.symbol: quantity for quantity in losses_of_outputs(network)}
    for quantity in list(found.values()):
        found[cotangent(quantity).symbol] = cotangent(quantity)
        if quantity.role is Role.ACTIVATION:
            found[f"∂{LOSS}/∂{_capital(quantity)}"] = cotangent(quantity)
    return found


def _capital(quantity: Quantity) -> str:
    return quantity.symbol[0].upper() + quantity.symbol[1:]


def _in_order(tree: Expression) -> Iterator[Symbol]:
    """Yield the symbols of an expression from left to right, once for each use."""
    if isinstance(tree, Symbol):
        yield tree
    for part in children(tree):
        yield from _in_order(part)
