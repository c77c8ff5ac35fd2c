"""A network from the formulas of its forward pass, as text.

Each statement ``name = formula`` is parsed by the parser of a learner's line: known operations on
names, and no part of the text is ever executed.  Which axes a parameter has follows from its name:
``W_ih`` leads from the axis ``i`` to the axis ``h``.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeGuard

from chainrule.errors import InputError, InputTypeError, nearest, one_line, shown
from chainrule.formulas import functions
from chainrule.formulas.expressions import Number, children
from chainrule.formulas.functions import Primitive
from chainrule.language.refusals import Refusal
from chainrule.marking import syntax
from chainrule.marking.grammar import ActivationName
from chainrule.marking.parser import ParsedEquation, parse
from chainrule.marking.quantities import Quantity, Role
from chainrule.marking.syntax import Tree, written
from chainrule.network import activations
from chainrule.network.activations import Activation
from chainrule.network.architecture import Network
from chainrule.network.graph import Node
from chainrule.network.layers import Dense, Input
from chainrule.network.losses import Loss
from chainrule.network.penalties import Penalty
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
    StatedFormula,
    Statement,
    Trained,
    Value,
    parts_of,
)
from chainrule.validation import checked_integer, requirement

MAX_TEXT = 20_000
"""The most characters of a network's formulas."""
_MOST_DIGITS = 300
"""The most digits of a constant."""
_MOST_EXPONENT = 16
_MOST_LISTED = 12
_PRIMITIVES = {
    name: functions.PRIMITIVES[name]
    for name in (
        *("exp", "log", "abs", "sign", "maximum", "minimum", "where"),
        *("erf", "expm1", "log1p", "sin", "cos"),
    )
}
_ROOTS = ("sqrt", "square")
_OTHER_FUNCTIONS = ("sqrt", "square", "sum", "mean", "max", "min", "transpose", "matmul", "dot")
_FUNCTION_NAMES = (
    *activations.CATALOGUE,
    *activations.ALIASES,
    *_PRIMITIVES,
    *_OTHER_FUNCTIONS,
    *("ln", "σ", "outer", "multiply"),
)
_RESERVED = {
    **dict.fromkeys(("Loss", "DataLoss"), "the loss"),
    **dict.fromkeys(("Y", "Y_t"), "the targets"),
    **dict.fromkeys(("w", "k"), "given data"),
    **dict.fromkeys(("λ", "λ_1"), "a penalty"),
    "B": "the number of samples",
}
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9]{0,30}")
_INDICES = re.compile(r"_\s*\{\s*([A-Za-z0-9]+(?:\s*,\s*[A-Za-z0-9]+)+)\s*\}")
_WORDS = re.compile(r"[^\W\d_]+")


def network_from(
    text: str,
    *,
    sizes: Mapping[str, int],
    loss: str | Loss = "mse",
    penalty: Penalty | Sequence[Penalty] = (),
) -> Network:
    """Return the network whose forward pass is stated by formulas.

    ``text`` has one statement ``name = formula`` for each line, or separated by semicolons, in the
    notation of NumPy or of mathematics (LaTeX too); a comment begins with #.  ``X`` are the inputs,
    (samples, i).  A name that no statement defines is a parameter if its index consists of axes of
    ``sizes``: ``W_ih`` is a matrix (i, h), ``b_h`` or ``b_ih`` added to rows is a row (h).  The
    last statement defines the outputs.

    Available are +, −, ⊙ (``*``), the matrix product (``@``), /, constant powers, the activations
    by name, exp, log, sqrt, abs, max, min, where, and sum and mean over ``axis=1``.

    Raises ``InputError``, on one line, for what cannot be parsed, for sizes that do not fit, for a
    name that is neither defined nor a parameter, and for a statement that is not used.

    >>> network = network_from(
    ...     "A_h = tanh(X @ W_ih + b_ih); A_o = softmax(A_h @ W_ho + b_ho)",
    ...     loss="log_loss", sizes={"i": 4, "h": 16, "o": 3})
    >>> print(network)
    4-16-3, tanh then softmax, log_loss, 131 parameters
    >>> residual = network_from(
    ...     "H = X + tanh(X @ W_ii + b_i); A = H @ W_io", sizes={"i": 3, "o": 1})
    >>> residual.parameter_shapes
    {'W_ii': (3, 3), 'b_i': (3,), 'W_io': (3, 1)}
    """
    lengths = _lengths(sizes)
    reading = _Reading(_statements(text), lengths)
    dense = _dense(reading, loss, penalty)
    network = reading.network(loss, penalty) if dense is None else dense
    network.stated = (text, lengths)
    return network


