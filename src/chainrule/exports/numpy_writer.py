"""A prediction as one readable file of Python that needs NumPy alone."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.data.number_texts import MARKS_OF_MISSING, MULTIPLIERS
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

__all__ = ["numpy_file"]

_LITERAL = 24
"""The most numbers that are written as a list; more are base64."""

NOTATION = Notation(
    "numpy",
    {
        **{name: f"np.{name}({{0}})" for name in ("exp", "log", "expm1", "log1p", "tanh", "sin")},
        **{name: f"np.{name}({{0}})" for name in ("cos", "abs", "sign", "floor")},
        "erf": "_erf({0})",
        "maximum": "np.maximum({0}, {1})",
        "minimum": "np.minimum({0}, {1})",
    },
    power="np.power({0}, {1})",
    root="np.sqrt({0})",
    choice="np.where({0}, {1}, {2})",
)

_HEAD = '''\
"""A trained model as a program that needs NumPy alone; written by chainrule.

Model: {title}

    predict(rows)        {answer}
{probabilities}
``rows`` is a mapping from the names of columns to lists of cells (a data frame is one), or a list
of mappings, one for each row. The columns are `COLUMNS`; others are ignored. A missing cell is
None, NaN or an empty text.{texts}
"""

{imports}

import numpy as np

COLUMNS = {columns}
OUTPUTS = {outputs}
'''

_OF_TEXTS = """
Numbers and dates may be texts, written as in the training table; dates may be objects too, and may
be ISO dates (2020-03-31) always."""

_TAIL = '''

def _key(columns, name):
    """Return a column's name as it is written there, maybe with spaces around it."""
    if name in columns:
        return name
    names = getattr(columns, "columns", columns)
    return next((each for each in names if str(each).strip() == name.strip()), name)


def _column(rows, name):
    """Return the cells of a column as a list."""
    try:
        if isinstance(rows, (list, tuple)):
            return [row[_key(row, name)] for row in rows]
        return list(rows[_key(rows, name)])
    except KeyError:
        raise ValueError(f"the column {name!r} is missing") from None
    except (TypeError, IndexError):
        raise TypeError(
            "rows must be a mapping from columns to lists of cells, or a list of mappings, got "
            f"{rows!r:.80}"
        ) from None


def _cells(read, rows, number, *how):
    """Return the cells of a column as ``read`` returns them; an error names the row, from 0."""
    name, marks = COLUMNS[number]
    cells = []
    for row, cell in enumerate(_column(rows, name)):
        try:
            cells.append(read(cell, marks, *how))
        except ValueError as error:
            raise ValueError(f"row {row}, column {name!r}: {cell!r:.80} {error}") from None
    return cells


def _finite(cell):
    """Return a cell that is a finite number."""
    try:
        number = float(cell)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or (isinstance(cell, str) and "_" in cell):
        raise ValueError("is not a finite number")
    return number


def _number(cell, marks, form, boolean):
    """Return a cell as a number, NaN where it is missing."""
    if cell is None or cell != cell:
        return math.nan
    if isinstance(cell, (bool, np.bool_)) and not boolean:
        raise ValueError("is not a number")
    if isinstance(cell, str):
        cell = cell.strip()
        if cell == "" or cell in marks:
            return math.nan
        if boolean and cell.lower() in ("true", "false"):
            return float(cell.lower() == "true")
        if form:
            return _written(cell, *form)
    return _finite(cell)


def _text(cell, marks):
    """Return a cell as text without spaces around it, None where it is missing."""
    if cell is None or cell != cell:
        return None
    if isinstance(cell, (bool, np.bool_)):
        return "true" if cell else "false"
    if not isinstance(cell, str):
        cell = _finite(cell)
        whole = cell.is_integer() and abs(cell) < 1e16
        return str(int(cell)) if whole else repr(cell)
    cell = cell.strip()
    return None if cell == "" or cell in marks else cell


def _numbers(rows, numbers):
    """Return columns of numbers, (rows, columns)."""
    forms = [(FORMS.get(number), number not in NUMERIC) for number in numbers]
    columns = [_cells(_number, rows, n, *form) for n, form in zip(numbers, forms)]
    lengths = {COLUMNS[number][0]: len(cells) for number, cells in zip(numbers, columns)}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns must have one cell for each row, got {lengths}")
    return np.array(columns, dtype=float).T


def _one_hot(rows, number, categories):
    """Return a column of 0 and 1 for each category, (rows, categories)."""
    cells = _cells(_text, rows, number)
    return np.array([[cell == category for category in categories] for cell in cells], dtype=float)


