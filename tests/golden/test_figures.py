"""The tolerance of the golden tests: one unit of the last printed digit, no more."""

import math

import pytest

from tests.golden.figures import agrees, check


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
