"""Texts of dates as expressions of SQL that SQLite, DuckDB and PostgreSQL read alike.

Their own functions for dates differ in name, in arguments and in what they accept, so a text is cut
into digits and what stands between with ltrim, substr and length, which all of them have. A DATE or
a TIMESTAMP is read through its text, which is an ISO date.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.exports.prediction_steps import DateReading

__all__ = ["date_levels"]

_DIGITS = "'0123456789'"
_FIELDS = 7
"""Day, month, year, hour, minute, second and fraction, in the order of the text."""


def date_levels(cell: str, missing: Sequence[str], reading: DateReading) -> list[dict[str, str]]:
    """Return levels of expressions by name, which refer to names of the level before.

    The last level is the name ``seconds``: since 1970-01-01 00:00 UTC, NULL where the cell is
    missing or no date. ``cell`` is an expression of the cell, ``missing`` are literals of texts
    that count as missing.

    >>> [sorted(level)[:2] for level in date_levels("cell", ["''"], DateReading())][:2]
    [['cell'], ['cell', 'r1']]
    """
    among = ", ".join(missing)
    text = f"trim(CAST({cell} AS TEXT))"
    if reading.form == "chinese":
        text = _with_hyphens(text)
    text = f"{text} || CASE WHEN {text} LIKE '____-__' THEN '-1' ELSE '' END"
    levels = [{"cell": f"CASE WHEN {text} IN ({among}) THEN NULL ELSE {text} END"}]
    rest = f"ltrim(cell, {_DIGITS})"
    rests = {"cell": "cell"}
    for at in range(1, _FIELDS + 1):
        rests[f"r{at}"] = rest
        rest = f"ltrim(substr({rest}, 2), {_DIGITS})"
    levels.append(rests)
    levels.append(_fields())
    levels.append(_numbers(reading))
    levels.append(_checked())
    levels.append({"seconds": "CASE WHEN is_date THEN whole - 60e0 * zone END"})
    return levels


def _with_hyphens(text: str) -> str:
    """Return a text whose Chinese date is an ISO date; of a month alone its first day."""
    hyphens = f"{text} || CASE WHEN {text} LIKE '%月' THEN '1' ELSE '' END"
    for written, read in (("年", "-"), ("月", "-"), ("日 ", "日"), ("日", " ")):
        hyphens = f"replace({hyphens}, '{written}', '{read}')"
    is_chinese = f"{text} LIKE '____年%月' OR {text} LIKE '____年%月%日%'"
    return f"CASE WHEN {is_chinese} THEN trim({hyphens}) ELSE {text} END"


def _fields() -> dict[str, str]:
    """Return the digits n1, n2, ... and the character behind each, s1, s2, ..."""
    found = {}
    before = "cell"
    for at in range(1, _FIELDS + 1):
        found[f"n{at}"] = f"substr({before}, 1, length({before}) - length(r{at}))"
        found[f"s{at}"] = f"substr(r{at}, 1, 1)"
        before = f"substr(r{at}, 2)"
    zone = (
        "CASE WHEN r3 = '' THEN '' WHEN substr(r5, 1, 1) <> ':' THEN r5 "
        "WHEN substr(r6, 1, 1) NOT IN ('.', ',') THEN r6 ELSE r7 END"
    )
    return {**found, "zoned": f"trim({zone})"}


def _number(text: str) -> str:
    """Return digits, of which there may be none, as a number."""
    return f"CAST('0' || {text} AS DOUBLE PRECISION)"


def _numbers(reading: DateReading) -> dict[str, str]:
    """Return the numbers of the fields, and whether the text has the form of a date."""
    day, month = ("n1", "n2") if reading.form != "mdy" else ("n2", "n1")
    is_iso = "length(n1) = 4"
    named = {"y": ("n1", "n3"), "m": ("n2", month), "d": ("n3", day)}
    if reading.form in ("iso", "chinese"):
        named = {name: (iso, iso) for name, (iso, _) in named.items()}
    short = "IN (1, 2)"
    iso = f"{is_iso} AND s1 IN ('-', '/') AND length(n2) {short} AND length(n3) {short}"
    other = f"length(n1) {short} AND s1 IN ('/', '-', '.') AND length(n2) {short}"
    other += " AND length(n3) = 4"
    form = iso if reading.form in ("iso", "chinese") else f"({iso} OR {other})"
    second = "(s5 <> ':' OR length(n6) = 2)"
    time = f"s3 IN ('T', ' ') AND length(n4) {short} AND s4 = ':' AND length(n5) = 2 AND {second}"
    # AM, p.m. and the like stand before the zone; other letters stay, and are no zone.
    marks = {4: "'a.m.', 'p.m.'", 3: "'a.m', 'p.m', 'am.', 'pm.'", 2: "'am', 'pm'"}
    cases = [f"WHEN lower(substr(zoned, 1, {n})) IN ({m}) THEN {n + 1}" for n, m in marks.items()]
    behind = f"CASE {' '.join(cases)} ELSE 1 END"
    half = f"CASE WHEN {behind} > 1 THEN lower(substr(zoned, 1, 1)) ELSE '' END"
    zoned = f"trim(substr(zoned, {behind}))"
    has_fraction = "s5 = ':' AND s6 IN ('.', ',')"
    found = {
        name: _number(_either(is_iso, iso_field, other_field))
        for name, (iso_field, other_field) in named.items()
    }
    return {
        **found,
        "hour": _hour(half),
        "minute": _number("n5"),
        "second": _number("CASE WHEN s5 = ':' THEN n6 ELSE '' END"),
        "fraction": f"CASE WHEN {has_fraction} THEN CAST('0.' || substr(n7, 1, 6) || '0' "
        "AS DOUBLE PRECISION) ELSE 0e0 END",
        "has_form": f"{form} AND s2 = s1 AND (s3 = '' OR {time})",
        "sign": f"substr({zoned}, 1, 1)",
        "zone": f"replace(substr({zoned}, 2), ':', '')",
        "zoned": zoned,
    }


def _hour(half: str) -> str:
    """Return the hour of the day; of one with AM or PM that is not among 1 to 12 it is 24."""
    hour = _number("n4")
    noon = f"CASE WHEN {half} = 'p' THEN 12e0 ELSE 0e0 END"
    of_half = f"{hour} - CASE WHEN {hour} = 12e0 THEN 12e0 ELSE 0e0 END + {noon}"
    right = f"CASE WHEN {hour} >= 1e0 AND {hour} <= 12e0 THEN {of_half} ELSE 24e0 END"
    return f"CASE WHEN {half} IN ('a', 'p') THEN {right} ELSE {hour} END"


def _either(condition: str, first: str, other: str) -> str:
    return first if first == other else f"CASE WHEN {condition} THEN {first} ELSE {other} END"


def _checked() -> dict[str, str]:
    """Return the seconds as written, the zone in minutes, and whether all is a date."""
    # Years and months are counted from March on, so that a leap day is the last of its year.
    year = "(y - CASE WHEN m > 2e0 THEN 0e0 ELSE 1e0 END)"
    month = "(m + CASE WHEN m > 2e0 THEN -3e0 ELSE 9e0 END)"
    days = (
        f"365e0 * {year} + floor({year} / 4e0) - floor({year} / 100e0) + floor({year} / 400e0) "
        f"+ floor((153e0 * {month} + 2e0) / 5e0) + d - 719469e0"
    )
    leap = (
        "y = 4e0 * floor(y / 4e0) AND "
        "(y <> 100e0 * floor(y / 100e0) OR y = 400e0 * floor(y / 400e0))"
    )
    longest = (
        f"CASE WHEN m = 2e0 THEN CASE WHEN {leap} THEN 29e0 ELSE 28e0 END "
        "WHEN m IN (4e0, 6e0, 9e0, 11e0) THEN 30e0 ELSE 31e0 END"
    )
    is_offset = f"sign IN ('+', '-') AND length(zone) IN (2, 4) AND trim(zone, {_DIGITS}) = ''"
    offset = f"60e0 * {_number('substr(zone, 1, 2)')} + {_number('substr(zone, 3, 2)')}"
    limits = {"hour": 23, "minute": 59, "second": 59}
    ranges = " AND ".join(f"{name} <= {most}e0" for name, most in limits.items())
    right = f"m >= 1e0 AND m <= 12e0 AND d >= 1e0 AND d <= {longest} AND {ranges}"
    return {
        "whole": f"86400e0 * ({days}) + 3600e0 * hour + 60e0 * minute + second + fraction",
        "zone": f"CASE WHEN {is_offset} THEN CASE WHEN sign = '-' THEN -({offset}) ELSE {offset} "
        "END ELSE 0e0 END",
        "is_date": f"has_form AND y >= 1e0 AND {right} "
        f"AND (zoned IN ('', 'Z', 'UTC') OR {is_offset})",
    }
