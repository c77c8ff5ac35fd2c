"""Numbers as people write them: decimal commas, thousands separators, units, currencies, signs.

A `NumberForm` states how the cells of one column are written. `parse` reads cells in that form and
no other; `possible_forms` returns the forms in which every one of some cells can be read. Accepted
in every form: the minus sign U+2212, parentheses around negative numbers, exponents with E and
(Fortran's) D, spaces of any width. "12 %" is 12 with the unit %. Hexadecimal numbers are text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "CURRENCIES",
    "HEXADECIMAL",
    "MARKS_OF_MISSING",
    "MINUS",
    "PLAIN",
    "SPACES",
    "NumberForm",
    "Parts",
    "parse",
    "parts_of",
    "possible_forms",
    "readable",
    "signs_of",
]

_MARKS = (
    "nan +nan -nan na n/a n.a. n.a #n/a #na <na> n/d n.d. nd null none nil missing unknown ? - -- "
    "--- . * – —"
)
_CURRENCIES = "US$ $ € £ ¥ ₹ ₩ ₽ ₺ ₪ ฿ ₫ ₴ USD EUR GBP CHF JPY CNY SEK NOK DKK PLN CZK"
MARKS_OF_MISSING = frozenset(_MARKS.split())
CURRENCIES = frozenset(_CURRENCIES.split())
HEXADECIMAL = r"^[+-]?0[xX][0-9a-fA-F]+$"

_DECIMALS = (".", ",")
_THOUSANDS = ("", ",", ".", " ", "'")
SPACES = "[\u00a0\u2007\u2008\u2009\u202f\t]"
"""What counts as a space in a number; `MINUS` what counts as a minus sign."""
MINUS = "[\u2212\uff0d]"
_EXPONENT = r"(?:[eEdD][+-]?[0-9]+)?"
_DIGITS = rf"(?:[0-9][0-9.,' ]*{_EXPONENT}|[.,][0-9]+{_EXPONENT})"
_SYMBOL = r"[$€£¥₹₩₽₺₪฿₫₴]"
_BEFORE = "|".join(re.escape(currency) for currency in _CURRENCIES.split())
_LETTERS = r"a-zA-ZµμΩÅåäöü°"
_BEHIND = rf"(?:[%‰]|{_SYMBOL}|[{_LETTERS}][{_LETTERS}²³⁻¹·*/^.]*[23]?)"
_WHOLE = (
    rf"^(?P<sign>[+-]?)\s*(?P<before>{_BEFORE})?\s*(?P<inner>[+-]?)\s*(?P<digits>{_DIGITS})\s*"
    rf"(?P<behind>{_BEHIND})?$"
)


@dataclass(frozen=True)
class NumberForm:
    """How the numbers of a column are written.

    >>> NumberForm(",", ".", "€")
    NumberForm(decimal=',', thousands='.', unit='€')
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""

    @property
    def pattern(self) -> str:
        """A regular expression for the digits of a number in this form, without its sign.

        Thousands are grouped by three digits; the first group does not begin with 0, and there is
        no exponent.
        """
        decimal = re.escape(self.decimal)
        plain = rf"(?:[0-9]+(?:{decimal}[0-9]*)?|{decimal}[0-9]+){_EXPONENT}"
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
    unit: pl.Series


def parts_of(cells: pl.Series) -> Parts:
    """Return sign ("-" or ""), digits and unit of stripped cells.

    >>> import polars
    >>> sign, digits, unit = parts_of(polars.Series(["$1,200.50", "(3.5 kg)", "−2", "a1"]))
    >>> sign.to_list(), digits.to_list(), unit.to_list()
    (['', '-', '-', None], ['1,200.50', '3.5', '2', None], ['$', 'kg', '', None])
    """
    import polars as pl

    c, before, behind = pl.col("c"), pl.col("before"), pl.col("behind")
    spaced = c.str.replace_all(MINUS, "-").str.replace_all(SPACES, " ")
    enclosed = c.str.extract(r"^\(([^+-].*)\)$", 1).str.strip_chars()
    frame = (
        pl.DataFrame({"c": cells})
        .select(spaced)
        .select(enclosed.is_not_null().alias("negative"), pl.coalesce(enclosed, c).alias("c"))
        .with_columns(c.str.contains(HEXADECIMAL).alias("hex"), c.str.extract_groups(_WHOLE))
        .with_columns(pl.col("c").struct.unnest())
    )
    # A unit on both sides and two signs are no number.
    found = (
        pl.col("digits").is_not_null()
        & ~pl.col("hex")
        & (before.is_null() | behind.is_null())
        & ((pl.col("sign") == "") | (pl.col("inner") == ""))
    )
    minus = pl.col("negative") ^ ((pl.col("sign") == "-") | (pl.col("inner") == "-"))
    made = frame.select(
        pl.when(found).then(pl.when(minus).then(pl.lit("-")).otherwise(pl.lit(""))).alias("sign"),
        pl.when(found).then(pl.col("digits").str.strip_chars()).alias("digits"),
        pl.when(found).then(before.fill_null("") + behind.fill_null("")).alias("unit"),
    )
    return Parts(made["sign"], made["digits"], made["unit"])


def possible_forms(digits: pl.Series) -> list[NumberForm]:
    """Return the forms, without unit, in which all of some digits can be read.

    Of forms with the same decimal sign the first is returned: it has the fewest separators.

    >>> import polars
    >>> [form.decimal for form in possible_forms(polars.Series(["1,234", "17"]))]
    ['.', ',']
    >>> possible_forms(polars.Series(["1,234", "0,5"]))
    [NumberForm(decimal=',', thousands='', unit='')]
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


def parse(cells: pl.Series, form: NumberForm) -> pl.Series:
    """Return the numbers of stripped cells in one form, null where a cell is not in that form.

    >>> import polars
    >>> cells = polars.Series(["1.200,50 €", "€ -3", "4,5"])
    >>> parse(cells, NumberForm(",", ".", "€")).to_list()
    [1200.5, -3.0, None]
    """
    import polars as pl

    sign, digits, unit = parts_of(cells)
    right = digits.str.contains(form.pattern) & (unit == form.unit)
    if form.thousands:
        digits = digits.str.replace_all(form.thousands, "", literal=True)
    if form.decimal == ",":
        digits = digits.str.replace(",", ".", literal=True)
    written = sign + digits.str.replace("[dD]", "e")
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
