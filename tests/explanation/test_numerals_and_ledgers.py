"""Numbers on paper: digits that count, and columns that add up exactly as they are printed."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.documents.numerals import (
    MOST_COLUMNS,
    MOST_ROWS,
    Numeral,
    aligned,
    grid,
    numeral,
)
from chainrule.explanation.ledger_format import ledger

finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
moderate = finite.filter(lambda number: number == 0 or 1e-200 < abs(number) < 1e200)


@given(moderate, st.integers(2, 12))
def test_a_figure_is_the_number_to_its_digits(number: float, digits: int) -> None:
    shown = numeral(number, digits).value
    assert abs(shown - Fraction(number)) <= abs(Fraction(number)) * Fraction(1, 2) * 10 ** (
        1 - digits
    )
    printed = numeral(number, digits).digits
    significant = printed.lstrip("-0.").replace(".", "")
    if "." not in printed:
        significant = significant.rstrip("0")  # 100 to two digits
    assert len(significant) <= digits


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.082167040564, "0.0821670406"),
        (0.05, "0.05"),
        (1 / 3, "0.333333333"),
        (-250.0, "−250"),
        (123456.789, "123456.789"),
        (1234567.0, "1.234567e6"),
        (-1.5e-9, "−1.5e−9"),
        (0.0, "0"),
        (-0.0, "0"),
        (float("inf"), "∞"),
        (float("nan"), "NaN"),
    ],
)
def test_how_numbers_are_printed(number: float, text: str) -> None:
    assert str(numeral(number)) == text


@given(st.lists(moderate, max_size=12), moderate)
def test_every_column_adds_up_as_printed(numbers: list[float], total: float) -> None:
    """Read the printed digits as decimals: parts and the line of rounding make the total."""
    made = ledger([("", number) for number in numbers], total)
    printed = [*(part.shown for part in made.parts), made.unshown]
    column = sum((Decimal(f"{p.digits}e{p.exponent}") for p in printed), start=Decimal(0))
    assert column == Decimal(f"{made.shown.digits}e{made.shown.exponent}")
    assert made.adds_up


@given(st.lists(moderate, min_size=1, max_size=8))
def test_the_line_of_rounding_is_small_where_the_parts_are_the_total(numbers: list[float]) -> None:
    exact = float(sum(map(Fraction, numbers)))
    made = ledger([("", number) for number in numbers], exact)
    largest = max(abs(number) for number in [*numbers, exact])
    assert abs(made.unshown.value) <= Fraction(largest) * len(numbers) * Fraction(1, 10**8)


def test_a_column_that_does_not_add_up_is_told() -> None:
    """The total is not that of the parts: the difference stands in the column."""
    made = ledger([("a", 0.5), ("b", 0.25)], 1.0)
    assert str(made.unshown) == "0.25000000"
    assert made.remainder == 0.25
    broken = type(made)(made.parts, made.total, made.shown, Numeral("0"), 0.0)
    assert not broken.adds_up


def test_the_remainder_is_what_floating_point_lost() -> None:
    parts = [0.1] * 10
    made = ledger([("", part) for part in parts], sum(parts))
    assert made.remainder == float(Fraction(sum(parts)) - sum(map(Fraction, parts)))
    assert made.remainder != 0


def test_columns_with_numbers_that_are_not_finite_are_still_shown() -> None:
    made = ledger([("a", float("nan")), ("b", 1.0)], float("inf"))
    assert [str(part.shown) for part in made.parts] == ["NaN", "1"]
    assert str(made.shown) == "∞"


def test_matrices_are_whole_up_to_a_size_and_summarized_beyond() -> None:
    whole = grid(np.arange(MOST_ROWS * MOST_COLUMNS).reshape(MOST_ROWS, MOST_COLUMNS))
    assert whole.summary is None
    assert all(cell is not None for row in whole.cells for cell in row)
    large = np.random.default_rng(0).normal(size=(64, 30))
    shown = grid(large)
    assert shown.shape == (64, 30)
    assert shown.summary is not None
    low, high, norm = shown.summary
    assert (low, high) == (numeral(large.min(), 6), numeral(large.max(), 6))
    assert norm == numeral(np.sqrt((large**2).sum()), 6)
    assert shown.cells[0][0] == numeral(large[0, 0], 6)
    assert shown.cells[-1][-1] == numeral(large[-1, -1], 6)
    assert sum(cell is not None for row in shown.cells for cell in row) == 20


def test_decimal_points_stand_below_each_other() -> None:
    column = aligned(["−1.25", "10.5", "7", "", "0.000001"])
    assert len({len(text) for text in column}) == 1
    points = {text.index(".") for text in column if "." in text}
    assert len(points) == 1