def _array(shape, kind, text):
    """Return the array that is stored as base64."""
    return np.frombuffer(base64.b64decode(text), kind).astype(float).reshape(shape)


_erf = np.vectorize(math.erf, otypes=[float])
'''

_WRITTEN = '''
# Numbers as text: (expression, thousands separator, decimal sign) by the column's index.
FORMS = {forms}
MISSING = {missing}


def _written(text, pattern, thousands, decimal):
    """Return a number as it was written in training, NaN for NA and the like."""
    if text.lower() in MISSING:
        return math.nan
    plain = re.sub({minus!a}, "-", re.sub({spaces!a}, " ", text))
    plain = re.sub({full_width!a}, lambda found: chr(ord(found[0]) - {wider}), plain)
    enclosed = re.match(r"\\(([^+-].*)\\)$", plain)
    inner = enclosed[1].strip() if enclosed else plain
    found = re.match(pattern, inner)
    if found is None:
        raise ValueError("is not a number as in the training table")
    digits = found[found.lastindex].replace(thousands, "").replace(decimal, ".")
{multipliers}    negative = ("-" in inner[: found.start(found.lastindex)]) != bool(enclosed)
    return (-1.0 if negative else 1.0) * float(re.sub("[dD]", "e", digits))
'''

_MULTIPLIERS = f"""\
    for multiplier, power in {MULTIPLIERS!a}.items():
        digits = re.sub(" *" + multiplier, "e" + str(power), digits)
"""

_DATES = '''

def _seconds(cell, marks, patterns):
    """Return a date as seconds since 1970-01-01 00:00 UTC, NaN where the cell is missing."""
    if cell is None or cell != cell:
        return math.nan
    text = str(cell).strip()
    if text == "" or text in marks or text.lower() in MISSING:
        return math.nan
    for order, pattern in patterns:
        found = re.search(pattern, text)
        if found is None:
            continue
        part = found.groupdict()
        if order == "iso":
            month, day = part["month"] or part["month2"] or part.get("month3"), part["day"] or "1"
        elif order == "named":
            name = (part["month"] or part["month2"])[:3].lower()
            month = "janfebmaraprmayjunjulaugsepoctnovdec".index(name) // 3 + 1
            day = part["day"] or part["day2"]
        else:
            second = part["s"] or part["h"] or part["p"]
            day, month = (part["first"], second)[:: 1 if order == "dmy" else -1]
        hour, minute, second = (int(part[name] or 0) for name in ("hour", "minute", "second"))
        if part["half"]:
            hour = hour % 12 + 12 * (part["half"][0] in "pP") if 1 <= hour <= 12 else 24
        fraction = int((part["fraction"] or "0").ljust(6, "0")[:6])
        given = re.match("([+-]?)([0-9]{0,2}):?([0-9]{0,2})", part["zone"] or "")
        sign, hours, minutes = given.groups()
        zone = (-60 if sign == "-" else 60) * (60 * int(hours or 0) + int(minutes or 0))
        try:
            date = datetime(int(part["year"]), int(month), int(day), hour, minute, second, fraction)
        except ValueError:
            continue
        return (date - datetime(1970, 1, 1)).total_seconds() - zone
    raise ValueError("is not a date as in the training table")


def _dates(rows, number, patterns):
    """Return a column of dates in seconds, (rows, 1)."""
    return np.array([_cells(_seconds, rows, number, patterns)], dtype=float).T
