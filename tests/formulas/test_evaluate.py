"""The value of an expression: every node against plain NumPy, in real and complex numbers.

The oracle is ``random_expressions.meaning``, which broadcasts over all axes and knows no einsum.
"""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import special

from chainrule.errors import InputError
from chainrule.formulas.evaluate import PRIMITIVES, Evaluation, evaluate
from chainrule.formulas.expressions import (
    Largest,
    Ones,
    Rename,
    Size,
    Symbol,
    power,
    product,
    total,
)
from chainrule.formulas.functions import PRIMITIVES as STATED
from chainrule.formulas.functions import absolute, erf, exp, log, maximum, minimum, tanh, where
from chainrule.network.activations import sigmoid, softmax
from tests.formulas.random_expressions import (
    DISTINCT,
    EQUAL,
    SYMBOLS,
    B,
    H,
    I,
    O,
    as_named,
    evaluation,
    expressions,
    fits,
    meaning,
    nodes,
    numbers_for,
)
from tests.selection import examples

SIZES = st.sampled_from([DISTINCT, EQUAL])
SEEDS = st.integers(0, 2**32 - 1)


@given(expressions(depth=4), SIZES, SEEDS)
@examples(150)
def test_every_node_means_what_broadcasting_by_name_means(tree, sizes, seed):
    values = numbers_for(sizes, seed)
    for node in nodes(tree):
        with np.errstate(over="ignore", invalid="ignore"):
            expected = meaning(node, values, sizes)
        assume(fits(expected, 1e6))
        found = evaluation(sizes, seed)(node)
        expected = as_named(np.broadcast_to(expected, np.shape(expected)), node.axes)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@given(expressions(depth=3, kinked=False), SEEDS)
@examples(100)
def test_both_forms_of_a_function_have_one_value(tree, seed):
    printed = evaluation(DISTINCT, seed, form="value")(tree)
    assume(fits(printed))
    np.testing.assert_allclose(evaluation(DISTINCT, seed)(tree), printed, rtol=1e-9, atol=1e-9)


def test_a_sum_over_axes_is_einsum():
    rng = np.random.default_rng(0)
    X, W, V = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=(5, 4))
    p, w, k = (Symbol(name, axes) for name, axes in [("p", (B, I)), ("w", (I, H)), ("k", (O, H))])
    values = {"p": X, "w": W, "k": V}
    np.testing.assert_allclose(
        evaluate(product(p, w, k, over=[I, H]), values), np.einsum("bi,ih,oh->bo", X, W, V)
    )
    np.testing.assert_allclose(
        evaluate(product(p, w, k, over=[B, O]), values), np.einsum("bi,ih,oh->ih", X, W, V)
    )


def test_the_result_has_the_axes_of_the_expression_in_order():
    tree = Symbol("v", (O,)) * Symbol("x", (I,)) * Symbol("c", (B,))
    value = evaluation(DISTINCT, 0)(tree)
    assert tree.axes == (B, I, O)
    assert value.shape == (2, 3, 5)


def test_sizes_and_ones_follow_the_arrays():
    x = Symbol("x", (I,))
    values = {"x": np.array([1.0, 2.0, 4.0])}
    assert evaluate(total(x, I) / Size(I), values) == pytest.approx(7 / 3)
    assert evaluate(total(x, I) * Ones((I,)), values).tolist() == [7.0, 7.0, 7.0]


def test_the_largest_entry_and_a_renamed_axis():
    p = Symbol("p", (B, I))
    array = np.array([[1.0, 5.0, 2.0], [-1.0, -3.0, -2.0]])
    assert evaluate(Largest(p, I), {"p": array}).tolist() == [5.0, -1.0]
    assert evaluate(Largest(p, B), {"p": array}).tolist() == [1.0, 5.0, 2.0]
    squared = product(p, Rename(p, B, H), over=[I])
    np.testing.assert_allclose(evaluate(squared, {"p": array}), array @ array.T)


def test_every_stated_primitive_has_a_meaning():
    assert PRIMITIVES.keys() == STATED.keys()


ORACLES = {
    "exp": np.exp,
    "log": np.log,
    "expm1": np.expm1,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "erf": special.erf,
    "abs": np.abs,
    "sign": np.sign,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "greater": np.greater,
    "equal": np.equal,
    "sin": np.sin,
    "cos": np.cos,
    "where": np.where,
}


@pytest.mark.parametrize("name", STATED)
def test_a_primitive_means_its_namesake(name):
    rng = np.random.default_rng(1)
    primitive = STATED[name]
    arrays = [rng.uniform(0.1, 2.0, 50) for _ in range(primitive.arity)]
    if name in ("abs", "sign", "tanh", "erf"):
        arrays[0] -= 1.0
        arrays[0][0] = 0.0
    if name in ("maximum", "minimum", "greater", "equal"):
        arrays[1][0] = arrays[0][0]  # a tie
    if name == "where":
        arrays[0] = (arrays[0] > 1).astype(float)
    x = [Symbol(letter, (I,)) for letter in "xyz"[: primitive.arity]]
    found = evaluate(primitive(*x), dict(zip("xyz", arrays, strict=False)))
    oracle = arrays if name != "where" else [arrays[0] == 1, *arrays[1:]]
    np.testing.assert_allclose(found, ORACLES[name](*oracle), rtol=1e-15)


