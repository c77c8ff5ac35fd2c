"""The Plan: the derived equations as an ordered list of matrix operations.

The matrix form of every equation is divided into operations; equal matrices are computed once.  All
gradients precede the first update, so they are taken at the old parameters.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from chainrule.errors import InputError
from chainrule.formulas.arrange import arrange, orient
from chainrule.formulas.axes import Sides
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import ONE, Expression, Symbol, substitute, symbols
from chainrule.formulas.matrices import (
    Extreme,
    Indexed,
    Layerwise,
    Matrix,
    MatrixSymbol,
    Multiply,
    OnesMatrix,
    Pointwise,
    Relabeled,
    Transpose,
)
from chainrule.formulas.simplify import safe_logarithms
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import Gradients
from chainrule.network.optimizers import STEPS, G, Optimizer, W
from chainrule.plans.operations import (
    ComputeExtreme,
    ComputeLayerwise,
    ComputePointwise,
    ComputeTotal,
    DrawRandom,
    General,
    MatrixProduct,
    Operation,
    Over,
    Reference,
    Spread,
    Stage,
    names_used,
)


@dataclass(frozen=True)
class Plan:
    """Operations in order, their inputs, and the names of the results.

    ``inputs`` are all symbols that need a value; ``memory`` are those of the optimizer.  ``loss``,
    ``data_loss`` and ``outputs`` (one for each head, ``output`` is the first) are names of values;
    ``gradients`` maps each parameter's name to the name of its gradient.
    """

    formulation: Formulation
    operations: tuple[Operation, ...]
    inputs: tuple[Symbol, ...]
    loss: str
    data_loss: str
    output: str
    outputs: tuple[str, ...]
    gradients: Mapping[str, str]
    memory: tuple[Symbol, ...] = ()

    def only(self, *wanted: str) -> "Plan":
        """Return the plan without the operations that the wanted values do not need."""
        needed = set(wanted)
        remaining: list[Operation] = []
        for operation in reversed(self.operations):
            if operation.target in needed:
                remaining.append(operation)
                needed.update(names_used((operation,)))
        return replace(self, operations=tuple(reversed(remaining)))

    def forward(self) -> "Plan":
        """Return the operations of a prediction."""
        return self.only(*self.outputs)

    def __repr__(self) -> str:
        return f"<Plan of {len(self.operations)} operations>"

    def __str__(self) -> str:
        lines: list[str] = []
        for stage in ("forward", "backward", "update"):
            chosen = [op for op in self.operations if op.stage == stage]
            if chosen:
                lines.append(f"{stage}:")
                lines.extend(f"  {operation}" for operation in chosen)
        return "\n".join(lines)


def plan(gradients: Gradients, optimizer: Optimizer | None = None, *, draws: bool = False) -> Plan:
    """Return the Plan of a derivation, with an optimizer's updates where one is given.

    With ``draws`` the Plan draws its random values itself; otherwise they are inputs.

    >>> from chainrule.network.architecture import Network
    >>> from chainrule.network.gradients import differentiate
    >>> print(plan(differentiate(Network.dense([2, 1], "tanh").formulation())).forward())
    forward:
      Z_1·1 = X W_1
      Z_1 = Z_1·1 + b_1
      A_1 = tanh(Z_1)
    """
    formulation = gradients.formulation
    lowering = _Lowering()
    if draws:
        for stream, (symbol, distribution) in enumerate(formulation.draws.items()):
            sides = orient(symbol.axes, "rows")
            lowering.operations.append(
                DrawRandom(symbol.name, sides, "forward", distribution, stream)
            )
    for equation in formulation.equations:
        stated = formulation.reported.get(equation.left, equation.right)
        stable = safe_logarithms(stated, formulation.defined)
        lowering.equation(equation.left, stable, "forward")
    for entry in gradients.backward:
        lowering.equation(entry.left, entry.right, "backward")
    given = (s for s in formulation.inputs if not (draws and s in formulation.draws))
    inputs = [*given, *formulation.parameters]
    memory: list[Symbol] = []
    if optimizer is not None:
        constants = {STEPS, *map(Symbol, optimizer.letters.values())}
        _check_names(formulation, constants, optimizer)
        constants.difference_update(inputs)
        for parameter in formulation.parameters:
            for update in updates_of(parameter, gradients, optimizer):
                lowering.update(update)
                used = symbols(update.right) & constants
                inputs.extend(sorted(used, key=lambda symbol: symbol.name))
                constants -= used
            memory.extend(memory_of(parameter, optimizer))
        for equation in formulation.running:
            lowering.update(equation)
    derived = {entry.of for entry in gradients.backward}
    targets = {
        parameter.name: lowering.found(formulation.cotangent(parameter))
        for parameter in formulation.parameters
        if parameter in derived
    }
    whole = Plan(
        formulation=formulation,
        operations=tuple(lowering.operations),
        inputs=tuple(inputs),
        loss=lowering.found(formulation.loss),
        data_loss=lowering.found(formulation.data_loss),
        output=lowering.found(formulation.output),
        outputs=tuple(map(lowering.found, formulation.outputs)),
        gradients=targets,
        memory=tuple(memory),
    )
    updated = [op.target for op in lowering.operations if op.stage == "update"]
    return whole.only(whole.loss, whole.data_loss, *whole.outputs, *targets.values(), *updated)


def _check_names(
    formulation: Formulation, constants: Collection[Symbol], optimizer: Optimizer
) -> None:
    """Raise InputError if the network gives a constant of the optimizer another meaning."""
    used = {*formulation.inputs, *formulation.parameters, *formulation.defined}
    both = {symbol.name for symbol in used} & {symbol.name for symbol in constants}
    if both:
        raise InputError(
            f"{optimizer.name}: the network has a symbol {', '.join(sorted(both))} too; use other "
            "letters for it"
        )


def memory_of(parameter: Symbol, optimizer: Optimizer) -> list[Symbol]:
    """Return the symbols of the optimizer's memory for one parameter, with its axes."""
    axes = parameter.axes
    return [Symbol(f"{memory.name}_{parameter.name}", axes) for memory in optimizer.memory]


