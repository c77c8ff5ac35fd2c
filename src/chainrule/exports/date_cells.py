"""Dates in cells, as seconds since 1970-01-01 00:00 UTC.

One number states a date and its time, in every language: formats without text, such as ONNX, read
it; the others make it of a cell's text, which is what the model was trained on.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from chainrule.data.date_texts import MONTHS, minutes_of, pattern_of
from chainrule.data.reading_texts import offset_words
from chainrule.errors import InputError, shown
from chainrule.exports.prediction_steps import Cell, DateReading, Prediction

__all__ = [
    "DAY",
    "date_text",
    "dated",
    "hour_of_day",
    "month_number",
    "patterns",
    "refuse_named",
    "seconds_of",
    "seconds_of_iso",
]

DAY = 86_400.0
_START = datetime(1970, 1, 1)


def patterns(reading: DateReading) -> tuple[tuple[str, str], ...]:
    """Return (order, regular expression) of the texts that are dates, in the order to try.

    >>> [order for order, _ in patterns(DateReading("mdy"))]
    ['mdy', 'iso']
    """
    forms = dict.fromkeys((reading.form, "iso"))
    return tuple(("iso" if form == "chinese" else form, pattern_of(form)) for form in forms)


def refuse_named(prediction: Prediction, to: str) -> None:
    """Raise InputError for a column of dates with names of months, which ``to`` cannot read."""
    for column in prediction.columns:
        if column.date is not None and column.date.form == "named":
            raise InputError(
                "`to` must be a format that reads names of months, got "
                f"{shown(to)} and the column {shown(column.name)}. Choose 'numpy', 'javascript', "
                "'c' or 'onnx', or train on dates as 2020-03-31."
            )


def month_number(name: str) -> int:
    """Return the number of a month of its name's first letters.

    >>> month_number("sept")
    9
    """
    return [month[:3].lower() for month in MONTHS].index(name[:3].lower()) + 1


def dated(text: str, reading: DateReading) -> tuple[datetime, int] | None:
    """Return the date of a stripped cell as written, and its zone in minutes; None if it is none.

    >>> dated("31/3/2020 1:30+02:00", DateReading("dmy"))
    (datetime.datetime(2020, 3, 31, 1, 30), 120)
    """
    for order, pattern in patterns(reading):
        found = re.search(pattern, text)
        if found is None:
            continue
        part = found.groupdict()
        if order == "iso":
            month = part["month"] or part["month2"] or part.get("month3", "")
            day = part["day"] or "1"
        elif order == "named":
            month = month_number(part["month"] or part["month2"])
            day = part["day"] or part["day2"]
        else:
            other = part["s"] or part["h"] or part["p"]
            month, day = (other, part["first"])[:: 1 if order == "dmy" else -1]
        fraction = (part["fraction"] or "0").ljust(6, "0")[:6]
        hour, minute, second = (int(part[name] or 0) for name in ("hour", "minute", "second"))
        if part["half"]:
            hour = hour_of_day(hour, part["half"])
        date = int(part["year"]), int(month), int(day)
        try:
            written = datetime(*date, hour, minute, second, int(fraction))
        except ValueError:
            continue
        return written, minutes_of(part["zone"] or "Z")
    return None


def hour_of_day(hour: int, half: str) -> int:
    """Return the hour from 0 to 23 of one from 1 to 12 before or after noon, 24 of another.

    >>> [hour_of_day(*given) for given in ((12, "am"), (12, "P.M."), (1, "PM"), (13, "PM"))]
    [0, 12, 13, 24]
    """
    return hour % 12 + 12 * (half[0] in "pP") if 1 <= hour <= 12 else 24


def seconds_of(cell: Cell, reading: DateReading) -> float:
    """Return a cell as seconds since 1970, NaN where it is missing or no date.

    >>> seconds_of("1970-01-02", DateReading()), seconds_of(None, DateReading())
    (86400.0, nan)
    """
    found = None if cell is None else dated(str(cell).strip(), reading)
    if found is None:
        return float("nan")
    written, minutes = found
    return (written - _START).total_seconds() - 60.0 * minutes


def seconds_of_iso(text: str) -> float:
    """Return the seconds of a date as `datetime.isoformat` writes it.

    >>> seconds_of_iso("1970-01-01T00:00:00.250000")
    0.25
    """
    return (datetime.fromisoformat(text).replace(tzinfo=None) - _START).total_seconds()


def date_text(seconds: float, reading: DateReading) -> str:
    """Return the text of seconds since 1970 in a form.

    >>> date_text(86400.0, DateReading("mdy")), date_text(60.0, DateReading(times=True))
    ('01/02/1970', '1970-01-01 00:01:00')
    """
    date = _START + timedelta(seconds=seconds)
    year, month, day = f"{date.year:04}", f"{date.month:02}", f"{date.day:02}"
    text = {
        "iso": f"{year}-{month}-{day}",
        "chinese": f"{year}年{month}月{day}日",
        "dmy": f"{day}/{month}/{year}",
        "mdy": f"{month}/{day}/{year}",
        "named": f"{day} {MONTHS[date.month - 1]} {year}",
    }[reading.form]
    zone = f"{offset_words(reading.zone)}" if reading.zone else ""
    return f"{text} {date:%H:%M:%S}{zone}" if reading.times or zone else text
