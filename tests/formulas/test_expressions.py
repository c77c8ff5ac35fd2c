"""The builders: what they flatten, fold and refuse, and that they never change a value."""

import pickle
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.errors import InputError, InputTypeError
from chainrule.formulas.axes import Axis
from chainrule.formulas.evaluate import evaluate
from chainrule.formulas.expressions import (
    ONE,
    ZERO,
    Add,
    Number,
    Ones,
    Power,
    Product,
    Rename,
    Size,
    Symbol,
    add,
    children,
    expression,
    mean,
    negative,
    power,
    product,
    rebuild,
    square_root,
    substitute,
    symbols,
    total,
    with_axes,
)
from chainrule.formulas.functions import UNITS, exp, maximum
from chainrule.network.activations import softmax
from tests.formulas.random_expressions import (
    DISTINCT,
    TWIN,
    B,
    H,
    I,
    O,
    evaluation,
    expressions,
    fits,
    nodes,
)
from tests.selection import examples

s, u = Symbol("s"), Symbol("u")
x, y, v = Symbol("x", (I,)), Symbol("y", (H,)), Symbol("v", (O,))
w = Symbol("w", (I, H))


def test_sums_are_flattened_and_numbers_added_up_where_the_first_stood():
    assert add(s, add(u, 2), 3) == Add((s, u, Number(Fraction(5))))
    assert add(1, s, add(u, 2)) == Add((Number(Fraction(3)), s, u))
    assert s + 2 - 2 == s
    assert add() == add(1, -1) == ZERO
    assert s - s == Add((s, product(-1, s)))  # collecting is a rewrite, not a builder's business


def test_products_are_flattened_and_numbers_multiplied_in_front():
    assert 2 * (s * 3) * u == Product((Number(Fraction(6)), s, u))
    assert s * 0 == ZERO
    assert s * 2 / 2 == s
    assert product() == ONE


def test_named_numbers_are_kept_apart():
    pi = Number(Fraction("3.14"), "π")
    assert pi * 2 == Product((Number(Fraction(2)), pi))
    assert pi + 2 == Add((pi, Number(Fraction(2))))
    assert power(pi, 2) == Power(pi, Number(Fraction(2)))


def test_a_sum_over_axes_stays_closed():
    inner = total(x * s, I)
    assert inner == Product((x, s), (I,))
    assert inner * s == Product((inner, s))
    assert (inner * x).axes == (I,)
    assert product(x, inner, over=[I]) == Product((x, inner), (I,))


def test_summed_axes_are_gone_and_the_others_in_order():
    assert product(v, w, x, over=[I]).axes == (H, O)
    assert product(x, w, over=[H, I]) == product(x, w, over=[I, H])


def test_an_axis_that_nobody_carries_contributes_its_length():
    assert total(s, H) == Product((s, Size(H)))
    assert product(x, over=[I, H]) == Product((x, Size(H)), (I,))


def test_ones_vanish_beside_what_carries_their_axes():
    assert product(x, Ones((I,))) == x
    assert product(s, Ones((I,))) == Product((s, Ones((I,))))
    assert product(s, Ones((I,))).axes == (I,)
    assert product(x, Ones((I, H))).axes == (I, H)
    total_of_ones = evaluate(total(Ones((I,)), I) * mean(x, I), {"x": np.ones(3)})
    assert total_of_ones == 3


def test_powers_fold():
    assert power(s, 1) == s
    assert power(2, 3) == Number(Fraction(8))
    assert power(2, -1) == Number(Fraction(1, 2))
    assert power(power(s, 2), 3) == Power(s, Number(Fraction(6)))
    assert power(power(s, -1), -1) == s


def test_roots_of_squares_do_not_fold():
    # √(s²) is |s|, and (√s)² is defined for s ≥ 0 only.
    assert square_root(s**2) == Power(Power(s, Number(Fraction(2))), Number(Fraction(1, 2)))
    assert evaluate(square_root(s**2), {"s": np.array(-3.0)}) == 3.0
    assert square_root(2) == Power(Number(Fraction(2)), Number(Fraction(1, 2)))


def test_the_sign_goes_to_the_terms_of_a_plain_sum_only():
    assert negative(1 + s) == Add((Number(Fraction(-1)), product(-1, s)))
    assert negative(1 + exp(s)) == Product((Number(Fraction(-1)), 1 + exp(s)))


