"""A prediction as an ONNX model: preprocessing, networks and labels in one graph.

Each column of the table is an input of its own, (rows, 1), under its own name: numbers and booleans
as doubles (NaN is missing), dates as doubles too, in seconds since 1970-01-01 00:00 UTC, because
strings cannot be cut in this version of the operators; text as strings ("" is missing). All is
computed in double precision.
Names inside the graph begin with a slash, or more where a column's name does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import InputError, shown
from chainrule.exports.prediction_steps import (
    Column,
    Entrywise,
    Gather,
    Largest,
    MatrixProduct,
    Missing,
    OneHot,
    Prediction,
    ReadDate,
    ReadNumbers,
    Step,
    Total,
)
from chainrule.formulas.expressions import (
    Add,
    Apply,
    Expression,
    Number,
    Power,
    Product,
    Symbol,
)

__all__ = ["onnx_model"]

OPSET, IR_VERSION = 19, 10
"""The version of the operators, of which 19 compares strings, and of the file's form."""
_LITERAL = 24
_LARGEST_INTEGER = 2**63

_OPERATORS = {
    "exp": "Exp",
    "log": "Log",
    "tanh": "Tanh",
    "sin": "Sin",
    "cos": "Cos",
    "abs": "Abs",
    "sign": "Sign",
    "floor": "Floor",
    "maximum": "Max",
    "minimum": "Min",
}


def onnx_model(prediction: Prediction) -> bytes:
    """Return the bytes of a model, checked by onnx; raise InputError where onnx is not installed.

    Its outputs are ``probabilities``, (rows, classes), and ``label``, (rows,), for classes, and
    ``prediction``, (rows, outputs), for numbers.
    """
    try:
        import onnx
    except ImportError:
        raise InputError(
            "`to` 'onnx' needs the package onnx, which is not installed. Run pip install "
            "'chainrule[onnx]'."
        ) from None
    model = _Graph(prediction, onnx).model()
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


