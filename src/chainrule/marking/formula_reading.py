"""What the names of a network's formulas are, and the axes of every part."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeGuard

from chainrule.errors import InputError, shown
from chainrule.formulas import functions
from chainrule.formulas.functions import Primitive
from chainrule.marking import syntax
from chainrule.marking.formula_axes import axes_text, labels_of, listed, sizes_of
from chainrule.marking.formula_names import RESERVED, is_input, unknown_name
from chainrule.marking.formula_numbers import computed, fraction
from chainrule.marking.formula_statements import PRIMITIVES, text_of
from chainrule.marking.parser import ParsedEquation
from chainrule.marking.syntax import Tree
from chainrule.network import activations
from chainrule.network.activations import Activation
from chainrule.network.scope import Kind
from chainrule.network.stated_formula import (
    SAMPLES_LABEL,
    Applied,
    Constant,
    Entrywise,
    Flipped,
    Labels,
    Matrix,
    Part,
    Raised,
    Reduced,
    Statement,
    Trained,
    Value,
    parts_of,
)

_MOST_EXPONENT = 16


@dataclass(frozen=True)
class _Known:
    """A name with a value: its sides."""

    name: str
    sides: Labels


class FormulaReading:
    """The statements of a text, and what their names mean."""

    def __init__(self, equations: Sequence[ParsedEquation], lengths: Mapping[str, int]) -> None:
        self.lengths = lengths
        self.statements: list[Statement] = []
        self.known: dict[str, _Known] = {}
        self.parameters: dict[str, Trained] = {}
        self.used: set[str] = set()
        self.input_label: str | None = None
        self.current = ""
        self._sides_of: dict[tuple[int, str], Labels] = {}
        self.equations = {equation.left.text: equation for equation in equations}
        self.suited = self._suited(equations)
        for equation in equations:
            self._read(equation)
        self._check_use()

    # -- statements ----------------------------------------------------------------------------

    def _read(self, equation: ParsedEquation) -> None:
        name = equation.left.text
        text = f"{name} = {text_of(equation.rights[0])}"
        if len(equation.rights) > 1:
            raise InputError(f"`text` must have one formula for each name, got two for {name}")
        if name in self.known:
            raise InputError(
                f"`text` must define each name once, got {name} twice; give the second another name"
            )
        if name in RESERVED or name.startswith("δ"):
            meaning = RESERVED.get(name, "a derivative")
            raise InputError(f"`text`: {name} is {meaning}; give the value another name, as A_o")
        if is_input(name):
            raise InputError(f"`text`: {name} are the inputs, which are given; use another name")
        self.current = name
        right = equation.rights[0]
        # In a formula of parameters alone, a parameter with two axes is a matrix.
        matrix = None if self._has_samples(right) else "entries"
        formula = self.part(right, self.suited.get(name, "glorot_uniform"), matrix=matrix)
        if name in self.parameters:
            raise InputError(f"`text`: {name} is used before it is defined; move its statement up")
        self.statements.append(Statement(name, formula, text))
        self.known[name] = _Known(name, formula.sides)

    def _has_samples(self, tree: Tree) -> bool:
        names = [node.text for node in syntax.nodes(tree) if isinstance(node, syntax.Name)]
        return any(
            is_input(name) or (name in self.known and SAMPLES_LABEL in self.known[name].sides)
            for name in names
        )

    def _suited(self, equations: Iterable[ParsedEquation]) -> dict[str, str]:
        """Return the initializer for the weights of each value that an activation is applied to."""
        found: dict[str, str] = {}
        for equation in equations:
            for right in equation.rights:
                for tree in syntax.nodes(right):
                    if isinstance(tree, syntax.Call) and tree.function in activations.CATALOGUE:
                        (argument,) = tree.arguments
                        if isinstance(argument, syntax.Name):
                            function = activations.CATALOGUE[tree.function]
                            found[argument.text] = function.initializer
        return found

    def _check_use(self) -> None:
        outputs = self.statements[-1]
        for statement in self.statements[:-1]:
            if statement.name not in self.used:
                raise InputError(
                    f"`text`: the statement of {statement.name} is not used by that of the "
                    f"outputs, {outputs.name}; remove it, or use it"
                )
        if not self.parameters:
            raise InputError("`text` must have a parameter to train, such as W_ih, got none")
        if self.input_label is None:
            raise InputError(f"`text`: the outputs {outputs.name} do not depend on the inputs X")
        if not is_node(outputs.formula):
            raise InputError(
                f"`text`: the outputs {outputs.name} must be a row for each sample, got "
                f"{axes_text(outputs.formula.sides)}"
            )
        labels = {label for part in self._all() for label in part.sides} | {self.input_label}
        for label in self.lengths:
            if label not in labels:
                raise InputError(f"`sizes` has {label!r}, but no name in `text` has this axis")

    def _all(self) -> Iterable[Part]:
        pending = [statement.formula for statement in self.statements]
        while pending:
            part = pending.pop()
            yield part
            pending += parts_of(part)

    # -- formulas ------------------------------------------------------------------------------

    def part(self, tree: Tree, suited: str, *, matrix: str | None = None) -> Part:
        """Return a tree as a part.

        ``suited`` is the initializer of weights inside.  ``matrix`` is "left" or "right" in an
        operand of a matrix product, and "entries" in a formula of parameters alone: there a
        parameter with two axes is a matrix.
        """
        match tree:
            case syntax.Constant():
                return Constant(fraction(tree))
            case syntax.Name():
                return self._name(tree, suited, matrix)
            case syntax.Negative():
                operand = self.part(tree.operand, suited, matrix=matrix)
                if isinstance(operand, Constant):
                    return replace(operand, value=-operand.value)
                return Entrywise("*", Constant(Fraction(-1)), operand, sides=operand.sides)
            case syntax.Binary():
                return self._binary(tree, suited, matrix)
            case syntax.Raised():
                return self._raised(tree, suited, matrix)
            case syntax.Transposed():
                other = {"left": "right", "right": "left"}.get(matrix or "")
                operand = self.part(tree.operand, suited, matrix=other or "right")
                rows, columns = operand.sides
                return Flipped(operand, sides=(columns, rows))
            case syntax.Call():
                return self._call(tree, suited, matrix)
            case syntax.Reduction():
                return self._reduction(tree, suited)
            case syntax.Comparison():
                return self._comparison(tree, suited)
        raise InputError(f"`text` has {shown(text_of(tree))}, which no network can use")

    def _name(self, tree: syntax.Name, suited: str, matrix: str | None) -> Part:
        name = tree.text
        if name in self.known:
            self.used.add(name)
            return Value(name, sides=self.known[name].sides)
        if is_input(name):
            return Value("X", sides=(SAMPLES_LABEL, self._input(name)))
        if name == self.current or (name in self.equations and self._leads_to(name)):
            if name == self.current:
                raise InputError(f"`text` has a cycle: {name} is used in its own statement")
            raise InputError(
                f"`text` has a cycle: {self.current} is computed from {name}, and {name} from "
                f"{self.current}"
            )
        if name in self.equations:
            raise InputError(
                f"`text`: {name} is used in the statement of {self.current} before it is defined; "
                "move its statement up"
            )
        if name in ("π", "pi"):
            return Constant(Fraction(0), "π")
        labels = labels_of(name, self.lengths)
        if labels is None or name in RESERVED:
            equation = self.equations[self.current]
            raise unknown_name(name, equation, self.known, self.lengths)
        return self._parameter(name, labels, suited, matrix)

    def _leads_to(self, name: str) -> bool:
        """Return whether a later statement uses the current one."""
        pending, seen = [name], set[str]()
        while pending:
            found = pending.pop()
            if found == self.current:
                return True
            if found in self.equations and found not in seen:
                seen.add(found)
                for right in self.equations[found].rights:
                    pending += [n.text for n in syntax.nodes(right) if isinstance(n, syntax.Name)]
        return False

    def _input(self, name: str) -> str:
        _, _, label = name.partition("_")
        label = label or self.input_label or "i"
        if label not in self.lengths:
            raise InputError(
                f"`sizes` must have {label!r}, the axis of the inputs {name}, got "
                f"{listed(self.lengths)}"
            )
        if self.input_label not in (None, label):
            raise InputError(
                f"`text` must have one input, got X with the axes {self.input_label} and {label}"
            )
        self.input_label = label
        return label

    def _parameter(
        self, name: str, labels: tuple[str, ...], suited: str, matrix: str | None
    ) -> Part:
        if len(labels) > 2:
            raise InputError(
                f"`text`: a parameter must have one or two axes, got {name} with "
                f"{', '.join(labels)}"
            )
        sides: Labels = (None, labels[-1])
        if matrix is not None:
            if len(labels) == 2:
                sides = (labels[0], labels[1])
            elif matrix == "right":
                sides = (labels[0], None)
        row = matrix is None or (matrix == "entries" and len(labels) == 1)
        kind: Kind = "bias" if row else "weight"
        found = Trained(name, kind, suited, 0.0, sides=sides)
        before = self.parameters.get(name)
        if before is not None:
            if sizes_of(before.sides) != sizes_of(sides):
                raise InputError(
                    f"`text`: {name} is used as {axes_text(before.sides)} and as "
                    f"{axes_text(sides)}; use two names"
                )
            found = replace(before, sides=sides)
        self.parameters[name] = found
        return found

    # -- operations ----------------------------------------------------------------------------

    def _binary(self, tree: syntax.Binary, suited: str, matrix: str | None) -> Part:
        if tree.operation == "matrix":
            return self._matrix(tree, suited)
        if tree.operation == "product" and self._is_matrix(tree):
            return self._matrix(tree, suited)
        sign = {"add": "+", "subtract": "-", "divide": "/"}.get(tree.operation, "*")
        left = self.part(tree.left, suited, matrix=matrix)
        right = self.part(tree.right, suited, matrix=matrix)
        if _is_number(left) and _is_number(right):
            return Constant(computed(sign, left.value, right.value, tree))
        if sign == "/" and _is_number(right) and not right.value:
            raise InputError(f"`text` must not divide by zero, got {shown(text_of(tree))}")
        if sign in "*/" and matrix in (None, "entries"):
            left, right = self._scale(left), self._scale(right)
        return Entrywise(sign, left, right, sides=self._common(sign, tree, left, right))

    def _scale(self, part: Part) -> Part:
        """Return a row that is a factor: not a bias, and one at the start."""
        if not isinstance(part, Trained) or part.kind == "weight" or part.name in self.added:
            return part
        found = replace(part, kind="other", initial=1.0)
        self.parameters[part.name] = found
        return found

    @property
    def added(self) -> set[str]:
        """The rows that an earlier statement has already added."""
        return {
            part.name for part in self._all() if isinstance(part, Trained) and part.kind == "bias"
        }

    def _is_matrix(self, tree: syntax.Binary) -> bool:
        """Return whether a product without a sign is a matrix product."""
        sides = self._sides(tree.left, "left"), self._sides(tree.right, "right")
        (_, inside), (row, column) = sides
        if row in (None, SAMPLES_LABEL) or inside is None:
            return False
        if column is None:
            raise InputError(
                f"`text`: {shown(text_of(tree))} is ambiguous; write @ for the "
                "matrix product, or * for the product entry by entry"
            )
        return inside == row or inside != column

    def _sides(self, tree: Tree, matrix: str) -> Labels:
        """Return the sides of a tree, without learning anything from it."""
        key = (id(tree), matrix)
        if key not in self._sides_of:
            saved = dict(self.parameters), set(self.used)
            self._sides_of[key] = self.part(tree, "", matrix=matrix).sides
            self.parameters, self.used = saved
        return self._sides_of[key]

    def _matrix(self, tree: syntax.Binary, suited: str) -> Part:
        left = self.part(tree.left, suited, matrix="left")
        right = self.part(tree.right, suited, matrix="right")
        (rows, inside), (below, columns) = left.sides, right.sides
        if left.sides == (None, None) or right.sides == (None, None):
            raise InputError(
                f"`text`: @ must join matrices, got {shown(text_of(tree))}; "
                "multiply by a number with *"
            )
        if inside != below or inside is None:
            raise InputError(
                f"`text`: {text_of(tree)} has sizes that do not fit: "
                f"{self._described(tree.left, left)} meets {self._described(tree.right, right)}, "
                f"so {self._sized(inside)} meets {self._sized(below)}"
            )
        if inside == SAMPLES_LABEL:
            raise InputError(
                f"`text`: {text_of(tree)} adds up samples; each output must depend on its "
                "own sample"
            )
        if rows == columns == SAMPLES_LABEL:
            raise InputError(f"`text`: {text_of(tree)} has the samples on both sides")
        return Matrix(left, right, sides=(rows, columns))

    def _described(self, tree: Tree, part: Part) -> str:
        return f"{text_of(tree)} {axes_text(part.sides)}"

    def _sized(self, label: str | None) -> str:
        if label is None:
            return "one"
        return label if label == SAMPLES_LABEL else f"{label} = {self.lengths[label]}"

    def _common(self, sign: str, tree: Tree, *parts: Part) -> Labels:
        """Return the sides of parts that are joined entry by entry."""
        found: list[str | None] = []
        for side in (0, 1):
            labels = {part.sides[side] for part in parts} - {None}
            if len(labels) > 1:
                joined = " and ".join(axes_text(part.sides) for part in parts)
                first, second = [part.sides[side] for part in parts if part.sides[side]][:2]
                raise InputError(
                    f"`text`: {sign} must join values with the same axes, got {joined} in "
                    f"{shown(text_of(tree))}: {self._sized(first)} meets "
                    f"{self._sized(second)}"
                )
            found.append(next(iter(labels), None))
        return (found[0], found[1])

    def _raised(self, tree: syntax.Raised, suited: str, matrix: str | None) -> Part:
        base = self.part(tree.base, suited, matrix=matrix)
        exponent = self.part(tree.exponent, suited)
        if not isinstance(exponent, Constant) or exponent.name:
            raise InputError(
                f"`text`: exponents must be constant numbers, got {shown(text_of(tree))}"
            )
        if abs(exponent.value) > _MOST_EXPONENT:
            raise InputError(
                f"`text`: exponents must be between −{_MOST_EXPONENT} and {_MOST_EXPONENT}, got "
                f"{shown(text_of(tree))}"
            )
        if _is_number(base) and exponent.value.denominator == 1:
            return Constant(computed("^", base.value, exponent.value, tree))
        return Raised(base, exponent.value, sides=base.sides)

    def _call(self, tree: syntax.Call, suited: str, matrix: str | None) -> Part:
        if tree.derivative:
            raise InputError(
                f"`text`: the derivative of {tree.function} is no function of a network"
            )
        function: Activation | Primitive | None = activations.CATALOGUE.get(
            tree.function, PRIMITIVES.get(tree.function)
        )
        inner = function.initializer if isinstance(function, Activation) else suited
        arguments = tuple(self.part(each, inner, matrix=matrix) for each in tree.arguments)
        sides = self._common(tree.function, tree, *arguments)
        if tree.function == "sqrt":
            return Raised(arguments[0], Fraction(1, 2), sides=sides)
        if tree.function == "square":
            return Raised(arguments[0], Fraction(2), sides=sides)
        if function is None:
            raise InputError(f"`text`: {tree.function} is no function that a network can use")
        if isinstance(function, Activation) and not function.elementwise:
            by_row = sides[1] not in (None, SAMPLES_LABEL) and tree.axis in (None, 1, -1)
            if not by_row or any(isinstance(part, Flipped) for part in arguments):
                raise InputError(
                    f"`text`: {tree.function} must be applied to rows with units, got "
                    f"{shown(text_of(tree))}"
                )
        return Applied(function, arguments, sides=sides)

    def _reduction(self, tree: syntax.Reduction, suited: str) -> Part:
        operand = self.part(tree.operand, suited)
        rows, columns = operand.sides
        over_units = tree.axis in (1, "units") and columns not in (None, SAMPLES_LABEL)
        if not over_units:
            raise InputError(
                "`text`: sum and mean must be over the units of each sample, with axis=1, got "
                f"{shown(text_of(tree))}"
            )
        return Reduced(operand, tree.mean, sides=(rows, None))

    def _comparison(self, tree: syntax.Comparison, suited: str) -> Part:
        left, right = self.part(tree.left, suited), self.part(tree.right, suited)
        sides = self._common(tree.sign, tree, left, right)
        if tree.sign not in "><":
            raise InputError(f"`text`: a comparison must be > or <, got {tree.sign}")
        pair = (left, right) if tree.sign == ">" else (right, left)
        return Applied(functions.greater, pair, sides=sides)


def _is_number(part: Part) -> TypeGuard[Constant]:
    return isinstance(part, Constant) and not part.name


def is_node(part: Part) -> bool:
    """Return whether a part has a row for each sample."""
    return part.sides[0] == SAMPLES_LABEL and part.sides[1] not in (None, SAMPLES_LABEL)
