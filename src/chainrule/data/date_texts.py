"""Dates as text, and the numbers that become of them.

Forms: ISO (2020-03-31, with ``T`` or a space and a time, and a time zone, converted to UTC;
2020-03 is its first day), Chinese (2020年3月31日, with a time; 2020年3月 is its first day), with
the month's English name (Mar 31, 2020; 31-Mar-2020; 31 March 2020), and day, month and year in one
of two orders with ``/``, ``-`` or ``.`` between. Which of the orders is decided over the whole
column: a number beyond 12 shows it. With ``.`` the day is first. Times are of 24 hours, or of 12
with AM or PM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "CERTAIN",
    "FORMS",
    "MONTHS",
    "PARTS",
    "date_form",
    "date_parts",
    "has_offset",
    "looks_like_dates",
    "minutes_of",
    "offsets",
    "parse",
    "parse_certain",
    "pattern_of",
]

FORMS = ("iso", "chinese", "named", "dmy", "mdy")
CERTAIN = FORMS[:3]
"""The forms that have one meaning."""
_MONTHS = "January February March April May June July August September October November December"
MONTHS = tuple(_MONTHS.split())
PARTS = ("year", "month", "day_of_week", "day_of_year", "hour", "age")
"""The features of a date; hour only where there are times, age in days since the earliest date."""

_CLOCK = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?\s?"
    r"(?P<half>[AaPp]\.?[Mm]\.?)?\s?(?P<zone>Z|UTC|[+-][0-9]{2}:?[0-9]{2})?"
)
_ZONE = r":[0-9]{2}(?:[.,][0-9]+)?(?:\s?[AaPp]\.?[Mm]\.?)?\s?(Z|UTC|[+-][0-9]{2}:?[0-9]{2})$"
_TIME = rf"(?:[T ]{_CLOCK})?$"
_ISO = (
    r"^(?P<year>[0-9]{4})(?:(?:-(?P<month>[0-9]{1,2})-|/(?P<month2>[0-9]{1,2})/)"
    rf"(?P<day>[0-9]{{1,2}})(?:[T ]{_CLOCK})?|-(?P<month3>0[1-9]|1[0-2]))$"
)
# The groups of the next two are those of ISO dates: all are year, month and day.
_CHINESE = (
    r"^(?P<year>[0-9]{4})年(?:(?P<month>[0-9]{1,2})月(?P<day>[0-9]{1,2})日"
    rf"(?:[T ]?{_CLOCK})?|(?P<month2>[0-9]{{1,2}})月)$"
)


def _name(month: str) -> str:
    """Return the expression of a month's name, whole or short, in letters of any size."""
    letters = [f"[{letter.upper()}{letter.lower()}]" for letter in month]
    short = 4 if month == "September" else 3  # Sep or Sept
    whole, rest = "".join(letters[:3]), "".join(letters[3:])
    return f"{whole}(?:{letters[3]}|{rest})?" if short == 4 else f"{whole}(?:{rest})?"


_NUMBERS = {month[:3]: str(number) for number, month in enumerate(MONTHS, start=1)}
_MONTH = "|".join(map(_name, MONTHS))
_WORDED = (
    rf"^(?:(?P<month>{_MONTH})\.? (?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?,? "
    rf"|(?P<day2>[0-9]{{1,2}})(?:st|nd|rd|th)?[ -](?P<month2>{_MONTH})\.?(?:, ?|[ -]))"
    r"(?P<year>[0-9]{4})" + _TIME
)
_NAMED = (
    r"^(?P<first>[0-9]{1,2})(?:/(?P<s>[0-9]{1,2})/|-(?P<h>[0-9]{1,2})-|\.(?P<p>[0-9]{1,2})\.)"
    r"(?P<year>[0-9]{4})"
)
_OTHER = _NAMED + _TIME


def pattern_of(form: str) -> str:
    """Return the regular expression of the cells that `parse` reads in a form.

    >>> import re
    >>> re.search(pattern_of("dmy"), "3.4.2020 7:05")["p"]
    '4'
    """
    return {"iso": _ISO, "chinese": _CHINESE, "named": _WORDED}.get(form, _OTHER)


def looks_like_dates(cells: pl.Series) -> pl.Series:
    """Return which cells have the form of a date; whether they are one, `parse` determines."""
    found = cells.str.contains(_OTHER)
    for form in CERTAIN:
        found = found | cells.str.contains(pattern_of(form))
    return found


def offsets(cells: pl.Series) -> list[int | None]:
    """Return the different offsets from UTC of dates, in minutes; None where one has none.

    >>> import polars
    >>> offsets(polars.Series(["2020-01-01 7:00 +05:30", "2020-01-01 7:00Z", "2020-01-01"]))
    [None, 0, 330]
    """
    zones = cells.str.extract(_ZONE, 1).unique().to_list()
    found = {None if zone is None else minutes_of(zone) for zone in zones}
    return sorted(found, key=lambda minutes: (minutes is not None, minutes or 0))


def has_offset(cells: pl.Series) -> pl.Series:
    """Return which dates have an offset from UTC behind the time."""
    return cells.str.contains(_ZONE)


def minutes_of(zone: str) -> int:
    """Return the offset of a zone from UTC in minutes.

    >>> minutes_of("-0930"), minutes_of("Z")
    (-570, 0)
    """
    digits = zone[1:].replace(":", "")
    if not digits.isdecimal():
        return 0
    return (-1 if zone[0] == "-" else 1) * (60 * int(digits[:2]) + int(digits[2:]))


