"""A prediction as one header in C99: no allocation, no state between calls, constants in flash.

Numbers are computed in double precision; parameters of float32 are stored as float. Every value
that is needed at the same time has its own part of one working array, whose size is stated. A
network that is to learn is computed in the type of its parameters, which the caller holds
(`c_training`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from chainrule.exports.c_steps import StepsInC, kind_of
from chainrule.exports.c_text import (
    Arithmetic,
    array,
    elementary_functions,
    numbers_listed,
    strings,
)
from chainrule.exports.c_training import TrainingInC
from chainrule.exports.formula_text import harmless
from chainrule.exports.learned_network import learned_of, steps_after
from chainrule.exports.prediction_steps import Cell, OneHot, Prediction
from chainrule.exports.quantization import quantized, quantized_constants
from chainrule.exports.row_values import numbers_of, step_values

__all__ = ["CHeader", "c_header", "rounded_up"]

_EPSILON = float(np.finfo(np.float64).eps)
_SIZES = {"double": 8, "float": 4, "signed char": 1}

_UNITS = {
    "boolean": " (1 true, 0 false)",
    "date": " (a date: seconds since 1970-01-01 00:00 UTC)",
}
"""What the numbers of columns mean that hold no numbers."""

_HEAD = """\
/* A trained model in C99; written by chainrule.

   Model: {title}

{interface}
   Constants: {flash} bytes of numbers and texts (flash). Working memory: {ram} bytes of
   stack while a call runs.
{notes}
   {linked} Define MODEL_TEST_VECTORS before the first inclusion for model_test_vectors(),
   which returns the largest difference from the answers in this file.
*/
#ifndef CHAINRULE_MODEL_H
#define CHAINRULE_MODEL_H

#include <math.h>
#include <stddef.h>
{included}#include <string.h>