def _lengths(sizes: Mapping[str, int]) -> dict[str, int]:
    if not isinstance(sizes, Mapping):
        raise InputTypeError(requirement("sizes", "a mapping such as {'i': 4, 'h': 16}", sizes))
    found: dict[str, int] = {}
    items: Iterable[tuple[object, int]] = sizes.items()
    for label, length in items:
        if not isinstance(label, str) or not _LABEL.fullmatch(label) or label == SAMPLES_LABEL:
            allowed = "letters and digits such as 'h' for its keys ('B' is the axis of samples)"
            raise InputError(requirement("sizes", allowed, label))
        found[label] = checked_integer(f"sizes[{label!r}]", length)
    if not found:
        raise InputError(requirement("sizes", "the size of each axis, as {'i': 4}", dict(sizes)))
    return found


# -- from text to trees ------------------------------------------------------------------------


class _Names:
    """The names of a text: every word but those of functions."""

    def quantity(self, text: str) -> Quantity | None:
        return None if text in _FUNCTION_NAMES else Quantity(text, Role.CONSTANT)

    def differentiable(self, text: str) -> Quantity | None:
        return None

    def loss_derivative(self, above: str, below: str) -> Quantity | None:
        return None

    def function(self, text: str) -> ActivationName | None:
        name = "sigmoid" if text == "σ" else activations.ALIASES.get(text, text)
        known = name in activations.CATALOGUE or name in _PRIMITIVES
        return ActivationName(name) if known else None

    def needs_layer(self, text: str) -> bool:
        return self.quantity(text) is None

    def is_error(self, text: str) -> bool:
        return False

    def error(self, text: str) -> Quantity | None:
        return None

    def in_style(self, quantity: Quantity, texts: Sequence[str]) -> str | None:
        """Return None: nothing is repaired here."""
        return None

    def unknown(self, text: str) -> Refusal:
        raise InputError(f"`text`: {shown(text)} is a function; apply it, as in {text}(X)")


def _statements(text: str) -> list[ParsedEquation]:
    if not isinstance(text, str):
        raise InputTypeError(requirement("text", "formulas such as 'A = tanh(X @ W_io)'", text))
    if len(text) > MAX_TEXT:
        raise InputError(f"`text` must have at most {MAX_TEXT:,} characters, got {len(text):,}")
    found: list[ParsedEquation] = []
    for line in _lines(text):
        try:
            found += parse(line, _Names())
        except Refusal as refusal:
            if refusal.key == "left_side":
                raise InputError(
                    "`text` must define one name on the left of each equals sign, as in "
                    f"'A_h = tanh(X @ W_ih)', got {shown(line)}"
                ) from None
            message = str(refusal).replace("`line`", "`text`")
            example = "as in dW_ho = a_h.T @ delta_o"
            message = message.replace(example, "as in A_h = tanh(X @ W_ih + b_h)")
            raise InputError(one_line(f"{message}, in {shown(line)}")) from None
    if not found:
        raise InputError(
            "`text` must state an output, as in 'A_o = sigmoid(X @ W_io + b_o)', got no statement"
        )
    return found