def date_form(cells: pl.Series) -> str | None:
    """Return the form of cells that look like dates; None where day or month may be first.

    >>> import polars
    >>> date_form(polars.Series(["3/4/2020", "3/31/2020"]))
    'mdy'
    >>> date_form(polars.Series(["3/4/2020"])) is None
    True
    """
    import polars as pl

    iso, chinese, named = (cells.str.contains(pattern_of(form)) for form in CERTAIN)
    if 2 * (iso | chinese | named).sum() >= len(cells):
        return "named" if named.any() else "chinese" if chinese.any() else "iso"
    parts = cells.filter(~iso & ~chinese & ~named).str.extract_groups(_OTHER).struct.unnest()
    first = parts["first"].cast(pl.Int64).to_numpy()
    second = parts.select(pl.coalesce("s", "h", "p").cast(pl.Int64)).to_series().to_numpy()
    if parts["p"].is_not_null().any() or second.max() <= 12 < first.max():
        return "dmy"
    if first.max() <= 12 < second.max():
        return "mdy"
    if (first == second).all() or first.max() > 12:
        return "dmy"  # either reading is the same, or none is right and `parse` finds the cell
    return None


def parse(cells: pl.Series, form: str) -> pl.Series:
    """Return dates with times (microseconds, UTC), null where a cell is no date of that form.

    >>> import polars
    >>> parse(polars.Series(["31/03/2020", "31/02/2020", "2020-01-01"]), "dmy").to_list()
    [datetime.datetime(2020, 3, 31, 0, 0), None, None]
    >>> parse(polars.Series(["3/31/2020 2:05 PM", "3/31/2020 13:05 PM"]), "mdy").to_list()
    [datetime.datetime(2020, 3, 31, 14, 5), None]
    """
    import polars as pl

    parts = cells.str.extract_groups(pattern_of(form)).struct.unnest()
    if form == "named":
        short = pl.coalesce("month", "month2").str.head(3).str.to_titlecase()
        month = short.replace_strict(_NUMBERS, return_dtype=pl.String)
        day = pl.coalesce("day", "day2")
    elif form in CERTAIN:
        months = [name for name in parts.columns if name.startswith("month")]
        month, day = pl.coalesce(months), pl.col("day").fill_null("1")
    else:
        first, second = pl.col("first"), pl.coalesce("s", "h", "p")
        day, month = (first, second) if form == "dmy" else (second, first)
    whole = pl.lit("")
    for part, joint in ((pl.col("year"), "-"), (month, "-"), (day, "T")):
        whole = whole + part.str.zfill(2) + joint
    hour = pl.col("hour").cast(pl.Int64)
    of_day = hour % 12 + pl.when(pl.col("half").str.contains("^[Pp]")).then(12).otherwise(0)
    right = pl.when(hour.is_between(1, 12)).then(of_day).otherwise(24)  # 24: no time of a day
    hour = pl.when(pl.col("half").is_null()).then(hour).otherwise(right).cast(pl.String)
    for value, joint in ((hour, ":"), (pl.col("minute"), ":"), (pl.col("second"), ".")):
        whole = whole + value.fill_null("00").str.zfill(2) + joint
    whole = whole + pl.col("fraction").fill_null("0").str.pad_end(9, "0").str.head(6)
    zone = pl.col("zone").str.replace(":", "", literal=True)
    hours = zone.str.extract(r"^([+-][0-9]{2})", 1).cast(pl.Int64, strict=False).fill_null(0)
    minutes = zone.str.extract(r"([0-9]{2})$", 1).cast(pl.Int64, strict=False).fill_null(0)
    offset = hours * 60 + pl.when(zone.str.starts_with("-")).then(-minutes).otherwise(minutes)
    read = whole.str.to_datetime("%Y-%m-%dT%H:%M:%S.%6f", strict=False, time_unit="us")
    return parts.select(
        (read - pl.duration(minutes=offset.fill_null(0))).alias(cells.name)
    ).to_series()


def parse_certain(cells: pl.Series, form: str) -> pl.Series:
    """Return dates of a form, or of one that has no other meaning: year first, or month as word.

    >>> import polars
    >>> parse_certain(polars.Series(["31/03/2020", "2020年3月", "03/31/2020"]), "dmy").to_list()
    [datetime.datetime(2020, 3, 31, 0, 0), datetime.datetime(2020, 3, 1, 0, 0), None]
    """
    read = parse(cells, form)
    for other in CERTAIN:
        if other != form:
            read = read.zip_with(read.is_not_null(), parse(cells, other))
    return read


def date_parts(dates: pl.Series, earliest: str, *, times: bool) -> pl.DataFrame:
    """Return the numbers of dates, named ``date.year`` and so on; ``earliest`` is an ISO date.

    >>> import datetime, polars
    >>> dates = polars.Series("d", [datetime.datetime(2020, 3, 1)])
    >>> date_parts(dates, "2020-02-28T00:00:00.000000", times=False).row(0, named=True)
    {'d.year': 2020.0, 'd.month': 3.0, 'd.day_of_week': 7.0, 'd.day_of_year': 61.0, 'd.age': 2.0}
    """
    import polars as pl

    start = parse(pl.Series([earliest]), "iso")[0]
    cell = pl.col(dates.name)
    parts = {
        "year": cell.dt.year(),
        "month": cell.dt.month(),
        "day_of_week": cell.dt.weekday(),
        "day_of_year": cell.dt.ordinal_day(),
        "hour": cell.dt.hour(),
        "age": (cell - pl.lit(start)).dt.total_microseconds() / 86_400e6,
    }
    if not times:
        del parts["hour"]
    return dates.to_frame().select(
        value.cast(pl.Float64).alias(f"{dates.name}.{part}") for part, value in parts.items()
    )
