"""A prediction as one header in C99: no allocation, no state between calls, constants in flash.

Numbers are computed in double precision; parameters of float32 are stored as float. Every value
that is needed at the same time has its own part of one working array, whose size is stated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.errors import InputError, shown
from chainrule.exports.formula_text import Notation, harmless, written
from chainrule.exports.prediction_steps import (
    Cell,
    Entrywise,
    Gather,
    Largest,
    MatrixProduct,
    Missing,
    OneHot,
    Prediction,
    ReadNumbers,
    Step,
    Total,
    last_uses,
)

__all__ = ["c_header"]

_LONGEST_STRING = 4000
"""C99 requires compilers to accept strings of 4,095 characters."""
_LINE = 100

NOTATION = Notation(
    "c",
    {
        **{name: f"{name}({{0}})" for name in ("exp", "log", "expm1", "log1p", "tanh", "erf")},
        **{name: f"{name}({{0}})" for name in ("sin", "cos")},
        "abs": "fabs({0})",
        "sign": "model_sign({0})",
        "maximum": "model_larger({0}, {1})",
        "minimum": "model_smaller({0}, {1})",
    },
    power="pow({0}, {1})",
)

_HEAD = """\
/* A trained model in C99; written by chainrule.

   Model: {title}

{interface}
   Constants: {flash} bytes of numbers and texts (flash). Working memory: {ram} bytes of
   stack while a call runs.
   Link with -lm. Define MODEL_TEST_VECTORS before the first inclusion for model_test_vectors(),
   which returns the largest difference from the answers in this file.
*/
#ifndef CHAINRULE_MODEL_H
#define CHAINRULE_MODEL_H

#include <math.h>
#include <stddef.h>
#include <string.h>

#define MODEL_NUMBERS {numbers}
#define MODEL_TEXTS {texts}
#define MODEL_OUTPUTS {outputs}
"""

_HELPERS = """
static inline double model_larger(double x, double y) { return x > y || isnan(x) ? x : y; }
static inline double model_smaller(double x, double y) { return x < y || isnan(x) ? x : y; }
static inline double model_sign(double x) { return (double)((x > 0.0) - (x < 0.0)); }

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


def c_header(prediction: Prediction) -> str:
    """Return the text of a header; raise InputError for names that no string of C can hold."""
    layout = _Layout(prediction)
    parts = [_head(prediction, layout), *_tables(prediction), _HELPERS]
    return "\n".join([*parts, _function(prediction, layout), _vectors(prediction), "#endif\n"])


# -- the interface ---------------------------------------------------------------------------------


def _head(prediction: Prediction, layout: _Layout) -> str:
    numbers = [c for c in prediction.columns if c.kind != "text"]
    texts = [c for c in prediction.columns if c.kind == "text"]
    answer = "the index in model_labels of the most probable class" if prediction.labels else "0"
    meaning = "the probability of each class" if prediction.labels else "the predicted numbers"
    lines = [
        "   int model_predict(const double *numbers, const char *const *texts, double *outputs)"
    ]
    lines += [f"   returns {answer}; outputs, MODEL_OUTPUTS of them, are {meaning}.", ""]
    for what, columns, missing in (("numbers", numbers, "NAN"), ("texts", texts, "NULL")):
        if columns:
            lines.append(f"   {what}, {missing} where a cell is missing:")
        for index, column in enumerate(columns):
            boolean = " (1 true, 0 false)" if column.kind == "boolean" else ""
            lines.append(f"     {index}  {harmless(column.name)}{boolean}")
    lines.append("   outputs:")
    lines += [f"     {i}  {harmless(name)}" for i, name in enumerate(prediction.outputs)]
    return _HEAD.format(
        title=harmless(prediction.title),
        interface="\n".join([*lines, ""]),
        flash=_flash(prediction),
        ram=8 * layout.size,
        numbers=len(numbers),
        texts=len(texts),
        outputs=len(prediction.outputs),
    )


def _flash(prediction: Prediction) -> int:
    """Return the bytes of all numbers and texts; code and pointers depend on the compiler."""
    steps = [step for step in prediction.steps if isinstance(step, OneHot)]
    texts = [str(label) for label in prediction.labels or ()]
    texts += [text for step in steps for text in step.categories if text is not None]
    texts += [
        mark for column in prediction.columns if column.kind == "text" for mark in column.marks
    ]
    numbers = sum(_size(array) for array in prediction.constants.values())
    return numbers + sum(len(text.encode("utf-8")) + 1 for text in texts)


def _tables(prediction: Prediction) -> Iterator[str]:
    """Yield the labels, the categories and the constants."""
    if prediction.labels is not None:
        yield _strings("model_labels", [str(label) for label in prediction.labels])
    for step in prediction.steps:
        if isinstance(step, OneHot):
            yield _strings(f"model_{step.target}_categories", step.categories)
    for number, column in enumerate(prediction.columns):
        if column.kind == "text" and column.marks:
            yield _strings(f"model_marks_{number}", column.marks)
    for name, array in prediction.constants.items():
        yield _array(name, array)