def _lines(text: str) -> list[str]:
    """Return the statements: without comments, and lines joined inside of brackets."""
    plain = "\n".join(line.partition("#")[0] for line in text.splitlines())
    plain = _INDICES.sub(_joined_index, plain)
    found = [""]
    depth = 0
    for letter in plain:
        depth += (letter in "([{（") - (letter in ")]}）")
        if letter in ";；" or (letter == "\n" and depth <= 0):
            found.append("")
            depth = 0
        else:
            found[-1] += " " if letter == "\n" else letter
    return [line.strip() for line in found if line.strip()]


def _joined_index(match: re.Match[str]) -> str:
    """Write W_{i,h} as W_{ih}, W_{in,hid} as W_{in_hid}."""
    labels = [label.strip() for label in match[1].split(",")]
    return "_{" + ("" if max(map(len, labels)) == 1 else "_").join(labels) + "}"


# -- from trees to formulas with axes ----------------------------------------------------------


@dataclass(frozen=True)
class _Known:
    """A name with a value: its sides."""

    name: str
    sides: Labels


class _Reading:
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
        text = f"{name} = {_text(equation.rights[0])}"
        if len(equation.rights) > 1:
            raise InputError(f"`text` must have one formula for each name, got two for {name}")
        if name in self.known:
            raise InputError(
                f"`text` must define each name once, got {name} twice; give the second another name"
            )
        if name in _RESERVED or name.startswith("δ"):
            meaning = _RESERVED.get(name, "a derivative")
            raise InputError(f"`text`: {name} is {meaning}; give the value another name, as A_o")
        if _is_input(name):
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
            _is_input(name) or (name in self.known and SAMPLES_LABEL in self.known[name].sides)
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
        if not _is_node(outputs.formula):
            raise InputError(
                f"`text`: the outputs {outputs.name} must be a row for each sample, got "
                f"{_axes_text(outputs.formula.sides)}"
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
                return Constant(_fraction(tree))
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
        raise InputError(f"`text` has {shown(_text(tree))}, which no network can use")

    def _name(self, tree: syntax.Name, suited: str, matrix: str | None) -> Part:
        name = tree.text
        if name in self.known:
            self.used.add(name)
            return Value(name, sides=self.known[name].sides)
        if _is_input(name):
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
        labels = _labels(name, self.lengths)
        if labels is None or name in _RESERVED:
            raise self._free(name)
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
                f"{_listed(self.lengths)}"
            )
        if self.input_label not in (None, label):
            raise InputError(
                f"`text` must have one input, got X with the axes {self.input_label} and {label}"
            )
        self.input_label = label
        return label

    def _free(self, name: str) -> InputError:
        """Return the error for a name without a meaning."""
        called = [
            tree
            for tree in syntax.nodes(self.equations[self.current].rights[0])
            if isinstance(tree, syntax.Binary)
            and tree.operation == "product"
            and isinstance(tree.left, syntax.Name)
            and tree.left.text == name
            and tree.right.span[0] == tree.left.span[1]
        ]
        if called:
            guess = nearest(name, _FUNCTION_NAMES)
            hint = f" Did you mean {guess!r}?" if guess else ""
            return InputError(
                f"unknown function {shown(name)}.{hint} Available: "
                f"{', '.join(map(repr, (*activations.CATALOGUE, *_PRIMITIVES, *_ROOTS)))}"
            )
        _, _, index = name.partition("_")
        known = _listed(["X", *self.known])
        guess = nearest(name, self.known)
        hint = f" Did you mean {guess!r}?" if guess else ""
        if index and not index.isdecimal():
            return InputError(
                f"`sizes` must have the axes of {shown(name)} in the statement of "
                f"{self.current}, or a statement must define it before.{hint} "
                f"Axes: {_listed(self.lengths)}. Values: {known}"
            )
        return InputError(
            f"`text`: {shown(name)} in the statement of {self.current} is neither defined "
            f"before nor a parameter, whose name ends in its axes, as W_ih.{hint} Axes: "
            f"{_listed(self.lengths)}. Values: {known}"
        )

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
            if _sizes_of(before.sides) != _sizes_of(sides):
                raise InputError(
                    f"`text`: {name} is used as {_axes_text(before.sides)} and as "
                    f"{_axes_text(sides)}; use two names"
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
            return Constant(_computed(sign, left.value, right.value, tree))
        if sign == "/" and _is_number(right) and not right.value:
            raise InputError(f"`text` must not divide by zero, got {shown(_text(tree))}")
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
                f"`text`: {shown(_text(tree))} is ambiguous; write @ for the "
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
                f"`text`: @ must join matrices, got {shown(_text(tree))}; "
                "multiply by a number with *"
            )
        if inside != below or inside is None:
            raise InputError(
                f"`text`: {_text(tree)} has sizes that do not fit: "
                f"{self._described(tree.left, left)} meets {self._described(tree.right, right)}, "
                f"so {self._sized(inside)} meets {self._sized(below)}"
            )
        if inside == SAMPLES_LABEL:
            raise InputError(
                f"`text`: {_text(tree)} adds up samples; each output must depend on its own sample"
            )
        if rows == columns == SAMPLES_LABEL:
            raise InputError(f"`text`: {_text(tree)} has the samples on both sides")
        return Matrix(left, right, sides=(rows, columns))

    def _described(self, tree: Tree, part: Part) -> str:
        return f"{_text(tree)} {_axes_text(part.sides)}"

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
                listed = " and ".join(_axes_text(part.sides) for part in parts)
                first, second = [part.sides[side] for part in parts if part.sides[side]][:2]
                raise InputError(
                    f"`text`: {sign} must join values with the same axes, got {listed} in "
                    f"{shown(_text(tree))}: {self._sized(first)} meets "
                    f"{self._sized(second)}"
                )
            found.append(next(iter(labels), None))
        return (found[0], found[1])

    def _raised(self, tree: syntax.Raised, suited: str, matrix: str | None) -> Part:
        base = self.part(tree.base, suited, matrix=matrix)
        exponent = self.part(tree.exponent, suited)
        if not isinstance(exponent, Constant) or exponent.name:
            raise InputError(
                f"`text`: exponents must be constant numbers, got {shown(_text(tree))}"
            )
        if abs(exponent.value) > _MOST_EXPONENT:
            raise InputError(
                f"`text`: exponents must be between −{_MOST_EXPONENT} and {_MOST_EXPONENT}, got "
                f"{shown(_text(tree))}"
            )
        if _is_number(base) and exponent.value.denominator == 1:
            return Constant(_computed("^", base.value, exponent.value, tree))
        return Raised(base, exponent.value, sides=base.sides)

    def _call(self, tree: syntax.Call, suited: str, matrix: str | None) -> Part:
        if tree.derivative:
            raise InputError(
                f"`text`: the derivative of {tree.function} is no function of a network"
            )
        function: Activation | Primitive | None = activations.CATALOGUE.get(
            tree.function, _PRIMITIVES.get(tree.function)
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
                    f"{shown(_text(tree))}"
                )
        return Applied(function, arguments, sides=sides)

    def _reduction(self, tree: syntax.Reduction, suited: str) -> Part:
        operand = self.part(tree.operand, suited)
        rows, columns = operand.sides
        over_units = tree.axis in (1, "units") and columns not in (None, SAMPLES_LABEL)
        if not over_units:
            raise InputError(
                "`text`: sum and mean must be over the units of each sample, with axis=1, got "
                f"{shown(_text(tree))}"
            )
        return Reduced(operand, tree.mean, sides=(rows, None))

    def _comparison(self, tree: syntax.Comparison, suited: str) -> Part:
        left, right = self.part(tree.left, suited), self.part(tree.right, suited)
        sides = self._common(tree.sign, tree, left, right)
        if tree.sign not in "><":
            raise InputError(f"`text`: a comparison must be > or <, got {tree.sign}")
        pair = (left, right) if tree.sign == ">" else (right, left)
        return Applied(functions.greater, pair, sides=sides)

    # -- the network ---------------------------------------------------------------------------

    def network(self, loss: str | Loss, penalty: Penalty | Sequence[Penalty]) -> Network:
        """Return the network: one layer for each statement with a row for each sample."""
        assert self.input_label is not None
        x: Node = Input(self.lengths[self.input_label])
        nodes: dict[str, Node] = {"X": x}
        final = self._with_final_parameters()
        by_name = {statement.name: statement for statement in final}
        taken = frozenset({"X", "Y", *self.known, *self.parameters})
        for statement in final:
            if not _is_node(statement.formula):
                continue
            needed: dict[str, None] = {}
            sources: dict[str, None] = {}
            self._collect(statement, by_name, nodes, needed, sources)
            group = [each for each in final if each.name in needed]
            layer = StatedFormula([*group, statement], tuple(sources), self.lengths, taken)
            if not sources:
                raise InputError(
                    f"`text`: {statement.name} has a row for each sample, but uses no value"
                )
            nodes[statement.name] = layer(*(nodes[name] for name in sources))
        network = Network(x, nodes[final[-1].name], loss, penalty=penalty)
        _check_numbers(network)
        return network

    def _with_final_parameters(self) -> list[Statement]:
        """Return the statements with what is known of each parameter at the end."""

        def final(part: Part) -> Part:
            match part:
                case Trained():
                    return replace(self.parameters[part.name], sides=part.sides)
                case Entrywise() | Matrix():
                    return replace(part, left=final(part.left), right=final(part.right))
                case Applied():
                    return replace(part, arguments=tuple(map(final, part.arguments)))
                case Raised():
                    return replace(part, base=final(part.base))
                case Reduced() | Flipped():
                    return replace(part, operand=final(part.operand))
            return part

        return [replace(each, formula=final(each.formula)) for each in self.statements]

    def _collect(
        self,
        statement: Statement,
        by_name: Mapping[str, Statement],
        nodes: Mapping[str, Node],
        needed: dict[str, None],
        sources: dict[str, None],
    ) -> None:
        """Collect the statements that are needed before one, and the nodes it is applied to."""
        pending = [statement.formula]
        while pending:
            part = pending.pop(0)
            if isinstance(part, Value) and part.name in nodes:
                sources[part.name] = None
            elif isinstance(part, Value) and part.name not in needed:
                needed[part.name] = None
                pending.append(by_name[part.name].formula)
            pending += parts_of(part)


