"""A network's prediction as steps: the operations of its Plan, those on constants done beforehand.

The formulas are those of the Plan and of the functions in it, so that a layer or an activation of
the user's own needs nothing here. What depends on parameters alone (a masked weight) is computed
once, by the reference.
"""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.arrays import Array
from chainrule.errors import InputError, shown
from chainrule.exports.learned_network import LearnedSteps
from chainrule.exports.step_list import StepList
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import (
    Apply,
    Expression,
    Size,
    Symbol,
    children,
    expression,
    rebuild,
    symbols,
)
from chainrule.formulas.functions import Function
from chainrule.kernels.plan_cache import prediction_plan
from chainrule.kernels.reference import Execution
from chainrule.network.architecture import Network
from chainrule.plans.operations import (
    ComputeExtreme,
    ComputeLayerwise,
    ComputePointwise,
    ComputeTotal,
    MatrixProduct,
    Operation,
    Reference,
    Spread,
)

__all__ = ["add_network", "of_primitives"]


def add_network(
    steps: StepList,
    network: Network,
    parameters: Mapping[str, Array],
    inputs: Mapping[str, str],
) -> tuple[str, ...]:
    """Add a network's steps, and return the values with the outputs of its heads.

    ``inputs`` are the values of its inputs, by symbol. A network that is to learn stays whole
    (`LearnedSteps`). Raises InputError for an operation that is not one of single rows.

    >>> network = Network.dense([2, 1], "tanh")
    >>> steps = StepList()
    >>> x = steps.read([0, 1])
    >>> add_network(steps, network, network.initialize(seed=0), {"X": x})
    ('t4',)
    >>> [type(step).__name__ for step in steps.steps]
    ['ReadNumbers', 'MatrixProduct', 'Entrywise', 'Entrywise']
    """
    if isinstance(steps, LearnedSteps):
        return steps.learned(network, parameters, inputs)
    return _Conversion(steps, network, parameters, inputs).outputs()


class _Conversion:
    def __init__(
        self,
        steps: StepList,
        network: Network,
        parameters: Mapping[str, Array],
        inputs: Mapping[str, str],
    ) -> None:
        self.steps = steps
        self.plan = prediction_plan(network)
        self.constant = Execution(self.plan)
        self.constant.give({**parameters, **network.constants})
        self.constant.sizes.update(network.sizes)
        self.constant.sizes.update(
            {axis: 1 for symbol in self.plan.inputs for axis in symbol.axes if axis.is_samples}
        )
        self.rows = dict(inputs)
        """The values that differ from row to row, by their names in the Plan."""

    def outputs(self) -> tuple[str, ...]:
        for operation in self.plan.operations:
            self._convert(operation)
        return tuple(self._row_or_constant(name) for name in self.plan.outputs)

    def _convert(self, operation: Operation) -> None:
        names = {reference.name for reference in operation.uses}
        if not names & set(self.rows):
            self.constant.step(operation)
            return
        columns = operation.sides[1]
        if columns is not None and columns.is_samples:
            raise _no_step(operation)
        if isinstance(operation, ComputeLayerwise):
            for part in operation.body:
                self._convert(part)
            return
        self.rows[operation.target] = self._step(operation)

    def _step(self, operation: Operation) -> str:
        note = str(operation)
        match operation:
            case MatrixProduct() if operation.right.name not in self.rows:
                source = self._row(operation.left, operation)
                return self.steps.product(source, self.constant.read(operation.right), note)
            case ComputeTotal(over="columns"):
                return self.steps.total(self._row(operation.source, operation), note)
            case ComputeExtreme(over="columns"):
                return self.steps.largest(self._row(operation.source, operation), note)
            case Spread():
                source = self._row(operation.source, operation)
                return self.steps.entrywise(
                    Symbol("x"), {"x": source}, self._width(operation), note
                )
            case ComputePointwise():
                return self._pointwise(operation, note)
        raise _no_step(operation)

    def _pointwise(self, operation: ComputePointwise, note: str) -> str:
        operands: dict[str, str] = {}
        replaced: dict[str, Expression] = {}
        for symbol, reference in operation.operands:
            if reference.name in self.rows:
                operands[symbol.name] = self._row(reference, operation)
                continue
            array = self.constant.read(reference)
            if array.shape[0] != 1:
                raise _no_step(operation)
            if array.size == 1:
                replaced[symbol.name] = expression(float(array[0, 0]))
            else:
                operands[symbol.name] = self.steps.constant(array[0])
        formula = of_primitives(operation.formula, replaced, self.constant.sizes)
        used = {symbol.name for symbol in symbols(formula)}
        chosen = {name: value for name, value in operands.items() if name in used}
        return self.steps.entrywise(formula, chosen, self._width(operation), note)

    def _row(self, reference: Reference, operation: Operation) -> str:
        """Return the value of a reference to one row."""
        if reference.transposed or reference.name not in self.rows:
            raise _no_step(operation)
        return self.rows[reference.name]

    def _row_or_constant(self, name: str) -> str:
        """Return an output's value; one that is the same for every row is a list of constants."""
        if name in self.rows:
            return self.rows[name]
        constant = self.steps.constant(self.constant.values[name][0])
        return self.steps.entrywise(
            Symbol("x"), {"x": constant}, self.steps.widths[constant], f"{name}, the same always"
        )

    def _width(self, operation: Operation) -> int:
        column = operation.sides[1]
        return 1 if column is None else self.constant.sizes[column]


def of_primitives(
    tree: Expression,
    replaced: Mapping[str, Expression],
    sizes: Mapping[Axis, int] | Mapping[Axis, int | Symbol],
) -> Expression:
    """Return a formula of single entries without named functions, sizes and replaced symbols.

    A size may be a symbol, where the file that is written decides it.

    >>> from chainrule.network.activations import find
    >>> print(of_primitives(find("silu")(Symbol("z")), {}, {}))
    z(1/(1 + e^(−|z|)) if z > 0 else e^(−|z|)/(1 + e^(−|z|)))
    """
    if isinstance(tree, Symbol):
        return replaced.get(tree.name, tree)
    if isinstance(tree, Size):
        return expression(sizes[tree.axis])
    parts = tuple(of_primitives(part, replaced, sizes) for part in children(tree))
    if isinstance(tree, Apply) and isinstance(tree.function, Function):
        opened = tree.function.body(tree.function.computed, {"z": parts[0]})
        return of_primitives(opened, {}, sizes)
    return rebuild(tree, parts) if parts else tree


def _no_step(operation: Operation) -> InputError:
    return InputError(
        f"`model` must compute each row by itself, got {shown(str(operation))}, which no step "
        "of an export does. Use the file that `save` writes."
    )