def _strings(name: str, texts: Sequence[str | None]) -> str:
    """Return a table of strings; a long one is an array of characters of its own."""
    lines, entries = [], []
    for index, text in enumerate(texts):
        if text is None:
            entries.append("NULL")
        elif len(text.encode("utf-8")) > _LONGEST_STRING:
            data = ", ".join(map(_character, text.encode("utf-8")))
            lines.append(f"static const char {name}_{index}[] = {{{data}, 0}};")
            entries.append(f"{name}_{index}")
        else:
            entries.append(_string(text))
    joined = ",\n    ".join(entries)
    lines.append(f"static const char *const {name}[{len(entries)}] = {{\n    {joined}}};")
    return "\n".join(lines)


def _character(byte: int) -> str:
    return str(byte) if byte < 128 else f"(char){byte}"


def _string(text: str) -> str:
    r"""Return a string of C; all but plain characters are octal escapes of the UTF-8 bytes.

    >>> print(_string('a"?ä'))
    "a\042\077\303\244"
    """
    if "\0" in text:
        raise InputError(
            "`to` must be a format whose texts may have the character NUL, got 'c' and "
            f"{shown(text)}. Choose 'numpy'."
        )
    plain = (chr(b) if _is_plain(b) else f"\\{b:03o}" for b in text.encode("utf-8"))
    return f'"{"".join(plain)}"'


def _is_plain(byte: int) -> bool:
    return 32 <= byte < 127 and chr(byte) not in '"\\?'


def _is_single(array: FloatArray) -> bool:
    return bool((array.astype(np.float32) == array).all())


def _size(array: FloatArray) -> int:
    return array.size * (4 if _is_single(array) else 8)


def _array(name: str, array: FloatArray) -> str:
    """Return a table of numbers in the order of its rows."""
    single = _is_single(array)
    texts = [f"{value!r}f" if single else repr(value) for value in array.ravel().tolist()]
    if single:
        texts = [f"{_shortest(value)}f" for value in array.ravel().tolist()]
    lines, line = [], "   "
    for text in texts:
        if len(line) + len(text) > _LINE:
            lines.append(line)
            line = "   "
        line += f" {text},"
    kind = "float" if single else "double"
    return "\n".join(
        [f"static const {kind} model_{name}[{array.size}] = {{", *lines, line.rstrip(","), "};"]
    )


def _shortest(value: float) -> str:
    """Return the shortest decimal that is read as this float32, with a point or an exponent."""
    text = str(np.float32(value))
    return text if any(c in text for c in ".e") else f"{text}.0"


# -- the function ----------------------------------------------------------------------------------


class _Layout:
    """Where values are in the working array; the memory of a value not read again is reused."""

    def __init__(self, prediction: Prediction) -> None:
        self.starts: dict[str, int] = {}
        self.size = 0
        ends, widths = last_uses(prediction), prediction.widths
        live: list[str] = []
        for index, step in enumerate(prediction.steps):
            live = [name for name in live if ends[name] >= index]
            # Entry i is read before entry i is written, so the result may replace a source: the
            # first gap that fits begins at it or before it.
            replaced = isinstance(step, Entrywise)
            others = [
                name
                for name in live
                if not (replaced and ends[name] == index and widths[name] == step.width)
            ]
            spans = sorted((self.starts[n], self.starts[n] + widths[n]) for n in others)
            start = 0
            for first, end in spans:
                if start + step.width <= first:
                    break
                start = max(start, end)
            self.starts[step.target] = start
            self.size = max(self.size, start + step.width)
            live.append(step.target)


def _function(prediction: Prediction, layout: _Layout) -> str:
    lines = [
        "static inline int model_predict(const double *numbers, const char *const *texts,",
        "                                double *outputs)",
        "{",
        f"    double work[{layout.size}];",
        "    int i, j, best = 0;",
        "    (void)numbers;",
        "    (void)texts;",
        "    (void)j;",
    ]
    for step in prediction.steps:
        lines.append(f"    /* {harmless(step.note)} */")
        lines.append("    {")
        lines += (f"        {line}" for line in _statements(step, prediction, layout))
        lines.append("    }")
    start, count = layout.starts[prediction.output], len(prediction.outputs)
    lines.append(f"    for (i = 0; i < {count}; ++i) outputs[i] = work[{start} + i];")
    if prediction.labels:
        lines.append(f"    for (i = 1; i < {count}; ++i) if (outputs[i] > outputs[best]) best = i;")
    return "\n".join([*lines, "    return best;", "}"])


