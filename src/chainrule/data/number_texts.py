"""Numbers as people write them: decimal commas, thousands separators, units, currencies, signs.

A `NumberForm` states how the cells of one column are written. `parse` reads cells in that form and
no other; `possible_forms` returns the forms in which every one of some cells can be read. Accepted
in every form: the minus sign U+2212, full-width digits, parentheses around negative numbers,
exponents with E and (Fortran's) D, spaces of any width. "12 %" is 12 with the unit %, "3.2万元" is
32,000 with the unit 元: 万 and 亿 are multipliers, not units. Hexadecimal numbers are text, and so
are the numbers of buildings, bus lines and school classes in Chinese (3号楼, 12路): they are names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "CURRENCIES",
    "EXPONENT",
    "FULL_WIDTH",
    "HEXADECIMAL",
    "MARKS_OF_MISSING",
    "MINUS",
    "MULTIPLIERS",
    "PLAIN",
    "SPACES",
    "WIDER",
    "NumberForm",
    "Parts",
    "parse",
    "parse_certain",
    "parts_of",
    "possible_forms",
    "readable",
    "readings_of",
    "shows_thousands",
    "signs_of",
]

_MARKS = (
    "nan +nan -nan na n/a n.a. n.a #n/a #na <na> n/d n.d. nd null none nil missing unknown ? - -- "
    "--- . * – —"
)
_CURRENCIES = (
    "US$ $ € £ ¥ ￥ ₹ ₩ ₽ ₺ ₪ ฿ ₫ ₴ USD EUR GBP CHF JPY CNY RMB SEK NOK DKK PLN CZK "
    "元 人民币 美元 欧元 日元 港元 港币"
)
MARKS_OF_MISSING = frozenset(_MARKS.split())
CURRENCIES = frozenset(_CURRENCIES.split())
MULTIPLIERS = {"万亿": 12, "萬億": 12, "万": 4, "萬": 4, "亿": 8, "億": 8}
"""Chinese multipliers as powers of ten, longer ones first."""
HEXADECIMAL = r"^[+-]?0[xX][0-9a-fA-F]+$"

_DECIMALS = (".", ",")
_THOUSANDS = ("", ",", ".", " ", "'")
SPACES = "[\u00a0\u2007\u2008\u2009\u202f\u3000\t]"
"""What counts as a space in a number; `MINUS` what counts as a minus sign."""
FULL_WIDTH = "[\uff08\uff09\uff0b\uff0c\uff0e\uff10-\uff19]"
"""Digits and signs as wide as a Chinese character; their numbers are higher by `WIDER`."""
WIDER = 0xFEE0
_NARROW = {chr(ord(c) + WIDER): c for c in "0123456789.,+()"}
MINUS = "[\u2212\uff0d]"
EXPONENT = r"(?:[eEdD][+-]?[0-9]+)?"
_DIGITS = rf"(?:[0-9][0-9.,' ]*{EXPONENT}|[.,][0-9]+{EXPONENT})"
_SYMBOL = r"[$€£¥￥₹₩₽₺₪฿₫₴]"
_BEFORE = "|".join(re.escape(currency) for currency in _CURRENCIES.split())
_CHINESE = "\u4e00-\u9fff\u3380-\u33df"  # ㎡ and the like are from U+3380 on
_LETTERS = rf"a-zA-ZµμΩÅåäöü°℃℉{_CHINESE}"
_BEHIND = rf"(?:[%％‰]|{_SYMBOL}|[{_LETTERS}][{_LETTERS}²³⁻¹·*/^.]*[23]?)"
_WHOLE = (
    rf"^(?P<sign>[+-]?)\s*(?P<before>{_BEFORE})?\s*(?P<inner>[+-]?)\s*(?P<digits>{_DIGITS})\s*"
    rf"(?P<times>{'|'.join(MULTIPLIERS)})?\s*(?P<behind>{_BEHIND})?$"
)
_NUMBERED = "^[号路线班组队栋幢届]"


@dataclass(frozen=True)
class NumberForm:
    """How the numbers of a column are written.

    ``multipliers`` are those of `MULTIPLIERS` that occur; with one of them all are read.

    >>> NumberForm(",", ".", "€")
    NumberForm(decimal=',', thousands='.', unit='€', multipliers=())
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    multipliers: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        """A regular expression for the digits of a number in this form, without its sign.

        Thousands are grouped by three digits; the first group does not begin with 0, and there is
        no exponent.
        """
        decimal = re.escape(self.decimal)
        plain = rf"(?:[0-9]+(?:{decimal}[0-9]*)?|{decimal}[0-9]+){EXPONENT}"
        if not self.thousands:
            return f"^{plain}$"
        grouped = (
            rf"[1-9][0-9]{{0,2}}(?:{re.escape(self.thousands)}[0-9]{{3}})+(?:{decimal}[0-9]*)?"
        )
        return f"^(?:{plain}|{grouped})$"


