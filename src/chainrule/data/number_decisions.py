"""In which form the numbers of a column are written, decided over all of its cells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chainrule.data.cells import LEAVE_EMPTY, first_row, not_a_number, refuse_unusable
from chainrule.data.number_texts import (
    CURRENCIES,
    NumberForm,
    Parts,
    possible_forms,
    shows_thousands,
)
from chainrule.data.number_texts import FORMS as NUMBER_FORMS
from chainrule.data.tables import Table
from chainrule.errors import DataError, shown

if TYPE_CHECKING:
    import polars as pl

__all__ = ["numeric_form"]

NEARLY = 0.9
# A column of many different numbers is no column of categories, if few other texts are among them.
MOSTLY, MANY_NUMBERS, FEW_OTHERS = 0.5, 10, 3
FEWEST_BELOW_UNITS = 5
INFINITE = r"(?i)^[+-]?inf(inity)?$"
REMEDY = f"correct the cell ({LEAVE_EMPTY}), or declare the column categorical"


def numeric_form(
    table: Table,
    name: str,
    cells: pl.Series,
    rest: pl.DataFrame,
    parts: Parts,
    numeric: pl.Series,
    declared: str | None,
    decimal: str | None,
) -> NumberForm | None:
    """Return the form of a column's numbers, or None where it is a column of categories.

    ``rest`` has the different cells that are no marks of missing ("cell") with their number
    ("count"), ``parts`` their parts, ``numeric`` which of them are numbers in some form. Raises
    DataError for a column that is nearly numeric, and for one that can be read in two ways.
    """
    found, counts = rest["cell"], rest["count"]
    if not numeric.any():
        raise _wrong(table, name, cells, found)
    unit = _main_unit(parts.unit.filter(numeric), counts.filter(numeric))
    fit = numeric & (parts.unit == unit).fill_null(False)
    if not fit.all():
        others = found.filter(~fit)
        if others.str.contains(INFINITE).all():
            infinite = cells.cast(float, strict=False)
            refuse_unusable(table, name, infinite, cells)
        if declared is None:
            # "<5" and "<0.1" are of one shape.
            shaped = others.str.replace_all(r"[0-9]+(?:[.,][0-9]+)*", "0")
            shapes = parts.unit.filter(~fit).fill_null(shaped).n_unique()
            mixed = numeric.all() and parts.unit.is_in([*CURRENCIES, "%"]).any()
            nearly = mixed or _nearly(counts, fit, shapes)
            if not nearly and not _has_unit_row(cells, others, fit):
                return None
            present, right = int(counts.sum()), int(counts.filter(fit).sum())
            row = first_row(cells, others)
            other_unit = parts.unit.filter(found == cells[row])[0]
            if _has_unit_row(cells, others, fit):
                raise DataError(
                    f"{table.location(row, name)}: {shown(cells[row])} is not a number, but all "
                    "cells below it are; remove the row if it states units, or correct the cell"
                )
            if other_unit is not None and (unit or mixed):
                raise DataError(
                    f"{table.location(row, name)}: {shown(cells[row])} has "
                    f"{_unit(other_unit)}, but {right} of the column's {present} cells have "
                    f"{_unit(unit)}; write all cells in one unit, or declare the column categorical"
                )
            raise DataError(
                f"{table.location(row, name)}: {shown(cells[row])} is not a number, but "
                f"{right} of the column's {present} cells are; {REMEDY}"
            )
        raise _wrong(table, name, cells, others)
    used = parts.multiplier.filter(parts.multiplier != "").unique()
    form = _form(table, name, cells, found, parts, unit, decimal)
    return replace(form, unit=unit, multipliers=tuple(sorted(used.to_list())))


def _form(
    table: Table,
    name: str,
    cells: pl.Series,
    found: pl.Series,
    parts: Parts,
    unit: str,
    decimal: str | None,
) -> NumberForm:
    """Return the form of digits of which each can be read in some form."""
    digits = parts.digits
    forms = possible_forms(digits)
    if not forms:
        raise _contradictory(table, name, cells, found, digits)
    if len(forms) == 1:
        return forms[0]
    if decimal is not None:
        return next(form for form in forms if form.decimal == decimal)
    with_comma = found.filter(digits.str.contains(",", literal=True))
    if len(with_comma) == 0:  # a point alone is a decimal point
        return forms[0]
    if shows_thousands(unit) or (parts.multiplier != "").any():
        return next(form for form in forms if form.thousands == ",")
    row = first_row(cells, with_comma)
    digit = digits.filter(found == cells[row])[0]
    raise DataError(
        f"{table.location(row, name)}: {shown(cells[row])} may be {digit.replace(',', '')} (',' "
        f"between thousands) or {digit.replace(',', '.')} (',' as decimal sign), and no cell of "
        "the column shows which; declare the decimal sign (--decimal . or --decimal ,), or the "
        "column categorical"
    )


def _contradictory(
    table: Table, name: str, cells: pl.Series, found: pl.Series, digits: pl.Series
) -> DataError:
    """Return the error for numbers in several forms: the first cell that differs from the most."""
    best = max(NUMBER_FORMS, key=lambda form: int(digits.str.contains(form.pattern).sum()))
    fits = digits.str.contains(best.pattern)
    first, other = first_row(cells, found.filter(fits)), first_row(cells, found.filter(~fits))
    return DataError(
        f"{table.location(other, name)}: {shown(cells[other])} is not written like "
        f"{shown(cells[first])} in {table.row_word} {table.rows[first]}: the decimal sign or the "
        "separator of thousands differs; write all numbers of the column alike, or declare the "
        "column categorical"
    )


def _nearly(counts: pl.Series, fit: pl.Series, shapes: int) -> bool:
    """Return whether a column with other cells is numeric but for mistakes."""
    share = float(counts.filter(fit).sum()) / float(counts.sum())
    many = int(fit.sum()) > MANY_NUMBERS and shapes <= FEW_OTHERS
    return share >= NEARLY or (share >= MOSTLY and many)


def _has_unit_row(cells: pl.Series, others: pl.Series, fit: pl.Series) -> bool:
    """Return whether the first cell alone is no number, as in a row of units below the header."""
    few = len(others) == 1 and int(fit.sum()) >= FEWEST_BELOW_UNITS
    return few and cells[0] == others[0] and int((cells == others[0]).sum()) == 1


def _main_unit(units: pl.Series, counts: pl.Series) -> str:
    """Return the unit of the most cells; the first by name of equals."""
    import polars as pl

    ranked = (
        pl.DataFrame({"unit": units, "count": counts})
        .group_by("unit")
        .agg(pl.col("count").sum())
        .sort("count", "unit", descending=[True, False])
    )
    return str(ranked["unit"][0])


def _unit(unit: str) -> str:
    return f"the unit {unit}" if unit else "no unit"


def _wrong(table: Table, name: str, cells: pl.Series, others: pl.Series) -> DataError:
    row = first_row(cells, others)
    return not_a_number(table, name, row, cells[row])
