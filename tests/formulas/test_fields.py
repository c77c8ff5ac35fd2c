"""Residues: the laws of a field, exact derivatives, and what is a fresh symbol."""

from fractions import Fraction

import numpy as np
import pytest

from chainrule.formulas.axes import Axis
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Symbol, mean, power, product, square_root, total
from chainrule.formulas.fields import PRIME, NoSuchNumber, PrimeField, Residue, plain, residues
from chainrule.formulas.functions import Function, a, exp, greater, log, maximum, z


def at(values, *, opened=False, seed=0):
    return Evaluation(values, form="value", dtype=object, numbers=PrimeField(seed, opened=opened))


def test_the_modulus_is_the_mersenne_prime():
    assert PRIME == 2**31 - 1
    rest = 4  # the test of Lucas and Lehmer
    for _ in range(29):
        rest = (rest * rest - 2) % PRIME
    assert rest == 0


@pytest.mark.parametrize("x", [1, 2, 3, 17, PRIME - 1, 123456789])
def test_arithmetic_is_that_of_integers_modulo_the_prime(x):
    y = 987654321
    assert (Residue(x) + y).value == (x + y) % PRIME
    assert (x - Residue(y)).value == (x - y) % PRIME
    assert (Residue(x) * y).value == x * y % PRIME
    assert (x / Residue(y)).value * y % PRIME == x
    assert (Residue(x) ** 5).value == x**5 % PRIME
    assert (Residue(x) ** -3 * Residue(x) ** 3) == 1


def test_division_by_zero_says_that_there_is_no_such_number():
    with pytest.raises(NoSuchNumber):
        1 / Residue(0)
    with pytest.raises(NoSuchNumber):
        Residue(0) ** -2


def test_a_float_is_refused_for_it_is_not_exact():
    with pytest.raises(TypeError, match="float is no exact number"):
        Residue(1) + 0.5


def test_derivatives_are_those_of_the_quotient_rule():
    x, y = Fraction(12), Fraction(345)
    top, bottom = x**3 * y - 2 / x, x + y
    by_x = (3 * x**2 * y + 2 / x**2) / bottom**2 - 2 * top / bottom**3
    by_y = x**3 / bottom**2 - 2 * top / bottom**3
    first = Residue(12, np.array([1, 0]))
    second = Residue(345, np.array([0, 1]))
    found = (first**3 * second - 2 / first) / (first + second) ** 2
    for place, slope in enumerate((by_x, by_y)):
        expected = slope.numerator * pow(slope.denominator, -1, PRIME) % PRIME
        assert found.slopes[place] == expected


def test_expressions_are_evaluated_by_the_same_walk():
    i, h = Axis("i", 0), Axis("h", 1)
    x, W = Symbol("x", (i,)), Symbol("W", (i, h))
    numbers = {"x": [3, 4], "W": [[1, 2, 3], [4, 5, 6]]}
    tree = mean(product(x, W, over=[i]) * Fraction(1, 7), h)
    exact = at({name: residues(value) for name, value in numbers.items()}).measure([x, W])
    expected = Fraction(sum([19, 26, 33]), 21)
    assert exact(tree)[()] == Residue(expected.numerator) / expected.denominator
    assert Evaluation(numbers).measure([x, W])(tree) == pytest.approx(float(expected))


def test_a_square_root_is_multiplicative():
    field = at({"u": residues(5), "v": residues(7)})
    u, v = Symbol("u"), Symbol("v")
    assert field(square_root(u * v))[()] == field(square_root(u) * square_root(v))[()]
    assert field(power(square_root(u), 4))[()] == 25


# -- functions -----------------------------------------------------------------------------------


def test_a_function_is_the_same_for_the_same_argument_only():
    known = at({"z": residues([5, 6, 5])})
    units = Axis("k", 0)
    argument = Symbol("z", (units,))
    first, second, third = known(log(argument))
    assert first == third
    assert first != second
    assert known(log(argument + 1))[0] == second
    assert known(exp(argument))[0] != first


def test_exponentials_of_opposite_numbers_cancel():
    known = at({"z": residues(5)})
    assert known(exp(z) * exp(-z))[()] == 1
    assert known(exp(z * 0))[()] == 1


def test_named_functions_are_closed_unless_opened():
    square = Function("square", value=z * z, computed=z * z, slope=2 * z)
    closed, opened = at({"z": residues(5)}), at({"z": residues(5)}, opened=True)
    assert closed(square(z))[()] != 25
    assert opened(square(z))[()] == 25


def test_a_closed_function_has_the_slope_that_it_states():
    half = Function("half", value=z, computed=z, slope=a * (1 - a))
    moving = at({"z": np.array(Residue(5, np.array([3])), dtype=object)})
    value = moving(half(z))[()]
    assert value.slopes[0] == (3 * value * (1 - value)).value


def test_primitives_have_their_partial_derivatives():
    moving = at({"z": np.array(Residue(5, np.array([1])), dtype=object)})
    value = moving(log(z))[()]
    assert value.slopes[0] == (1 / Residue(5)).value
    steps = at({"z": np.array(Residue(5, np.array([1])), dtype=object)})
    slope = steps(maximum(z, 0))[()].slopes[0]
    assert slope == steps(greater(z, 0))[()].value


def test_slopes_can_be_taken_off():
    values = residues([[1, 2], [3, 4]]) * Residue(2, np.array([1]))
    assert all(entry.slopes is None for entry in plain(values).flat)
    assert np.all(plain(values) == residues([[2, 4], [6, 8]]))


def test_the_largest_of_residues_is_not_defined():
    with pytest.raises(NoSuchNumber):
        PrimeField(0).largest(residues([1, 2]), 0)


def test_a_sum_over_an_axis():
    units = Axis("k", 0)
    argument = Symbol("z", (units,))
    assert at({"z": residues([1, 2, 4])}).measure([argument])(total(argument, units))[()] == 7