PLAIN = NumberForm()
FORMS = tuple(
    NumberForm(decimal, thousands)
    for decimal in _DECIMALS
    for thousands in _THOUSANDS
    if thousands != decimal
)


class Parts(NamedTuple):
    """The parts of cells, a series each; null where a cell is not a number with a unit."""

    sign: pl.Series
    digits: pl.Series
    multiplier: pl.Series
    unit: pl.Series


def parts_of(cells: pl.Series) -> Parts:
    """Return sign ("-" or ""), digits, multiplier and unit of stripped cells.

    >>> import polars
    >>> parts = parts_of(polars.Series(["$1,200.50", "(3.5万 kg)", "−2", "a1"]))
    >>> parts.sign.to_list(), parts.digits.to_list()
    (['', '-', '-', None], ['1,200.50', '3.5', '2', None])
    >>> parts.multiplier.to_list(), parts.unit.to_list()
    (['', '万', '', None], ['$', 'kg', '', None])
    """
    import polars as pl

    c, before, behind = pl.col("c"), pl.col("before"), pl.col("behind")
    spaced = c.str.replace_all(MINUS, "-").str.replace_all(SPACES, " ")
    spaced = spaced.str.replace_many([*_NARROW], [*_NARROW.values()])
    enclosed = c.str.extract(r"^\(([^+-].*)\)$", 1).str.strip_chars()
    frame = (
        pl.DataFrame({"c": cells})
        .select(spaced)
        .select(enclosed.is_not_null().alias("negative"), pl.coalesce(enclosed, c).alias("c"))
        .with_columns(c.str.contains(HEXADECIMAL).alias("hex"), c.str.extract_groups(_WHOLE))
        .with_columns(pl.col("c").struct.unnest())
    )
    # A unit on both sides and two signs are no number, nor is what has an exponent of both kinds.
    found = (
        pl.col("digits").is_not_null()
        & ~pl.col("hex")
        & ~behind.str.contains(_NUMBERED).fill_null(False)
        & (pl.col("times").is_null() | ~pl.col("digits").str.contains("[eEdD]"))
        & (before.is_null() | behind.is_null())
        & ((pl.col("sign") == "") | (pl.col("inner") == ""))
    )
    minus = pl.col("negative") ^ ((pl.col("sign") == "-") | (pl.col("inner") == "-"))
    made = frame.select(
        pl.when(found).then(pl.when(minus).then(pl.lit("-")).otherwise(pl.lit(""))).alias("sign"),
        pl.when(found).then(pl.col("digits").str.strip_chars()).alias("digits"),
        pl.when(found).then(pl.col("times").fill_null("")).alias("multiplier"),
        pl.when(found).then(before.fill_null("") + behind.fill_null("")).alias("unit"),
    )
    return Parts(*made.get_columns())


def possible_forms(digits: pl.Series) -> list[NumberForm]:
    """Return the forms, without unit, in which all of some digits can be read.

    Of forms with the same decimal sign the first is returned: it has the fewest separators.

    >>> import polars
    >>> [form.decimal for form in possible_forms(polars.Series(["1,234", "17"]))]
    ['.', ',']
    >>> possible_forms(polars.Series(["1,234", "0,5"]))
    [NumberForm(decimal=',', thousands='', unit='', multipliers=())]
    """
    found: list[NumberForm] = []
    for form in FORMS:
        if any(earlier.decimal == form.decimal for earlier in found):
            continue
        if digits.str.contains(form.pattern).all():
            found.append(form)
    return found


def readable(digits: pl.Series) -> pl.Series:
    """Return which of some digits can be read in at least one form; null stays null."""
    found = digits.str.contains(FORMS[0].pattern)
    for form in FORMS[1:]:
        found = found | digits.str.contains(form.pattern)
    return found


