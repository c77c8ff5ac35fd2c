"""Axes are names: equal sizes never make two axes one, and their places fix every order."""

import pytest

from chainrule.formulas.axes import SAMPLES_POSITION, Axis, in_order, letters

B, I, H, O = Axis("B", SAMPLES_POSITION), Axis("i", 0), Axis("h", 1), Axis("o", 2, "n")


def test_an_axis_is_its_name_and_place():
    assert Axis("h", 1) == H
    assert Axis("h", 2) != H
    assert Axis("g", 1) != H
    assert len({Axis("h", 1), H, Axis("g", 1)}) == 2


def test_the_letter_of_the_length_is_the_name_unless_stated():
    assert (H.size, O.size) == ("h", "n")


def test_only_the_axis_of_samples_is_of_samples():
    assert [axis.is_samples for axis in (B, I, H, O)] == [True, False, False, False]


@pytest.mark.parametrize("given", [(O, B, H, I), (I, O, I, B, H), frozenset({H, O, B, I})])
def test_axes_run_from_the_samples_to_the_outputs_each_once(given):
    assert in_order(given) == (B, I, H, O)


def test_axes_of_one_place_are_ordered_by_name():
    beside = [Axis(letter, 1) for letter in "pfkmcgta"]
    assert [axis.name for axis in in_order(tuple(beside))] == sorted("pfkmcgta")


def test_letters_are_given_from_the_inputs_to_the_outputs():
    assert letters((O, H, B)) == {B: "b", H: "i", O: "j"}
    assert letters((O,)) == {O: "i"}
    assert letters(()) == {}


def test_letters_stay_apart_for_any_number_of_axes():
    many = tuple(Axis(f"h{place}", place) for place in range(30))
    assert len(set(letters((B, *many)).values())) == 31