def _text(tree: Tree) -> str:
    """Return a tree as text: as in mathematics where products have no sign."""
    products = (node for node in syntax.nodes(tree) if isinstance(node, syntax.Binary))
    implicit = any(node.operation == "product" for node in products)
    return written(tree, "mathematics" if implicit else "numpy")


def _is_number(part: Part) -> TypeGuard[Constant]:
    return isinstance(part, Constant) and not part.name


def _is_input(name: str) -> bool:
    return name == "X" or name.startswith("X_")


def _is_node(part: Part) -> bool:
    return part.sides[0] == SAMPLES_LABEL and part.sides[1] not in (None, SAMPLES_LABEL)


def _labels(name: str, lengths: Mapping[str, int]) -> tuple[str, ...] | None:
    """Return the axes in the index of a name; None where the index is not made of axes.

    Numbers after an underscore tell parameters with the same axes apart: W_hh_1, W_hh_2.
    """
    _, _, index = name.partition("_")
    found: list[str] = []
    for word in index.split("_"):
        if word.isdecimal():
            continue
        split = _split(word, lengths)
        if split is None:
            return None
        found += split
    return tuple(found) or None


def _split(word: str, lengths: Mapping[str, int]) -> list[str] | None:
    """Return a word as axes, the longest first: "inhid" is in, hid."""
    paths: list[list[str] | None] = [[]]
    for end in range(1, len(word) + 1):
        best: list[str] | None = None
        for start in range(max(0, end - 31), end):
            before = paths[start]
            if before is not None and word[start:end] in lengths:
                path = [*before, word[start:end]]
                best = path if best is None or len(path) < len(best) else best
        paths.append(best)
    return paths[-1] or None


