"""A prediction as one ES module of JavaScript, for browsers and Node."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.data.number_texts import MARKS_OF_MISSING, MULTIPLIERS
from chainrule.errors import InputError, shown
from chainrule.exports.date_cells import patterns
from chainrule.exports.formula_text import Notation, harmless, written
from chainrule.exports.number_cells import SIGNS, number_pattern
from chainrule.exports.prediction_steps import (
    DateReading,
    Entrywise,
    Gather,
    Largest,
    MatrixProduct,
    Missing,
    OneHot,
    Part,
    Prediction,
    ReadDate,
    ReadNumbers,
    Step,
    Total,
)

__all__ = ["javascript_module"]

_LITERAL = 24
"""The most numbers that are written as a list; more are base64."""
_LARGEST_EXACT = 2**53

NOTATION = Notation(
    "javascript",
    {
        **{name: f"Math.{name}({{0}})" for name in ("exp", "log", "expm1", "log1p", "tanh", "sin")},
        **{name: f"Math.{name}({{0}})" for name in ("cos", "abs", "sign", "floor")},
        "erf": "erf({0})",
        "maximum": "Math.max({0}, {1})",
        "minimum": "Math.min({0}, {1})",
    },
    power="Math.pow({0}, {1})",
    root="Math.sqrt({0})",
    equal="===",
)

_HEAD = """\
// A trained model as an ES module; written by chainrule.
//
// Model: {title}
//
// predict(row)        {answer}
{probabilities}//
// A row is an object with a cell for each column of `columns`; others are ignored. A missing
// cell is null, undefined, NaN or "". An array of rows gives an array of answers.{texts}

export const columns = {columns};
export const outputs = {outputs};
"""

_OF_TEXTS = """
// Numbers and dates may be texts, written as in the training table; dates may be objects too, and
// may be ISO dates (2020-03-31) always."""

_TAIL = """
const marks = {marks};
const numeric = {numeric};

// The name of a column in a row, where spaces may stand around it.
function keyOf(row, name) {{
  if (Object.hasOwn(row, name)) return name;
  return Object.keys(row).find((each) => each.trim() === name.trim()) ?? name;
}}

function cell(row, index) {{
  const name = keyOf(row, columns[index]);
  if (!Object.hasOwn(row, name)) throw new Error(`the column ${{JSON.stringify(name)}} is missing`);
  let value = row[name];
  if (typeof value === "string") value = value.trim();
  if (value === "" || (marks[index] ?? []).includes(value)) return null;
  return value === undefined || Number.isNaN(value) ? null : value;
}}

function numberOf(row, index) {{
  const value = cell(row, index);
  if (value === null) return NaN;
  const isBoolean = /^(true|false)$/i.test(value);
  if (isBoolean && !numeric.includes(index)) return /^t/i.test(value) ? 1 : 0;
  if (isBoolean) throw new Error(`${{JSON.stringify(value)}} is not a number`);
  const isWritten = typeof value === "string" && forms[index];
  if (isWritten && missing.includes(value.toLowerCase())) return NaN;
  const found = isWritten ? written(value, forms[index]) : Number(value);
  if (Number.isNaN(found)) throw new Error(`${{JSON.stringify(value)}} is not a number`);
  return found;
}}

function oneHot(row, index, categories) {{
  const value = cell(row, index);
  const text = value === null ? null : String(value);
  return categories.map((category) => (category === text ? 1 : 0));
}}

const entries = (width, of) => Array.from({{ length: width }}, (_, i) => of(i));
const total = (x) => [x.reduce((sum, value) => sum + value, 0)];
const largest = (x) => [x.reduce((most, value) => Math.max(most, value), -Infinity)];

function product(x, matrix, width) {{
  const found = new Array(width).fill(0);
  for (let i = 0; i < x.length; ++i)
    for (let j = 0; j < width; ++j) found[j] += x[i] * matrix[i * width + j];
  return found;
}}

function stored(text, Kind) {{
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Kind(bytes.buffer);
}}
"""

_WRITTEN = """
// Numbers as text: [expression, thousands separator, decimal sign] by the column's index.
const forms = {forms};
const missing = {missing};

// A number as it was written in training, NaN for what is none.
function written(text, [pattern, thousands, decimal]) {{
  const narrow = (c) => String.fromCharCode(c.charCodeAt(0) - {wider});
  const signs = text.replace(/{minus}/g, "-").replace(/{full_width}/g, narrow);
  const plain = signs.replace(/{spaces}/g, " ");
  const enclosed = /^\\(([^+-].*)\\)$/.exec(plain);
  const inner = enclosed ? enclosed[1].trim() : plain;
  const found = new RegExp(pattern).exec(inner);
  if (found === null) return NaN;
  const given = found[1] ?? found[2];
  let digits = given.replaceAll(thousands, "").replace(decimal, ".").replace(/[dD]/, "e");
{multipliers}  const negative = inner.replace(given, "").includes("-") !== (enclosed !== null);
  return (negative ? -1 : 1) * Number(digits);
}}
"""

