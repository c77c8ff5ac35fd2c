"""How a column is read, in words of English or Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.data.number_texts import CURRENCIES, MULTIPLIERS, PLAIN, NumberForm
from chainrule.data.remarks import Remark
from chainrule.language.phrase_books import phrases_of

if TYPE_CHECKING:
    from chainrule.data.column_reading import ColumnReading

__all__ = ["AS_STATED", "SIGNS", "date_words", "decision", "form_words", "offset_words"]

SIGNS = ("parentheses", "minus_signs", "d_exponents")
"""Keys of remarks about how numbers are written."""
AS_STATED = "as_stated"
"""The key of a remark that is the whole decision, of a file from before there were others."""


def form_words(form: NumberForm, language: str = "en") -> list[str]:
    """Return the form of numbers in words, none for plain ones.

    >>> form_words(NumberForm(",", ".", "€"))
    ['currency €', 'decimal comma', "thousands separator '.'"]
    """
    texts = phrases_of("columns", language)
    words = []
    if form.unit:
        key = "currency" if form.unit in CURRENCIES else "unit"
        words.append(texts[key].format(unit=form.unit))
    if form.decimal == ",":
        words.append(texts["decimal_comma"])
    if form.thousands:
        words.append(texts["thousands"].format(mark=form.thousands))
    return words + [
        texts["multiplier"].format(mark=mark, factor=10 ** MULTIPLIERS[mark])
        for mark in form.multipliers
    ]


def date_words(form: str, language: str = "en") -> str:
    """Return the order in which dates are written.

    >>> date_words("dmy")
    'day/month/year'
    """
    return phrases_of("columns", language)[f"dates_{form}"]


def offset_words(minutes: int) -> str:
    """Return an offset from UTC as it is written.

    >>> offset_words(-570)
    '-09:30'
    """
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def decision(reading: ColumnReading, language: str) -> str:
    """Return what was decided about a column; empty for plain numbers and plain text."""
    texts = phrases_of("columns", language)
    remarks = reading.remarks
    if any(remark.key == AS_STATED for remark in remarks):
        return remarks[0].text(language)
    parts = [_kind(reading, [r for r in remarks if r.key in SIGNS], language)]
    parts += [remark.text(language) for remark in remarks if remark.key not in SIGNS]
    return texts["semicolon"].join(filter(None, parts))


def _kind(reading: ColumnReading, signs: list[Remark], language: str) -> str:
    texts = phrases_of("columns", language)
    if reading.kind == "drop":
        return texts["declared_drop"]
    if reading.kind == "boolean":
        return texts["boolean"]
    if reading.kind == "date":
        names = [name.removeprefix(f"{reading.name}.") for name in reading.columns]
        *parts, last = (texts[f"part_{name}"] for name in names)
        form = date_words(reading.date_form, language)
        line = texts["dates_with_times" if reading.times else "dates"].format(
            form=form, parts=texts["comma"].join(parts), last=last
        )
        if reading.zone:
            line += texts["semicolon"] + texts["offset"].format(zone=offset_words(reading.zone))
        return line
    if reading.form == PLAIN and not signs:
        return ""
    words = [*form_words(reading.form, language), *(sign.text(language) for sign in signs)]
    return texts["as_numbers"].format(words=texts["comma"].join(words))