def _statements(step: Step, prediction: Prediction, layout: _Layout) -> Iterator[str]:
    def pointer(name: str) -> str:
        return f"model_{name}" if name in prediction.constants else f"work + {layout.starts[name]}"

    yield f"double *const t = {pointer(step.target)};"
    n = step.width
    match step:
        case ReadNumbers():
            order = [i for i, column in enumerate(prediction.columns) if column.kind != "text"]
            yield from (
                f"t[{at}] = numbers[{order.index(i)}];" for at, i in enumerate(step.columns)
            )
        case OneHot():
            yield from _one_hot(step, prediction)
        case Missing():
            yield f"const double *const x = {pointer(step.source)};"
            yield f"for (i = 0; i < {n}; ++i) t[i] = isnan(x[i]) ? 1.0 : 0.0;"
        case Gather():
            at = 0
            for part in step.parts:
                source = f"({pointer(part.source)})[{part.start} + i]"
                yield f"for (i = 0; i < {part.count}; ++i) t[{at} + i] = {source};"
                at += part.count
        case MatrixProduct():
            width = prediction.widths[step.source]
            yield f"const double *const x = {pointer(step.source)};"
            yield f"for (j = 0; j < {n}; ++j) t[j] = 0.0;"
            yield f"for (i = 0; i < {width}; ++i)"
            yield f"    for (j = 0; j < {n}; ++j)"
            yield f"        t[j] += x[i] * (double)model_{step.matrix}[i * {n} + j];"
        case Total() | Largest():
            yield f"const double *const x = {pointer(step.source)};"
            yield "double u = x[0];"
            added = "u += x[i]" if isinstance(step, Total) else "u = model_larger(x[i], u)"
            yield f"for (i = 1; i < {prediction.widths[step.source]}; ++i) {added};"
            yield "t[0] = u;"
        case Entrywise():
            yield from _entrywise(step, prediction, pointer)


def _one_hot(step: OneHot, prediction: Prediction) -> Iterator[str]:
    texts = [i for i, column in enumerate(prediction.columns) if column.kind == "text"]
    count, marks = len(step.categories), prediction.columns[step.column].marks
    yield f"const char *cell = texts[{texts.index(step.column)}];"
    if marks:
        yield f"for (i = 0; i < {len(marks)}; ++i)"
        yield f"    if (cell != NULL && model_is(cell, model_marks_{step.column}[i])) cell = NULL;"
    yield f"for (i = 0; i < {count}; ++i)"
    yield f"    t[i] = model_is(cell, model_{step.target}_categories[i]) ? 1.0 : 0.0;"


def _entrywise(
    step: Entrywise, prediction: Prediction, pointer: Callable[[str], str]
) -> Iterator[str]:
    names = {}
    for number, (symbol, source) in enumerate(step.operands):
        constant = source in prediction.constants
        kind = "float" if constant and _is_single(prediction.constants[source]) else "double"
        yield f"const {kind} *const x{number} = {pointer(source)};"
        index = "0" if prediction.widths[source] == 1 else "i"
        names[symbol] = f"(double)x{number}[{index}]" if kind == "float" else f"x{number}[{index}]"
    assigned, text = written(step.formula, names, NOTATION)
    yield f"for (i = 0; i < {step.width}; ++i) {{"
    yield from (f"    const double {name} = {part};" for name, part in assigned)
    yield f"    t[i] = {text};"
    yield "}"


# -- test vectors ----------------------------------------------------------------------------------


def _vectors(prediction: Prediction) -> str:
    """Return rows with the model's own answers, and a function that compares."""
    cells, outputs = prediction.examples()
    rows, count = outputs.shape
    columns = list(zip(prediction.columns, cells, strict=True))
    numbers = [values for column, values in columns if column.kind != "text"]
    texts = [values for column, values in columns if column.kind == "text"]
    lines = ["", "#ifdef MODEL_TEST_VECTORS"]
    cells_of_rows = [values[row] for row in range(rows) for values in numbers]
    listed = ", ".join(map(_number, cells_of_rows)) or "0.0"
    lines.append(
        f"static const double model_test_numbers[{max(1, len(cells_of_rows))}] = {{{listed}}};"
    )
    words = [values[row] for row in range(rows) for values in texts]
    lines.append(_strings("model_test_texts", [_word(cell) for cell in words] or [None]))
    listed = ", ".join(map(repr, outputs.ravel().tolist()))
    lines += [
        f"static const double model_test_outputs[{outputs.size}] = {{{listed}}};",
        "",
        "static inline double model_test_vectors(void)",
        "{",
        f"    double found[{count}], worst = 0.0;",
        "    int row, i;",
        f"    for (row = 0; row < {rows}; ++row) {{",
        f"        model_predict(model_test_numbers + row * {len(numbers)},",
        f"                      model_test_texts + row * {len(texts)}, found);",
        f"        for (i = 0; i < {count}; ++i) {{",
        f"            double off = fabs(found[i] - model_test_outputs[row * {count} + i]);",
        "            if (!(off <= worst)) worst = off;",
        "        }",
        "    }",
        "    return worst;",
        "}",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def _number(cell: Cell) -> str:
    return "NAN" if cell is None else repr(float(cell))


def _word(cell: Cell) -> str | None:
    return None if cell is None else str(cell)
