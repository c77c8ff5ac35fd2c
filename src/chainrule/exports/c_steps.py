"""Steps of a prediction as the body of a function of C, computed in double precision."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from chainrule.arrays import FloatArray
from chainrule.exports.c_text import Arithmetic, is_single
from chainrule.exports.formula_text import harmless, written
from chainrule.exports.learned_network import Learned
from chainrule.exports.prediction_steps import (
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
    last_uses,
)
from chainrule.exports.quantization import QuantizedProduct
from chainrule.exports.working_memory import Assignment, WorkingMemory

__all__ = ["StepsInC", "kind_of"]


def kind_of(name: str, array: FloatArray, quantized: Collection[str]) -> str:
    """Return the type of C of a constant."""
    if name in quantized:
        return "signed char"
    return "float" if is_single(array) else "double"


class StepsInC:
    """The statements of a prediction's steps, ``lines``, on a working array of ``size`` doubles.

    The steps find their cells in numbers and texts; ``answer`` is the text of the result's entry i.
    """

    def __init__(
        self, prediction: Prediction, kinds: Mapping[str, str], arithmetic: Arithmetic
    ) -> None:
        self.prediction, self.kinds, self.arithmetic = prediction, kinds, arithmetic
        self.widths = prediction.widths
        ends = last_uses(prediction)
        memory = WorkingMemory(
            (
                Assignment(time, step.target, step.width, self._replaced(step))
                for time, step in enumerate(prediction.steps)
            ),
            ends,
        )
        self.size, self._starts = memory.size, memory.starts
        self.answer = f"work[{memory.starts[prediction.output]} + i]"
        self.lines = [
            line
            for step in prediction.steps
            for line in (
                f"/* {harmless(step.note)} */",
                "{",
                *(f"    {statement}" for statement in self._statements(step)),
                "}",
            )
        ]

    def _replaced(self, step: Step) -> frozenset[str]:
        """Return the values that a formula of entries may replace: those as wide as its own."""
        return frozenset(step.sources if isinstance(step, Entrywise) else ())

    def _pointer(self, name: str) -> str:
        return f"model_{name}" if name in self.kinds else f"work + {self._starts[name]}"

    def _statements(self, step: Step) -> Iterator[str]:
        columns = self.prediction.columns
        yield f"double *const t = {self._pointer(step.target)};"
        n = step.width
        match step:
            case ReadNumbers() | ReadDate():
                order = [i for i, column in enumerate(columns) if column.kind != "text"]
                read = (step.column,) if isinstance(step, ReadDate) else step.columns
                for at, i in enumerate(read):
                    yield f"t[{at}] = numbers[{order.index(i)}];"
            case OneHot():
                yield from self._one_hot(step)
            case Missing():
                yield f"const double *const x = {self._pointer(step.source)};"
                yield f"for (i = 0; i < {n}; ++i) t[i] = x[i] != x[i] ? 1.0 : 0.0;"
            case Gather():
                at = 0
                for part in step.parts:
                    source = f"({self._pointer(part.source)})[{part.start} + i]"
                    yield f"for (i = 0; i < {part.count}; ++i) t[{at} + i] = {source};"
                    at += part.count
            case MatrixProduct():
                width = self.widths[step.source]
                yield f"const double *const x = {self._pointer(step.source)};"
                yield f"for (j = 0; j < {n}; ++j) t[j] = 0.0;"
                yield f"for (i = 0; i < {width}; ++i)"
                yield f"    for (j = 0; j < {n}; ++j)"
                yield f"        t[j] += x[i] * (double)model_{step.matrix}[i * {n} + j];"
            case QuantizedProduct():
                width = self.widths[step.source]
                yield f"const double *const x = {self._pointer(step.source)};"
                yield f"for (j = 0; j < {n}; ++j) {{"
                yield "    float s = 0.0f;"
                yield f"    for (i = 0; i < {width}; ++i)"
                yield f"        s += (float)x[i] * (float)model_{step.matrix}[i * {n} + j];"
                yield f"    t[j] = (double)(s * model_{step.scales}[j]);"
                yield "}"
            case Total() | Largest():
                yield f"const double *const x = {self._pointer(step.source)};"
                yield "double u = x[0];"
                added = "u += x[i]" if isinstance(step, Total) else "u = model_larger(x[i], u)"
                yield f"for (i = 1; i < {self.widths[step.source]}; ++i) {added};"
                yield "t[0] = u;"
            case Learned():
                yield from self._learned(step)
            case Entrywise():
                yield from self._entrywise(step)

    def _one_hot(self, step: OneHot) -> Iterator[str]:
        columns = self.prediction.columns
        texts = [i for i, column in enumerate(columns) if column.kind == "text"]
        count, marks = len(step.categories), columns[step.column].marks
        yield f"const char *cell = texts[{texts.index(step.column)}];"
        if marks:
            yield f"for (i = 0; i < {len(marks)}; ++i)"
            mark = f"model_marks_{step.column}[i]"
            yield f"    if (cell != NULL && model_is(cell, {mark})) cell = NULL;"
        yield f"for (i = 0; i < {count}; ++i)"
        yield f"    t[i] = model_is(cell, model_{step.target}_categories[i]) ? 1.0 : 0.0;"

    def _learned(self, step: Learned) -> Iterator[str]:
        yield f"{step.real} x[MODEL_FEATURES], a[{step.width}];"
        yield "model_features(numbers, texts, x);"
        yield "model_network(parameters, x, a);"
        yield f"for (i = 0; i < {step.width}; ++i) t[i] = (double)a[i];"

    def _entrywise(self, step: Entrywise) -> Iterator[str]:
        names = {}
        for number, (symbol, source) in enumerate(step.operands):
            kind = self.kinds.get(source, "double")
            yield f"const {kind} *const x{number} = {self._pointer(source)};"
            index = "0" if self.widths[source] == 1 else "i"
            cast = "" if kind == "double" else "(double)"
            names[symbol] = f"{cast}x{number}[{index}]"
        assigned, text = written(step.formula, names, self.arithmetic.notation)
        yield f"for (i = 0; i < {step.width}; ++i) {{"
        yield from (f"    const double {name} = {part};" for name, part in assigned)
        yield f"    t[i] = {text};"
        yield "}"