class _Graph:
    """The nodes and constants of a graph, in the making."""

    def __init__(self, prediction: Prediction, onnx: Any) -> None:
        self.prediction, self.onnx = prediction, onnx
        self.helper, self.types = onnx.helper, onnx.TensorProto
        self.names = [column.name for column in prediction.columns]
        self.prefix = "/"
        while any(name.startswith(self.prefix) for name in self.names):
            self.prefix += "/"
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.count = 0
        self.known: dict[Any, str] = {}
        self.values: dict[str, str] = {}

    def model(self) -> Any:
        prediction, helper = self.prediction, self.helper
        if "" in self.names:
            raise InputError(
                "`to` must be a format that may have a column without a name, got 'onnx'. Give the "
                "column a name, or choose 'numpy'."
            )
        for name, array in prediction.constants.items():
            self.values[name] = self._constant(array if array.ndim == 2 else array[None, :])
        for step in prediction.steps:
            self.known = {}  # parts of a formula are shared within one step
            self.values[step.target] = self._step(step)
        inputs = [self._input(column) for column in prediction.columns]
        outputs = self._outputs()
        graph = helper.make_graph(
            self.nodes, "prediction", inputs, outputs, self._used(), prediction.title
        )
        return helper.make_model(
            graph,
            producer_name="chainrule",
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )

    def _used(self) -> list[Any]:
        """Return the stored arrays that a node reads; a factor of 1 may have been left out."""
        read = {name for node in self.nodes for name in node.input}
        return [array for array in self.initializers if array.name in read]

    def _input(self, column: Column) -> Any:
        kind = self.types.STRING if column.kind == "text" else self.types.DOUBLE
        about = "" if column.date is None else "seconds since 1970-01-01 00:00 UTC; NaN is missing"
        return self.helper.make_tensor_value_info(column.name, kind, ["rows", 1], about)

    def _outputs(self) -> list[Any]:
        prediction, make = self.prediction, self.helper.make_tensor_value_info
        width = len(prediction.outputs)
        output = self.values[prediction.output]
        if prediction.labels is None:
            name = self._named("Identity", [output], "prediction")
            return [make(name, self.types.DOUBLE, ["rows", width])]
        best = self._node("ArgMax", [output], axis=1, keepdims=0)
        table, kind = self._labels(prediction.labels)
        label = self._named("Gather", [table, best], "label")
        shares = self._named("Identity", [output], "probabilities")
        return [
            make(label, kind, ["rows"]),
            make(shares, self.types.DOUBLE, ["rows", width]),
        ]

    def _labels(self, labels: Sequence[Any]) -> tuple[str, int]:
        """Return the name of the labels' array and its type."""
        if all(isinstance(label, str) for label in labels):
            return self._texts(labels, [len(labels)]), self.types.STRING
        whole = all(isinstance(label, int) for label in labels)
        wrong = [
            label for label in labels if whole and not -_LARGEST_INTEGER <= label < _LARGEST_INTEGER
        ]
        if wrong:
            raise InputError(
                "`to` must be a format whose numbers hold the labels of the model, got 'onnx' "
                f"and the label {shown(wrong[0])}. Choose 'numpy' or 'c'."
            )
        if all(isinstance(label, bool) for label in labels):
            return self._stored(np.array(labels, dtype=bool)), self.types.BOOL
        kind = np.int64 if whole else np.float64
        return self._stored(np.array(labels, dtype=kind)), (
            self.types.INT64 if whole else self.types.DOUBLE
        )

    # -- steps -------------------------------------------------------------------------------------

    def _step(self, step: Step) -> str:
        match step:
            case ReadNumbers():
                return self._joined([self.names[index] for index in step.columns])
            case ReadDate():
                return self.names[step.column]
            case OneHot():
                return self._one_hot(step)
            case Missing():
                return self._double(self._node("IsNaN", [self.values[step.source]]))
            case Gather():
                return self._gathered(step)
            case MatrixProduct():
                return self._node("MatMul", [self.values[name] for name in step.sources])
            case Total() | Largest():
                operator = "ReduceSum" if isinstance(step, Total) else "ReduceMax"
                axes = self._stored(np.array([1], dtype=np.int64))
                return self._node(operator, [self.values[step.source], axes], keepdims=1)
            case Entrywise():
                operands = {symbol: self.values[name] for symbol, name in step.operands}
                found = self._formula(step.formula, operands)
                widths = self.prediction.widths
                varying = [n for n in step.sources if n not in self.prediction.constants]
                if varying and max(widths[name] for name in step.sources) == step.width:
                    return found
                return self._spread(found, step.width)
        raise TypeError(f"no node for the step {type(step).__name__}")

    def _spread(self, value: str, width: int) -> str:
        """Return a value repeated to (rows, width)."""
        shape = self._node("Shape", [self.names[0]], start=0, end=1)
        columns = self._stored(np.array([width], dtype=np.int64))
        return self._node("Expand", [value, self._node("Concat", [shape, columns], axis=0)])

    def _one_hot(self, step: OneHot) -> str:
        cell, column = self.names[step.column], self.prediction.columns[step.column]
        parts = []
        for is_missing, group in groupby(step.categories, key=lambda category: category is None):
            texts = ["", *column.marks] if is_missing else [str(category) for category in group]
            found = self._double(self._node("Equal", [cell, self._texts(texts, [1, len(texts)])]))
            if is_missing:
                axes = self._stored(np.array([1], dtype=np.int64))
                found = self._node("ReduceMax", [found, axes], keepdims=1)
            parts.append(found)
        return self._joined(parts)

    def _gathered(self, step: Gather) -> str:
        parts = []
        for source, group in groupby(step.parts, key=lambda part: part.source):
            entries = [at for p in group for at in range(p.start, p.start + p.count)]
            value = self.values[source]
            if entries != list(range(self.prediction.widths[source])):
                indices = self._stored(np.array(entries, dtype=np.int64))
                value = self._node("Gather", [value, indices], axis=1)
            parts.append(value)
        return self._joined(parts)

    # -- formulas ----------------------------------------------------------------------------------

    def _formula(self, tree: Expression, operands: dict[str, str]) -> str:
        if tree not in self.known:
            self.known[tree] = self._computed(tree, operands)
        return self.known[tree]

    def _computed(self, tree: Expression, operands: dict[str, str]) -> str:
        def of(part: Expression) -> str:
            return self._formula(part, operands)

        match tree:
            case Number():
                return self._number(float(tree.value))
            case Symbol():
                return operands[tree.name]
            case Add():
                return self._folded("Add", [of(term) for term in tree.terms])
            case Product(summed=()):
                return self._folded("Mul", [of(factor) for factor in tree.factors])
            case Power(exponent=Number() as exponent):
                if exponent.value == -1:
                    return self._node("Div", [self._number(1.0), of(tree.base)])
                return self._node("Pow", [of(tree.base), of(tree.exponent)])
            case Apply():
                return self._applied(tree.function.name, [of(part) for part in tree.arguments])
        raise InputError(f"`model` must consist of formulas of single entries, got {tree}")

    def _applied(self, name: str, arguments: list[str]) -> str:
        one, zero = self._number(1.0), self._number(0.0)
        match name:
            case "greater" | "equal":
                return self._double(self._node(name.capitalize(), arguments))
            case "where":
                condition = self._node("Greater", [arguments[0], zero])
                return self._node("Where", [condition, *arguments[1:]])
            case "expm1":
                return self._node("Sub", [self._node("Exp", arguments), one])
            case "log1p":
                return self._node("Log", [self._node("Add", [*arguments, one])])
            case "erf":  # onnxruntime has it in single precision only
                single = self._node("Cast", arguments, to=self.types.FLOAT)
                return self._double(self._node("Erf", [single]))
        return self._node(_OPERATORS[name], arguments)

    # -- parts of the file -------------------------------------------------------------------------

    def _fresh(self) -> str:
        self.count += 1
        return f"{self.prefix}{self.count}"

    def _node(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        return self._with_output(operator, inputs, self._fresh(), **attributes)

    def _named(self, operator: str, inputs: Sequence[str], output: str) -> str:
        """Add a node whose output the user sees; underscores tell it from columns."""
        while output in self.names:
            output += "_"
        return self._with_output(operator, inputs, output)

    def _with_output(
        self, operator: str, inputs: Sequence[str], output: str, **attributes: Any
    ) -> str:
        self.nodes.append(self.helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def _folded(self, operator: str, values: list[str]) -> str:
        found = values[0]
        for value in values[1:]:
            found = self._node(operator, [found, value])
        return found

    def _joined(self, values: list[str]) -> str:
        return values[0] if len(values) == 1 else self._node("Concat", values, axis=1)

    def _double(self, value: str) -> str:
        return self._node("Cast", [value], to=self.types.DOUBLE)

    def _number(self, value: float) -> str:
        if ("number", value) not in self.known:
            self.known["number", value] = self._stored(np.array([[value]]))
        return self.known["number", value]

    def _constant(self, array: Array) -> str:
        """Store an array, as float32 where that is exact and saves room."""
        single = array.astype(np.float32)
        if array.size > _LITERAL and (single == array).all():
            return self._double(self._stored(single))
        return self._stored(array)

    def _stored(self, array: Array) -> str:
        name = self._fresh()
        self.initializers.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def _texts(self, texts: Sequence[str], shape: list[int]) -> str:
        name = self._fresh()
        data = [text.encode("utf-8") for text in texts]
        self.initializers.append(self.helper.make_tensor(name, self.types.STRING, shape, data))
        return name