def test_decimals_are_taken_as_written():
    assert expression(0.1) == Number(Fraction(1, 10))
    assert expression(1e-8) == Number(Fraction(1, 10**8))
    assert expression(Fraction(2, 3)) == Number(Fraction(2, 3))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "x", None, [1.0]])
def test_what_is_no_number_is_refused_in_one_line(value):
    with pytest.raises(InputTypeError) as caught:
        s + value
    assert repr(value) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_primitive_counts_its_arguments():
    with pytest.raises(InputError, match="maximum takes 2 arguments, got 1"):
        maximum(s)


def test_the_mean_is_the_sum_over_the_length():
    value = evaluate(mean(w, I, H), {"w": np.arange(6.0).reshape(2, 3)})
    assert value == pytest.approx(2.5)


def test_substitution_reaches_everything_at_once():
    assert substitute(s * (1 - s), {s: u}) == u * (1 - u)
    # Both at once: s and u change places.
    assert substitute(s - 2 * u, {s: u, u: s}) == u - 2 * s
    # The larger of two keys wins.
    assert substitute(exp(s) + s, {exp(s): u, s: ONE}) == u + 1


def test_substitution_inside_a_sum_over_axes():
    tree = product(x, w, over=[I])
    doubled = substitute(tree, {x: 2 * x})
    values = {"x": np.array([1.0, 2.0]), "w": np.arange(6.0).reshape(2, 3)}
    np.testing.assert_allclose(evaluate(doubled, values), 2 * evaluate(tree, values))
    # A constant in the place of the only carrier: the sum becomes a length.
    constant = substitute(total(x, I), {x: s})
    assert evaluate(constant * mean(x, I), {**values, "s": 5.0}) == 15.0


def test_axes_are_exchanged_inside_sums_symbols_and_lengths():
    units = Axis("k", 0)
    z = Symbol("z", (units,))
    tree = exp(z) / total(exp(z), units) * Size(units)
    moved = with_axes(tree, {units: O})
    z_o = Symbol("z", (O,))
    assert moved == exp(z_o) / total(exp(z_o), O) * Size(O)
    assert with_axes(softmax.computed, {UNITS: H}).axes == (H,)


def test_axes_are_exchanged_in_what_is_renamed():
    moved = with_axes(Rename(w, I, TWIN), {H: O, I: B})
    assert moved == Rename(Symbol("w", (B, O)), B, TWIN)
    assert with_axes(Rename(x, I, TWIN), {TWIN: O}) == Rename(x, I, O)


def test_symbols_are_found_once():
    tree = exp(s * u) + s
    assert symbols(tree) == {s, u}


@given(expressions(depth=3), st.integers(0, 2**32 - 1))
@examples(100)
def test_rebuilding_changes_no_value(tree, seed):
    at = evaluation(DISTINCT, seed)
    for node in nodes(tree):
        before = at(node)
        assume(fits(before))
        after = rebuild(node, children(node))
        spread = evaluation(DISTINCT, seed).spread(after, node.axes)
        np.testing.assert_allclose(spread, before, rtol=1e-9, atol=1e-9)


@given(expressions(depth=3), st.integers(0, 2**32 - 1))
@examples(100)
def test_naming_a_part_and_putting_it_back_is_the_same(tree, seed):
    for part in nodes(tree):
        name = Symbol("☆", part.axes)
        assert substitute(substitute(tree, {part: name}), {name: part}) == tree


@given(expressions(depth=3))
@examples(100)
def test_equal_expressions_have_equal_hashes(tree):
    parts = children(tree)
    again = type(tree)(*(getattr(tree, name) for name in tree.__dataclass_fields__))
    assert again == tree
    assert hash(again) == hash(tree)
    assert all(part in {again: 1, **dict.fromkeys(parts)} for part in parts)


def test_a_pickled_expression_is_found_again_by_another_process():
    # Hashes of text differ from process to process: none may travel with an expression.
    tree = exp(s) * Symbol("x", (I,))
    assert hash(tree) == hash(tree)  # it is computed (and kept) here
    program = (
        "import pickle, sys\n"
        "from chainrule.formulas.axes import Axis\n"
        "from chainrule.formulas.expressions import Symbol\n"
        "from chainrule.formulas.functions import exp\n"
        "tree = exp(Symbol('s')) * Symbol('x', (Axis('i', 0, 'n_i'),))\n"
        "came = pickle.loads(sys.stdin.buffer.read())\n"
        "assert came == tree\n"
        "assert came in {tree}, 'equal, but not found'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(tree), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
