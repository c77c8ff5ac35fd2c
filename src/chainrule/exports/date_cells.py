"""Dates in cells, as seconds since 1970-01-01 00:00 UTC.

One number states a date and its time, in every language: formats without text, such as ONNX, read
it; the others make it of a cell's text, which is what the model was trained on.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from chainrule.data.date_texts import pattern_of
from chainrule.exports.prediction_steps import Cell, DateReading

__all__ = [
    "DAY",
    "date_text",
    "dated",
    "hour_of_day",
    "patterns",
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
            month, day = part["month"] or part["month2"], part["day"] or "1"
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
        return written, _minutes(part["zone"])
    return None


def hour_of_day(hour: int, half: str) -> int:
    """Return the hour from 0 to 23 of one from 1 to 12 before or after noon, 24 of another.

    >>> [hour_of_day(*given) for given in ((12, "am"), (12, "P.M."), (1, "PM"), (13, "PM"))]
    [0, 12, 13, 24]
    """
    return hour % 12 + 12 * (half[0] in "pP") if 1 <= hour <= 12 else 24


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
    year, month, day = f"{date.year:04}", f"{date.month:02}", f"{date.day:02}"
    text = {
        "iso": f"{year}-{month}-{day}",
        "chinese": f"{year}年{month}月{day}日",
        "dmy": f"{day}/{month}/{year}",
        "mdy": f"{month}/{day}/{year}",
    }[reading.form]
    return f"{text} {date:%H:%M:%S}" if reading.times else text