def _sizes_of(sides: Labels) -> list[str]:
    return sorted(label for label in sides if label is not None)


def _axes_text(sides: Labels) -> str:
    present = [label for label in sides if label is not None]
    return f"({', '.join(present)})" if present else "one number"


def _listed(names: Iterable[str]) -> str:
    found = [shown(name) for name in names]
    more = f" and {len(found) - _MOST_LISTED} more" if len(found) > _MOST_LISTED else ""
    return ", ".join(found[:_MOST_LISTED]) + more


def _fraction(tree: syntax.Constant) -> Fraction:
    text = tree.text
    try:
        value = Fraction(text)
    except ValueError:
        value = Fraction(repr(tree.value))
    return _bounded(value, text)


def _computed(sign: str, left: Fraction, right: Fraction, tree: Tree) -> Fraction:
    text = _text(tree)
    if (sign in "/" and right == 0) or (sign == "^" and left == 0 and right < 0):
        raise InputError(f"`text` must not divide by zero, got {shown(text)}")
    match sign:
        case "+":
            return _bounded(left + right, text)
        case "-":
            return _bounded(left - right, text)
        case "*":
            return _bounded(left * right, text)
        case "/":
            return _bounded(left / right, text)
    return _bounded(left ** int(right), text)


def _bounded(value: Fraction, text: str) -> Fraction:
    """Return a constant; raise ``InputError`` where it has too many digits for a float."""
    most = max(abs(value.numerator), value.denominator)
    if most and math.log10(most) > _MOST_DIGITS:
        raise InputError(
            f"`text`: constants must have at most {_MOST_DIGITS} digits, got {shown(text)}"
        )
    return value