'''


def numpy_file(prediction: Prediction) -> str:
    """Return the text of a file of Python."""
    labels = prediction.labels
    dates = any(isinstance(step, ReadDate) for step in prediction.steps)
    forms = {at: c.form for at, c in enumerate(prediction.columns) if c.form is not None}
    modules = ["import base64", "import math"]
    modules += ["import re"] * (dates or bool(forms)) + ["from datetime import datetime"] * dates
    head = _HEAD.format(
        title=harmless(prediction.title),
        answer="the label of every row" if labels else "the number of every row",
        probabilities=(
            "    probabilities(rows)  the probability of every class, in the order of `LABELS`\n"
            if labels
            else ""
        ),
        texts=_OF_TEXTS if dates or forms else "",
        imports="\n".join(modules),
        columns=_list([f"({c.name!a}, {c.marks!a})" for c in prediction.columns]),
        outputs=_list([ascii(name) for name in prediction.outputs]),
    )
    lines = [head.rstrip("\n")]
    if labels:
        lines.append(f"LABELS = np.array({list(labels)!a})")
    numeric = {at for at in forms if prediction.columns[at].kind == "number"}
    lines.append(f"NUMERIC = {sorted(numeric)}")
    lines.append(_TAIL)
    if dates or forms:
        listed = {n: (number_pattern(f), f.thousands, f.decimal) for n, f in forms.items()}
        missing = sorted(MARKS_OF_MISSING)
        lines.append(
            _WRITTEN.format(
                forms=ascii(listed),
                missing=ascii(missing),
                **SIGNS,
                multipliers=_MULTIPLIERS if any(f.multipliers for f in forms.values()) else "",
            ).rstrip("\n")
        )
    else:
        lines.append("\nFORMS = {}")
    lines += [_DATES.rstrip("\n")] * dates
    lines += ["", "", "# The parameters, and the constants of the preprocessing.", ""]
    lines += [f"{name} = {_constant(array)}" for name, array in prediction.constants.items()]
    lines += ["", "", *_functions(prediction), ""]
    return "\n".join(lines)


def _functions(prediction: Prediction) -> Iterator[str]:
    if prediction.labels:
        yield from (
            "def predict(rows):",
            '    """Return the label of every row."""',
            "    return LABELS[probabilities(rows).argmax(axis=1)]",
            "",
            "",
            "def probabilities(rows):",
            '    """Return the probability of every class, (rows, classes)."""',
        )
    else:
        yield from (
            "def predict(rows):",
            '    """Return the numbers, (rows,); (rows, outputs) of several outputs."""',
        )
    yield "    with np.errstate(all='ignore'):"
    for step in prediction.steps:
        yield f"        # {harmless(step.note)}"
        yield from (f"        {line}" for line in _lines(step, prediction))
    several = prediction.labels or len(prediction.outputs) > 1
    yield f"    return {prediction.output}{'' if several else '[:, 0]'}"


def _lines(step: Step, prediction: Prediction) -> Iterator[str]:
    match step:
        case ReadNumbers():
            text = f"_numbers(rows, {_range(step.columns)})"
        case ReadDate():
            reading = prediction.columns[step.column].date or DateReading()
            text = f"_dates(rows, {step.column}, {patterns(reading)!a})"
        case OneHot():
            text = f"_one_hot(rows, {step.column}, {list(step.categories)!a})"
        case Missing():
            text = f"np.where(np.isnan({step.source}), 1.0, 0.0)"
        case Gather():
            text = _gathered(step, prediction)
        case MatrixProduct():
            text = f"{step.source} @ {step.matrix}"
        case Total():
            text = f"{step.source}.sum(axis=1, keepdims=True)"
        case Largest():
            text = f"{step.source}.max(axis=1, keepdims=True)"
        case Entrywise():
            assigned, text = written(step.formula, dict(step.operands), NOTATION)
            yield from (f"{name} = {part}" for name, part in assigned)
            if all(name in prediction.constants for _, name in step.operands):
                text = f"np.tile({text}, (len(_column(rows, COLUMNS[0][0])), 1))"
            elif step.width > max(_widths(step, prediction)):
                text = f"np.tile({text}, (1, {step.width}))"
    yield f"{step.target} = {text}"


def _gathered(step: Gather, prediction: Prediction) -> str:
    sources = set(step.sources)
    if len(sources) == 1:
        entries = [at for p in step.parts for at in range(p.start, p.start + p.count)]
        return f"{step.parts[0].source}[:, {entries}]"
    return f"np.hstack([{', '.join(_part(part, prediction) for part in step.parts)}])"


def _widths(step: Step, prediction: Prediction) -> list[int]:
    widths = prediction.widths
    return [widths[source] for source in step.sources]


def _part(part: Part, prediction: Prediction) -> str:
    if part.count == prediction.widths[part.source]:
        return part.source
    return f"{part.source}[:, {part.start}:{part.start + part.count}]"


def _range(columns: tuple[int, ...]) -> str:
    whole = columns == tuple(range(columns[0], columns[0] + len(columns)))
    return f"range({columns[0]}, {columns[-1] + 1})" if whole else str(list(columns))


def _constant(array: FloatArray) -> str:
    if array.size <= _LITERAL:
        return f"np.array({array.tolist()})"
    single = array.astype(np.float32)
    exact = bool((single == array).all())
    data = (single if exact else array).astype("<f4" if exact else "<f8").tobytes()
    text = base64.b64encode(data).decode("ascii")
    return f'_array({array.shape}, "{"<f4" if exact else "<f8"}", "{text}")'


def _list(items: list[str]) -> str:
    return f"[{', '.join(items)}]"