_MULTIPLIERS = f"""\
  for (const [multiplier, power] of {json.dumps(list(MULTIPLIERS.items()))})
    digits = digits.replace(new RegExp(` *${{multiplier}}`), `e${{power}}`);
"""

_DATES = """
// A date as seconds since 1970-01-01 00:00 UTC, NaN where the cell is missing.
function seconds(row, index, patterns) {
  const value = cell(row, index);
  if (value === null) return NaN;
  if (value instanceof Date) return value.getTime() / 1000;
  const text = String(value);
  if (missing.includes(text.toLowerCase())) return NaN;
  for (const [order, pattern] of patterns) {
    const part = new RegExp(pattern).exec(text)?.groups;
    if (!part) continue;
    const other = part.s ?? part.h ?? part.p;
    const named = part.month ?? part.month2 ?? part.month3 ?? "";
    const months = "janfebmaraprmayjunjulaugsepoctnovdec";
    const word = months.indexOf(named.slice(0, 3).toLowerCase()) / 3 + 1;
    const first = part.day ?? part.day2 ?? "1";
    const day = Number({ iso: first, named: first, dmy: part.first, mdy: other }[order]);
    const month = Number({ iso: named, named: word, dmy: other, mdy: part.first }[order]);
    const clock = [part.hour, part.minute, part.second].map((x) => Number(x ?? 0));
    const [given, minute, second] = clock;
    const ofHalf = given < 1 || given > 12 ? 24 : (given % 12) + (/^p/i.test(part.half) ? 12 : 0);
    const hour = part.half ? ofHalf : given;
    const date = new Date(0);
    date.setUTCFullYear(Number(part.year), month - 1, day);
    const right = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
    if (!right || month > 12 || hour > 23 || minute > 59 || second > 59) continue;
    const fraction = Number(`0.${(part.fraction ?? "0").slice(0, 6)}`);
    const [, sign, hours, minutes] = /([+-]?)([0-9]{0,2}):?([0-9]{0,2})/.exec(part.zone ?? "");
    const zone = (sign === "-" ? -60 : 60) * (60 * Number(hours) + Number(minutes));
    return date.getTime() / 1000 + 3600 * hour + 60 * minute + second + fraction - zone;
  }
  throw new Error(`${JSON.stringify(value)} is not a date as in the training table`);
}
"""

_ERF = """
// 2/sqrt(pi) exp(-x^2) (x + 2 x^3/3 + 4 x^5/15 + ...), whose terms are all of one sign
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; ++n) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
"""


def javascript_module(prediction: Prediction) -> str:
    """Return the text of an ES module; raise InputError for labels that JavaScript has not."""
    labels = prediction.labels
    dates = any(isinstance(step, ReadDate) for step in prediction.steps)
    forms = {at: c.form for at, c in enumerate(prediction.columns) if c.form is not None}
    lines = [
        _HEAD.format(
            title=harmless(prediction.title),
            answer="the label" if labels else "the number, or an array of several outputs",
            probabilities="// probabilities(row)  the probability of each of `labels`\n"
            if labels
            else "",
            texts=_OF_TEXTS if dates or forms else "",
            columns=_json([column.name for column in prediction.columns]),
            outputs=_json(list(prediction.outputs)),
        ).rstrip("\n")
    ]
    if labels:
        lines.append(f"export const labels = {_json([_checked(label) for label in labels])};")
    numeric = [at for at in forms if prediction.columns[at].kind == "number"]
    marks = {n: [*c.marks, *_numeric(c.marks)] for n, c in enumerate(prediction.columns) if c.marks}
    lines.append(_TAIL.format(marks=_json(marks), numeric=_json(numeric)))
    body = list(_body(prediction))
    if dates or forms:
        listed = {n: [number_pattern(f), f.thousands, f.decimal] for n, f in forms.items()}
        texts = {"forms": _json(listed), "missing": _json(sorted(MARKS_OF_MISSING))}
        used = any(form.multipliers for form in forms.values())
        texts["multipliers"] = _MULTIPLIERS if used else ""
        lines.append(_WRITTEN.format(**texts, **SIGNS))
    else:
        lines.append("const forms = {};\nconst missing = [];")
    lines += [_DATES] * dates
    if any("erf(" in line for line in body):
        lines.append(_ERF)
    lines += [f"const {name} = {_constant(a)};" for name, a in prediction.constants.items()]
    lines += ["", "function answer(row) {", *(f"  {line}" for line in body), "}", ""]
    return "\n".join([*lines, *_exports(prediction), ""])