def _check_numbers(network: Network) -> None:
    """Raise ``InputError`` where constants multiply to a number that no float holds."""
    for equation in network.formulation().equations:
        pending = [equation.right]
        while pending:
            found = pending.pop()
            if isinstance(found, Number):
                _bounded(found.value, equation.left.name)
            pending += children(found)


# -- the dense network -------------------------------------------------------------------------


def _dense(
    reading: _Reading, loss: str | Loss, penalty: Penalty | Sequence[Penalty]
) -> Network | None:
    """Return the network of `Network.dense`, where the formulas and their names are its own."""
    written_out = {statement.name: statement.formula for statement in reading.statements}
    if set(reading.lengths) != {"i", "h", "o"} or not {"A_h", "A_o"} <= set(written_out):
        return None
    if not set(written_out) <= {"A_h", "A_o", "Z_h", "Z_o"} or reading.statements[-1].name != "A_o":
        return None
    chosen: list[Activation] = []
    for below, start, end in (("X", "i", "h"), ("A_h", "h", "o")):
        formula = written_out[f"A_{end}"]
        if not isinstance(formula, Applied) or not isinstance(formula.function, Activation):
            return None
        (argument,) = formula.arguments
        if argument == Value(f"Z_{end}", sides=argument.sides):
            argument = written_out[f"Z_{end}"]
        if not isinstance(argument, Entrywise) or argument.sign != "+":
            return None
        weighted, offset = argument.left, argument.right
        if not isinstance(weighted, Matrix) or not isinstance(offset, Trained):
            return None
        names = [getattr(part, "name", "") for part in (weighted.left, weighted.right, offset)]
        if names != [below, f"W_{start}{end}", f"b_{start}{end}"]:
            return None
        chosen.append(formula.function)
    x: Node = Input(reading.lengths["i"])
    hidden = Dense(reading.lengths["h"], chosen[0])(x)
    outputs = Dense(reading.lengths["o"], chosen[1])(hidden)
    return Network(x, outputs, loss, penalty=penalty)