def shows_thousands(unit: str) -> bool:
    """Return whether numbers of a unit have ',' between thousands, never as decimal sign.

    Prices have no three decimals, and where Chinese characters are written, so are decimal points.

    >>> [shows_thousands(unit) for unit in ("€", "EUR/kg", "平米", "㎡", "m")]
    [True, True, True, True, False]
    """
    return unit.partition("/")[0] in CURRENCIES or bool(re.search(f"[{_CHINESE}]", unit))


def parse(cells: pl.Series, form: NumberForm) -> pl.Series:
    """Return the numbers of stripped cells in one form, null where a cell is not in that form.

    >>> import polars
    >>> cells = polars.Series(["1.200,50 €", "€ -3", "4,5"])
    >>> parse(cells, NumberForm(",", ".", "€")).to_list()
    [1200.5, -3.0, None]
    >>> parse(polars.Series(["8000", "1.2万"]), NumberForm(multipliers=("万",))).to_list()
    [8000.0, 12000.0]
    """
    return _read(parts_of(cells), form)


def parse_certain(cells: pl.Series, form: NumberForm) -> pl.Series:
    """Return the numbers of stripped cells in one form, or in another that has one meaning.

    The decimal sign is that of the form, so that all cells are read alike, and the unit too;
    separators of thousands and multipliers may differ. A cell that would be another number with
    the other decimal sign ("1,234" is 1234 or 1.234) is null.

    >>> import polars
    >>> cells = polars.Series(["12.5", "1,200.50", "1,234,567", "1 200", "1.2万", "1,234", "12,5"])
    >>> parse_certain(cells, PLAIN).to_list()
    [12.5, 1200.5, 1234567.0, 1200.0, 12000.0, None, None]
    """
    read = parse(cells, form)
    if not read.null_count():
        return read
    parts = parts_of(cells)
    found, other = (read.set(read.is_not_null(), None) for _ in range(2))
    for each in FORMS:
        made = _read(parts, replace(each, unit=form.unit, multipliers=tuple(MULTIPLIERS)))
        if each.decimal == form.decimal:
            found = found.zip_with(found.is_not_null(), made)
        else:
            other = other.zip_with(other.is_not_null(), made)
    doubtful = (other != found).fill_null(False)
    if form.decimal == ".":
        doubtful &= (parts.multiplier == "").fill_null(True) & (not shows_thousands(form.unit))
    return read.zip_with(read.is_not_null(), found.set(doubtful, None))


def readings_of(cell: str) -> list[float]:
    """Return the numbers that a stripped cell may be, whatever its unit, in the order of `FORMS`.

    >>> readings_of("1,234"), readings_of("$3"), readings_of("a")
    ([1234.0, 1.234], [3.0], [])
    """
    import polars as pl

    parts = parts_of(pl.Series([cell]))
    unit = parts.unit[0]
    if unit is None:
        return []
    forms = (replace(form, unit=unit, multipliers=tuple(MULTIPLIERS)) for form in FORMS)
    found = (_read(parts, form)[0] for form in forms)
    return list(dict.fromkeys(number for number in found if number is not None))


def _read(parts: Parts, form: NumberForm) -> pl.Series:
    """Return the numbers of the parts of cells in one form, null where they are not in it."""
    import polars as pl

    sign, digits, multiplier, unit = parts
    right = digits.str.contains(form.pattern) & (unit == form.unit)
    if not form.multipliers:
        right &= multiplier == ""
    if form.thousands:
        digits = digits.str.replace_all(form.thousands, "", literal=True)
    if form.decimal == ",":
        digits = digits.str.replace(",", ".", literal=True)
    # As an exponent the multiplier is exact: 4.35 * 10,000 is not 43,500.
    exponents = {"": "", **{mark: f"e{power}" for mark, power in MULTIPLIERS.items()}}
    written = sign + digits.str.replace("[dD]", "e") + multiplier.replace_strict(exponents)
    return written.set(~right.fill_null(False), None).cast(pl.Float64, strict=False)


def signs_of(cells: pl.Series) -> list[str]:
    """Return what is unusual about the signs and exponents of number cells, as keys of remarks.

    >>> import polars
    >>> signs_of(polars.Series(["(3)", "1.5D+03"]))
    ['parentheses', 'd_exponents']
    """
    return [
        key
        for pattern, key in (
            (r"^\(", "parentheses"),
            (MINUS, "minus_signs"),
            (r"[0-9][dD][+-]?[0-9]", "d_exponents"),
        )
        if cells.str.contains(pattern).any()
    ]