def test_complex_numbers_take_the_branch_of_their_real_part():
    x, y = Symbol("x"), Symbol("y")
    small = 1e-20j
    for value in (-0.7, 0.7):
        at = {"x": np.array(value + small), "y": np.array(0.1 + 0j)}
        assert evaluate(absolute(x), at).imag == pytest.approx(np.sign(value) * 1e-20)
        assert evaluate(maximum(x, y), at) == (value + small if value > 0.1 else 0.1)
        assert evaluate(minimum(x, y), at) == (value + small if value < 0.1 else 0.1)
        assert evaluate(where(x, y, 2), at) == 0.1
        slope = 2 / np.sqrt(np.pi) * np.exp(-(value**2))
        assert evaluate(erf(x), at).imag == pytest.approx(slope * 1e-20)


def test_the_largest_of_complex_numbers_is_chosen_by_real_part():
    x = Symbol("x", (I,))
    value = evaluate(Largest(x, I), {"x": np.array([1 + 9j, 2 + 0j, -3 + 1j])})
    assert value == 2 + 0j


@given(expressions(depth=3, kinked=False), SEEDS)
@examples(100)
def test_complex_arithmetic_extends_the_real_one(tree, seed):
    values = numbers_for(DISTINCT, seed)
    real = evaluation(DISTINCT, seed, form="value")(tree)
    assume(fits(real))
    lifted = {name: np.asarray(array) + 0j for name, array in values.items()}
    both = Evaluation(lifted, form="value", dtype=complex).measure(SYMBOLS)
    np.testing.assert_allclose(both(tree), real, rtol=1e-9, atol=1e-9)


def test_the_computed_form_is_finite_where_the_printed_one_is_not():
    z = Symbol("z", (I,))
    far = {"z": np.array([-800.0, 0.0, 800.0])}
    assert evaluate(sigmoid(z), far).tolist() == [0.0, 0.5, 1.0]
    printed = evaluate(softmax(z), far, form="value")
    assert np.isnan(printed[2])
    assert evaluate(softmax(z), far).tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("exponent", ["1/2", "-1/2", "3/2", "-3/2", "2", "-1", "-3", "0"])
def test_powers_of_any_rational_exponent(exponent):
    x = Symbol("x", (I,))
    points = np.array([0.25, 1.0, 7.0])
    found = evaluate(power(x, Fraction(exponent)), {"x": points})
    np.testing.assert_allclose(found, points ** float(Fraction(exponent)), rtol=1e-15)
    if "/" not in exponent:
        found = evaluate(power(x, Fraction(exponent)), {"x": -points})
        np.testing.assert_allclose(found, (-points) ** int(exponent), rtol=1e-15)


def test_what_is_no_number_stays_none():
    x, y = Symbol("x"), Symbol("y")
    for at in ({"x": np.nan, "y": 1.0}, {"x": 1.0, "y": np.nan}):
        assert np.isnan(evaluate(maximum(x, y), at))
        assert np.isnan(evaluate(minimum(x, y), at))


def test_softmax_runs_along_the_last_axis():
    q = Symbol("q", (B, H))
    array = np.random.default_rng(2).normal(size=(2, 4))
    np.testing.assert_allclose(evaluate(softmax(q), {"q": array}), special.softmax(array, axis=1))


def test_single_precision_stays_single():
    values = {name: np.float32(array) for name, array in numbers_for(DISTINCT, 3).items()}
    single = Evaluation(values, dtype=np.float32).measure(SYMBOLS)
    x, w = Symbol("x", (I,)), Symbol("w", (I, H))
    for tree in (product(x, w, over=[I]) / Size(I) + 0.5, tanh(exp(w) + 1), sigmoid(w)):
        assert single(tree).dtype == np.float32


def test_equal_parts_are_evaluated_once(monkeypatch):
    calls = []
    monkeypatch.setitem(PRIMITIVES, "exp", lambda x: calls.append(x) or np.exp(x))
    x = Symbol("x", (I,))
    evaluate(exp(x) * 2 + exp(x), {"x": np.ones(3)})
    assert len(calls) == 1


def test_what_is_missing_or_contradicts_is_named():
    x, w = Symbol("x", (I,)), Symbol("w", (I, H))
    with pytest.raises(InputError, match=r"^symbol 'w' has no value"):
        evaluate(x * w, {"x": np.ones(3)})
    with pytest.raises(InputError, match=r"^w: axis i has length 4 here and 3 elsewhere"):
        Evaluation({"x": np.ones(3), "w": np.ones((4, 2))}).measure([x, w])
    with pytest.raises(InputError, match=r"^`w` must have the axes \(i, h\), got shape \(4,\)"):
        evaluate(w, {"w": np.ones(4)})
    with pytest.raises(InputError, match=r"^axis o: its length is unknown"):
        evaluate(x * Size(O), {"x": np.ones(3)})


def test_the_logarithm_of_zero_warns_nobody():
    assert evaluate(log(Symbol("x")), {"x": np.array(0.0)}) == -np.inf