def _exports(prediction: Prediction) -> Iterator[str]:
    each = "Array.isArray(row) ? row.map({0}) : {0}(row)"
    if prediction.labels:
        yield "const labelOf = (row) => {"
        yield "  const chances = answer(row);"
        yield "  return labels[chances.indexOf(Math.max(...chances))];"
        yield "};"
        yield f"export const probabilities = (row) => {each.format('answer')};"
        yield f"export const predict = (row) => {each.format('labelOf')};"
    elif len(prediction.outputs) > 1:
        yield f"export const predict = (row) => {each.format('answer')};"
    else:
        yield "const numberFor = (row) => answer(row)[0];"
        yield f"export const predict = (row) => {each.format('numberFor')};"


def _body(prediction: Prediction) -> Iterator[str]:
    for step in prediction.steps:
        yield f"// {harmless(step.note)}"
        yield f"const {step.target} = {_value(step, prediction)};"
    yield f"return {prediction.output};"


def _value(step: Step, prediction: Prediction) -> str:
    match step:
        case ReadNumbers():
            return f"{list(step.columns)}.map((index) => numberOf(row, index))"
        case ReadDate():
            reading = prediction.columns[step.column].date or DateReading()
            listed = [[order, text.replace("(?P<", "(?<")] for order, text in patterns(reading)]
            return f"[seconds(row, {step.column}, {_json(listed)})]"
        case OneHot():
            return f"oneHot(row, {step.column}, {_json(list(step.categories))})"
        case Missing():
            return f"{step.source}.map((x) => (Number.isNaN(x) ? 1 : 0))"
        case Gather():
            return f"[{', '.join(_part(part, prediction) for part in step.parts)}]"
        case MatrixProduct():
            return f"product({step.source}, {step.matrix}, {step.width})"
        case Total():
            return f"total({step.source})"
        case Largest():
            return f"largest({step.source})"
        case Entrywise():
            return _entrywise(step, prediction)
    raise TypeError(f"no statement for the step {type(step).__name__}")


def _entrywise(step: Entrywise, prediction: Prediction) -> str:
    widths = prediction.widths
    names = {
        symbol: f"{source}[{'0' if widths[source] == 1 else 'i'}]"
        for symbol, source in step.operands
    }
    assigned, text = written(step.formula, names, NOTATION)
    if not assigned:
        return f"entries({step.width}, (i) => {text})"
    parts = " ".join(f"const {name} = {part};" for name, part in assigned)
    return f"entries({step.width}, (i) => {{ {parts} return {text}; }})"


def _part(part: Part, prediction: Prediction) -> str:
    if part.count == 1:
        return f"{part.source}[{part.start}]"
    if part.count == prediction.widths[part.source]:
        return f"...{part.source}"
    return f"...{part.source}.slice({part.start}, {part.start + part.count})"


def _constant(array: FloatArray) -> str:
    if array.size <= _LITERAL:
        return str(array.ravel().tolist())
    single = array.astype(np.float32)
    exact = bool((single == array).all())
    data = (single if exact else array).astype("<f4" if exact else "<f8").tobytes()
    text = base64.b64encode(data).decode("ascii")
    return f'stored("{text}", {"Float32Array" if exact else "Float64Array"})'


def _numeric(marks: tuple[str, ...]) -> list[float]:
    """Return the declared marks of missing that are numbers, as numbers."""
    found = []
    for mark in marks:
        try:
            found.append(float(mark))
        except ValueError:
            continue
    return [value for value in found if np.isfinite(value)]


def _checked(label: Any) -> Any:
    if isinstance(label, int) and abs(label) > _LARGEST_EXACT:
        raise InputError(
            "`to` must be a format whose numbers hold the labels of the model, got 'javascript' "
            f"and the label {shown(label)}. Choose 'numpy' or 'c'."
        )
    return label


def _json(value: Any) -> str:
    """Return a value as JSON of plain characters, which may stand in a page of HTML too."""
    return json.dumps(value).replace("<", "\\u003c")
