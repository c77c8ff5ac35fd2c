"""Dates in cells, as seconds since 1970-01-01 00:00 UTC, and the numbers that become of them.

One number states a date and its time, in every language: formats without text, such as ONNX, read
it; the others make it of a cell's text, which is what the model was trained on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.data.date_texts import pattern_of
from chainrule.exports.prediction_steps import Cell, DateReading

__all__ = [
    "CALENDAR",
    "DAY",
    "date_text",
    "dated",
    "part_values",
    "patterns",
    "seconds_of",
    "seconds_of_iso",
]

CALENDAR = ("year", "month", "day_of_week", "day_of_year", "hour")
"""The numbers of a date that the calendar states; Monday is 1. The age is a difference."""
DAY = 86_400.0
_START = datetime(1970, 1, 1)


def patterns(reading: DateReading) -> tuple[tuple[str, str], ...]:
    """Return (order, regular expression) of the texts that are dates, in the order to try.

    >>> [order for order, _ in patterns(DateReading("mdy"))]
    ['mdy', 'iso']
    """
    orders = dict.fromkeys((reading.form, "iso"))
    return tuple((order, pattern_of(order)) for order in orders)


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
            month, day = part["month"] or part["month2"], part["day"]
        else:
            second = part["s"] or part["h"] or part["p"]
            month, day = (second, part["first"])[:: 1 if order == "dmy" else -1]
        fraction = (part["fraction"] or "0").ljust(6, "0")[:6]
        time = [int(part[name] or 0) for name in ("hour", "minute", "second")]
        try:
            written = datetime(int(part["year"]), int(month), int(day), *time, int(fraction))
        except ValueError:
            continue
        return written, _minutes(part["zone"])
    return None


def _minutes(zone: str | None) -> int:
    if zone is None or zone in ("Z", "UTC"):
        return 0
    digits = zone[1:].replace(":", "")
    return (-1 if zone[0] == "-" else 1) * (60 * int(digits[:2]) + int(digits[2:]))


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
    day = {"iso": "%Y-%m-%d", "dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y"}[reading.form]
    day = day.replace("%Y", f"{date.year:04}")  # strftime may leave out zeros
    text = date.strftime(day)
    return f"{text} {date:%H:%M:%S}" if reading.times else text


def part_values(seconds: FloatArray, parts: Sequence[str]) -> FloatArray:
    """Return the numbers of dates, (rows, parts), NaN where the seconds are.

    >>> part_values(np.array([0.0, 59 * 86400.0]), ["month", "day_of_week"])
    array([[1., 4.],
           [3., 7.]])
    """
    known = ~np.isnan(seconds)
    days = np.floor(np.where(known, seconds, 0.0) / DAY)
    date = days.astype("datetime64[D]")
    year, month = date.astype("datetime64[Y]"), date.astype("datetime64[M]")
    values = {
        "year": year.astype(int) + 1970,
        "month": (month - year.astype("datetime64[M]")).astype(int) + 1,
        "day_of_week": (days + 3) % 7 + 1,
        "day_of_year": (date - year.astype("datetime64[D]")).astype(int) + 1,
        "hour": np.floor((np.where(known, seconds, 0.0) - days * DAY) / 3600.0),
    }
    return np.column_stack([np.where(known, values[part], np.nan) for part in parts])
