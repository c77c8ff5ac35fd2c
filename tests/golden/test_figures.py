"""The tolerance of the golden tests: one unit of the last printed digit, no more."""

import math

import pytest

from examples.published.figures import Chance, Erratum, Figure, agrees
from tests.golden.figures import check


@pytest.mark.parametrize("found", [0.29837110876, 0.2983711080001, 0.2983711099999])
def test_within_one_unit_agrees(found: float) -> None:
    assert agrees(found, ".298371109")


@pytest.mark.parametrize("found", [0.2983711079, 0.2983711101, -0.298371109, math.nan, math.inf])
def test_beyond_one_unit_does_not(found: float) -> None:
    assert not agrees(found, ".298371109")


def test_trailing_zeros_count_and_whole_figures_are_exact() -> None:
    assert agrees(0.5113, ".511")
    assert not agrees(0.5113, ".51100")
    assert agrees(0.0, "0")
    assert not agrees(1e-12, "0")


def test_check_names_what_was_found_and_refuses_a_missing_figure() -> None:
    check([[0.25, -0.5]], ".25 -.5")
    with pytest.raises(AssertionError, match=r"^0\.75 was found where \.25 is published"):
        check([0.75, -0.5], ".25 -.5")
    with pytest.raises(AssertionError, match="2 numbers came for 1 figures"):
        check([0.25, 0.25], ".25")


def test_a_figure_says_how_far_off_in_units_of_its_last_digit() -> None:
    assert Figure("E", ".2984", 0.29837).holds
    assert Figure("E", ".2984", 0.29837).difference == "−0.30"
    assert Figure("E", ".2984", 0.25).difference == "−484"
    assert not Figure("E", ".2984", 0.25).holds


def test_an_erratum_holds_where_it_is_missed_and_not_where_nothing_was_found() -> None:
    assert Erratum("E", ".291027924", 0.291027773694).holds
    assert not Erratum("E", ".291027924", 0.2910279239).holds
    assert not Erratum("E", ".291027924", math.nan).holds


def test_a_chance_figure_allows_its_spread() -> None:
    assert Chance("%", "95.42", 95.1, spread=0.5).holds
    assert not Chance("%", "95.42", 94.9, spread=0.5).holds
    assert not Chance("%", "95.42", math.nan, spread=0.5).holds