#define MODEL_NUMBERS {numbers}
#define MODEL_TEXTS {texts}
#define MODEL_OUTPUTS {outputs}
"""

_CELLS = """
/* Whether a cell is a text, apart from spaces around it; a cell without anything is missing. */
static inline int model_is(const char *cell, const char *text)
{
    size_t length;
    if (cell == NULL) return text == NULL;
    cell += strspn(cell, " \\t\\r\\n");
    length = strlen(cell);
    while (length > 0 && strchr(" \\t\\r\\n", cell[length - 1]) != NULL) --length;
    if (text == NULL) return length == 0;
    return strlen(text) == length && memcmp(cell, text, length) == 0;
}
"""


class CHeader(NamedTuple):
    """A header: its text; bytes of constants, and of stack while a prediction runs.

    ``worst`` is the largest difference of its answers from the model's own on the rows of the test
    vectors, computed by the same steps in NumPy; for a network that learns in single precision, a
    bound of what rounding does to both. ``learning`` are the bytes of the parameters and of stack
    while a step on one row runs, None for a header that does not learn.
    """

    text: str
    flash: int
    ram: int
    worst: float
    learning: tuple[int, int] | None


def c_header(prediction: Prediction, *, int8: bool = False, libm: bool = True) -> CHeader:
    """Return a header; raise InputError for names that no string of C can hold.

    With ``int8`` the weights are whole numbers of 8 bits (`quantization`); without ``libm`` the
    functions are those of elementary_functions.h.
    """
    return _Writer(quantized(prediction) if int8 else prediction, libm=libm).header()


class _Writer:
    def __init__(self, prediction: Prediction, *, libm: bool) -> None:
        self.prediction, self.libm = prediction, libm
        whole = quantized_constants(prediction)
        self.kinds = {n: kind_of(n, a, whole) for n, a in prediction.constants.items()}
        arithmetic = Arithmetic("double", libm)
        learned = learned_of(prediction)
        self.training = None
        steps = prediction
        if learned is not None:
            self.training = TrainingInC(prediction, learned, self.kinds, libm=libm)
            steps = replace(prediction, steps=steps_after(prediction, learned))
        self.arithmetics = [arithmetic]
        if self.training is not None and self.training.arithmetic != arithmetic:
            self.arithmetics.append(self.training.arithmetic)
        self.steps = StepsInC(steps, self.kinds, arithmetic)
        self.cells, self.answers = prediction.examples()

    def header(self) -> CHeader:
        parts = [self._head(), *self._tables(), ""]
        parts += [] if self.libm else [elementary_functions()]
        parts += [arithmetic.helpers() for arithmetic in self.arithmetics]
        parts.append(_CELLS)
        parts += [] if self.training is None else [self.training.functions()]
        parts += [self._function(), self._vectors(), "#endif\n"]
        learning = None if self.training is None else self.training.learning
        return CHeader("\n".join(parts), self.flash, self.ram, self.worst, learning)

    # -- figures -----------------------------------------------------------------------------------

    @property
    def flash(self) -> int:
        """The bytes of all numbers and texts; code and pointers depend on the compiler."""
        prediction = self.prediction
        steps = [step for step in prediction.steps if isinstance(step, OneHot)]
        texts = [str(label) for label in prediction.labels or ()]
        texts += [text for step in steps for text in step.categories if text is not None]
        texts += [
            mark for column in prediction.columns if column.kind == "text" for mark in column.marks
        ]
        numbers = sum(a.size * _SIZES[self.kinds[n]] for n, a in prediction.constants.items())
        if self.training is not None:
            numbers += self.training.flash
        return numbers + sum(len(text.encode("utf-8")) + 1 for text in texts)

    @property
    def ram(self) -> int:
        """The bytes of the arrays on the stack while a prediction runs."""
        return 8 * self.steps.size + (0 if self.training is None else self.training.ram)

    @property
    def worst(self) -> float:
        """The largest difference from the model's own answers on the rows of the test vectors."""
        found = step_values(self.prediction, self.cells)[self.prediction.output]
        largest = float(np.abs(self.answers).max())
        # NumPy adds up in another order, and functions differ in the last digits.
        worst = float(np.abs(found - self.answers).max()) + 64.0 * _EPSILON * largest
        if self.training is None or self.training.real == "double":
            return worst
        # The program and the model round differently: ``worst`` is what rounding does to one of
        # them, and a row may be luckier than another.
        return 4.0 * worst + float(np.finfo(np.float32).eps) * largest

    # -- the interface -----------------------------------------------------------------------------

    def _head(self) -> str:
        prediction = self.prediction
        numbers = [c for c in prediction.columns if c.kind != "text"]
        texts = [c for c in prediction.columns if c.kind == "text"]
        lines = [*self._interface(), ""]
        for what, columns, missing in (("numbers", numbers, "NAN"), ("texts", texts, "NULL")):
            if columns:
                lines.append(f"   {what}, {missing} where a cell is missing:")
            for index, column in enumerate(columns):
                lines.append(f"     {index}  {harmless(column.name)}{_UNITS.get(column.kind, '')}")
        lines.append("   outputs:")
        lines += [f"     {i}  {harmless(name)}" for i, name in enumerate(prediction.outputs)]
        head = _HEAD.format(
            title=harmless(prediction.title),
            interface="\n".join([*lines, ""]),
            flash=self.flash,
            ram=self.ram,
            notes="\n".join(self._notes()),
            linked="Link with -lm." if self.libm else "No function of libm is called.",
            included="" if self.libm else "#include <stdint.h>\n",
            numbers=len(numbers),
            texts=len(texts),
            outputs=len(prediction.outputs),
        )
        return head if self.training is None else head + self.training.definitions()

    def _interface(self) -> Iterator[str]:
        parameters = "" if self.training is None else f"const {self.training.real} *parameters, "
        yield (
            f"   int model_predict({parameters}const double *numbers, const char *const *texts, "
            "double *outputs)"
        )
        labels = self.prediction.labels
        answer = "the index in model_labels of the most probable class" if labels else "0"
        meaning = "the probability of each class" if labels else "the predicted numbers"
        yield f"   returns {answer}; outputs, MODEL_OUTPUTS of them, are {meaning}."
        if self.training is not None:
            yield ""
            yield from self.training.interface()

    def _notes(self) -> Iterator[str]:
        rows, figure = len(self.answers), rounded_up(self.worst)
        if quantized_constants(self.prediction):
            yield "   Weights are whole numbers of 8 bits with a scale for each unit; products are"
            yield "   added up in single precision. Loss of accuracy, the worst error: the answers"
            yield f"   differ by {figure} at most from the model's own on the {rows} rows of the"
            yield "   test vectors."
        else:
            yield f"   Worst error: the answers differ by {figure} at most from the model's own on"
            yield f"   the {rows} rows of the test vectors."

    # -- tables and the function -------------------------------------------------------------------

    def _tables(self) -> Iterator[str]:
        """Yield the labels, the categories and the constants."""
        prediction = self.prediction
        if prediction.labels is not None:
            yield strings("model_labels", [str(label) for label in prediction.labels])
        for step in prediction.steps:
            if isinstance(step, OneHot):
                yield strings(f"model_{step.target}_categories", step.categories)
        for number, column in enumerate(prediction.columns):
            if column.kind == "text" and column.marks:
                yield strings(f"model_marks_{number}", column.marks)
        for name, values in prediction.constants.items():
            yield array(f"model_{name}", values, self.kinds[name])
        if self.training is not None:
            yield from self.training.tables()

    def _function(self) -> str:
        count = len(self.prediction.outputs)
        parameters = "" if self.training is None else f"const {self.training.real} *parameters, "
        lines = [
            f"static inline int model_predict({parameters}const double *numbers,",
            "                                const char *const *texts, double *outputs)",
            "{",
            f"    double work[{self.steps.size}];",
            "    int i, j, best = 0;",
            "    (void)numbers;",
            "    (void)texts;",
            "    (void)j;",
            *(f"    {line}" for line in self.steps.lines),
            f"    for (i = 0; i < {count}; ++i) outputs[i] = {self.steps.answer};",
        ]
        if self.prediction.labels:
            lines.append(
                f"    for (i = 1; i < {count}; ++i) if (outputs[i] > outputs[best]) best = i;"
            )
        return "\n".join([*lines, "    return best;", "}"])

    # -- test vectors ------------------------------------------------------------------------------

    def _vectors(self) -> str:
        """Return rows with the model's own answers, and a function that compares."""
        rows, count = self.answers.shape
        columns = list(zip(self.prediction.columns, self.cells, strict=True))
        numbers = [numbers_of(c, values) for c, values in columns if c.kind != "text"]
        texts = [values for column, values in columns if column.kind == "text"]
        listed = [_number(values[row]) for row in range(rows) for values in numbers] or ["0.0"]
        words = [_word(values[row]) for row in range(rows) for values in texts]
        outputs = list(map(repr, self.answers.ravel().tolist()))
        parameters = "" if self.training is None else "model_parameters, "
        lines = ["", "#ifdef MODEL_TEST_VECTORS"]
        for name, entries in (("numbers", listed), ("outputs", outputs)):
            lines.append(f"static const double model_test_{name}[{len(entries)}] = {{")
            lines += [*numbers_listed(entries), "};"]
        lines.append(strings("model_test_texts", words or [None]))
        lines += [
            "",
            "static inline double model_test_vectors(void)",
            "{",
            f"    double found[{count}], worst = 0.0;",
            "    int row, i;",
            f"    for (row = 0; row < {rows}; ++row) {{",
            f"        model_predict({parameters}model_test_numbers + row * {len(numbers)},",
            f"                      model_test_texts + row * {len(texts)}, found);",
            f"        for (i = 0; i < {count}; ++i) {{",
            "            double off = model_absolute(",
            f"                found[i] - model_test_outputs[row * {count} + i]);",
            "            if (!(off <= worst)) worst = off;",
            "        }",
            "    }",
            "    return worst;",
            "}",
            "#endif",
            "",
        ]
        return "\n".join(lines)


def rounded_up(worst: float) -> str:
    """Return a bound in two digits.

    >>> rounded_up(0.00123), rounded_up(0.0)
    ('1.3e-03', '0.0e+00')
    """
    if worst == 0.0:
        return f"{worst:.1e}"
    unit = 10.0 ** (math.floor(math.log10(worst)) - 1)
    return f"{math.ceil(worst / unit * (1.0 - 1e-9)) * unit:.1e}"


def _number(value: float) -> str:
    return "NAN" if math.isnan(value) else repr(value)


def _word(cell: Cell) -> str | None:
    return None if cell is None else str(cell)