def updates_of(
    parameter: Symbol, gradients: Gradients, optimizer: Optimizer
) -> tuple[Equation, ...]:
    """Return the optimizer's assignments with the names of one parameter."""
    cotangent = gradients.formulation.cotangent(parameter)
    names: dict[Symbol, Expression] = {W: parameter, G: cotangent}
    names.update(zip(optimizer.memory, memory_of(parameter, optimizer), strict=True))
    stated = []
    for update in optimizer.updates:
        left = names[update.left]
        assert isinstance(left, Symbol)
        stated.append(Equation(left, substitute(update.right, names)))
    return tuple(stated)


@dataclass
class _Lowering:
    """The operations so far; ``known`` are the matrices that they compute.

    ``aliases`` are names of equations whose value another operation has computed.
    """

    operations: list[Operation] = field(default_factory=list)
    known: dict[Matrix, Reference] = field(default_factory=dict)
    aliases: dict[str, Reference] = field(default_factory=dict)
    stage: Stage = "forward"
    prefix: str = ""
    count: int = 0

    def found(self, symbol: Symbol) -> str:
        """Return the name of a symbol's value."""
        alias = self.aliases.get(symbol.name)
        return alias.name if alias else symbol.name

    def equation(self, left: Symbol, right: Expression, stage: Stage) -> None:
        """Compute the right side under the name of the left."""
        self.stage, self.prefix, self.count = stage, left.name, 0
        matrix = arrange(right, "rows", left.axes)
        reference = self._value(matrix, left.name)
        if reference.name != left.name or reference.transposed:
            if reference.transposed:
                reference = self._copied(reference, matrix.sides, left.name)
            self.aliases[left.name] = reference
        self.known[MatrixSymbol(left, *orient(left.axes, "rows"))] = reference

    def _copied(self, reference: Reference, sides: Sides, target: str) -> Reference:
        """Add an operation that stores a transposed value under its own name."""
        value = Symbol("x")
        self.operations.append(
            ComputePointwise(target, sides, self.stage, value, ((value, reference),))
        )
        return Reference(target)

    def update(self, update: Equation) -> None:
        """Assign to a parameter or to the optimizer's memory."""
        self.stage, self.prefix, self.count = "update", update.left.name, 0
        axes = update.left.axes
        operands = self._operands(update.right)
        self.operations.append(
            ComputePointwise(
                update.left.name, orient(axes, "rows"), "update", update.right, operands
            )
        )

    def _operands(self, tree: Expression) -> tuple[tuple[Symbol, Reference], ...]:
        return tuple(
            (symbol, self.aliases.get(symbol.name, Reference(symbol.name)))
            for symbol in sorted(symbols(tree), key=lambda symbol: symbol.name)
        )

    def _value(self, matrix: Matrix, target: str | None = None) -> Reference:
        """Return the reference to a matrix, with operations that compute it if needed."""
        match matrix:
            case MatrixSymbol():
                known = self.known.get(matrix)
                return known or Reference(matrix.symbol.name)
            case Transpose():
                return self._value(matrix.operand).turned()
            case Relabeled():
                return self._value(matrix.operand)
        if matrix in self.known:
            return self.known[matrix]
        reference = Reference(target or self._fresh())
        self.operations.append(self._operation(matrix, reference.name))
        self.known[matrix] = reference
        return reference

    def _fresh(self) -> str:
        self.count += 1
        return f"{self.prefix}·{self.count}"

    def _operation(self, matrix: Matrix, target: str) -> Operation:
        match matrix:
            case Multiply():
                return self._product(matrix, target)
            case Pointwise():
                return self._pointwise(matrix, target)
            case Layerwise():
                return self._layerwise(matrix, target)
            case Extreme():
                over: Over = "rows" if matrix.operand.rows == matrix.axis else "columns"
                source = self._value(matrix.operand)
                return ComputeExtreme(target, matrix.sides, self.stage, source, over)
            case Indexed():
                operands = self._operands(matrix.expression)
                return General(target, matrix.sides, self.stage, matrix.expression, operands)
            case OnesMatrix():
                return ComputePointwise(target, matrix.sides, self.stage, ONE, ())
        raise TypeError(f"no operation computes the matrix node {type(matrix).__name__}")

    def _product(self, matrix: Multiply, target: str) -> Operation:
        *front, last = matrix.factors
        left: Matrix = front[0] if len(front) == 1 else Multiply(tuple(front))
        sides = matrix.sides
        if isinstance(left, OnesMatrix) or isinstance(last, OnesMatrix):
            ones, other = (left, last) if isinstance(left, OnesMatrix) else (last, left)
            source = self._value(other)
            if ones.sides in ((sides[0], None), (None, sides[1])):
                return Spread(target, sides, self.stage, source)
            over: Over = "rows" if ones is left else "columns"
            return ComputeTotal(target, sides, self.stage, source, over)
        return MatrixProduct(target, sides, self.stage, self._value(left), self._value(last))

    def _pointwise(self, matrix: Pointwise, target: str) -> Operation:
        formula = matrix.formula
        operands: list[tuple[Symbol, Reference]] = []
        for symbol, operand in matrix.operands:
            if isinstance(operand, OnesMatrix):
                formula = substitute(formula, {symbol: ONE})  # the target's sides spread it
            else:
                operands.append((symbol, self._value(operand)))
        scalars = symbols(formula) - {symbol for symbol, _ in matrix.operands}
        operands.extend(
            (symbol, self._value(MatrixSymbol(symbol, None, None)))
            for symbol in sorted(scalars, key=lambda symbol: symbol.name)
        )
        return ComputePointwise(target, matrix.sides, self.stage, formula, tuple(operands))

    def _layerwise(self, matrix: Layerwise, target: str) -> Operation:
        source = self._value(matrix.operand)
        operand = matrix.operand
        axes = tuple(axis for axis in operand.sides if axis is not None)
        argument = Symbol(f"{target}·z", axes)
        body = matrix.function.body(matrix.function.computed, {"z": argument}, matrix.axis)
        inner = _Lowering(prefix=f"{target}′", stage=self.stage)
        inner.known[MatrixSymbol(argument, *orient(axes, "rows"))] = source
        inner._value(arrange(body, "rows", axes), target)
        return ComputeLayerwise(
            target,
            matrix.sides,
            self.stage,
            source,
            matrix.function,
            matrix.axis,
            tuple(inner.operations),
        )
