"""Rewrites: before and after are equal at random numbers, and reach what textbooks print."""

import numpy as np
import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from chainrule.formulas.differentiate import derivative
from chainrule.formulas.evaluate import Evaluation, evaluate
from chainrule.formulas.expressions import (
    ONE,
    ZERO,
    Add,
    Expression,
    Largest,
    Rename,
    Size,
    Symbol,
    mean,
    product,
    square_root,
    substitute,
    total,
)
from chainrule.formulas.functions import absolute, exp, log, tanh
from chainrule.formulas.simplify import (
    assume as assume_facts,
)
from chainrule.formulas.simplify import (
    cancel,
    denominators,
    factored,
    in_output,
    length,
    numerators,
    safe_logarithms,
)
from chainrule.network.activations import CATALOGUE, exponential, sigmoid, softmax, softplus
from tests.formulas.random_expressions import (
    DISTINCT,
    EQUAL,
    SYMBOLS,
    TWIN,
    B,
    H,
    I,
    O,
    evaluation,
    expressions,
    fits,
    nodes,
    numbers_for,
)
from tests.selection import examples

SIZES = st.sampled_from([DISTINCT, EQUAL])
SEEDS = st.integers(0, 2**32 - 1)

a, y, z = Symbol("a"), Symbol("y"), Symbol("z")


def agree(before: Expression, after: Expression, sizes=DISTINCT, seed=0) -> None:
    """Check that both have one value; a rewrite may drop an axis along which all is equal."""
    at = evaluation(sizes, seed)
    if not all(fits(at(node)) for node in nodes(before)):
        reject()
    assert set(after.axes) <= set(before.axes)
    scale = max(1.0, *(float(np.max(np.abs(at(node)))) for node in nodes(before)))
    found = evaluation(sizes, seed).spread(after, before.axes)
    np.testing.assert_allclose(found, at(before), rtol=1e-8, atol=1e-10 * scale**2)


@given(expressions(depth=4), SIZES, SEEDS)
@examples(100)
def test_cancelling_changes_no_value(tree, sizes, seed):
    agree(tree, cancel(tree), sizes, seed)


@given(expressions(depth=3), SIZES, SEEDS, st.data())
@examples(100)
def test_cancelling_changes_no_value_whatever_is_kept(tree, sizes, seed, data):
    sums = [node for node in nodes(tree) if isinstance(node, Add)]
    kept = data.draw(st.lists(st.sampled_from(sums), unique=True)) if sums else []
    agree(tree, cancel(tree, kept), sizes, seed)


@given(expressions(depth=2), expressions(depth=2), SEEDS)
@examples(100)
def test_cancelling_a_quotient_changes_no_value(first, second, seed):
    below = 1 + second**2
    agree(first / below * below, cancel(first / below * below), DISTINCT, seed)
    agree((first + second) / below, cancel((first + second) / below), DISTINCT, seed)
    agree(below / below + first / below, cancel(below / below + first / below), DISTINCT, seed)


@given(expressions(depth=3))
@examples(100)
def test_what_is_subtracted_from_itself_is_gone(tree):
    assert cancel(tree - tree) == ZERO


@given(st.lists(expressions(depth=2), min_size=1, max_size=3), SIZES, SEEDS, st.data())
@examples(100)
def test_putting_constants_in_front_changes_no_value(terms, sizes, seed, data):
    fronts = st.lists(st.sampled_from([Size(O), 1 / Size(O), Size(B), 1 / Size(B)]), max_size=3)
    tree = sum((product(*data.draw(fronts), term) for term in terms), ZERO)
    agree(tree, factored(tree), sizes, seed)


def test_constants_in_front_are_those_that_every_term_has_as_often():
    n, s, u = Size(O), Symbol("s"), Symbol("u")
    assert factored(n * s + n * u) == n * (s + u)
    assert factored(s + n * u) == s + n * u
    assert factored(n * n * s + n * u) == n * (n * s + u)


@given(SEEDS)
@examples(20)
def test_facts_replace_what_they_say(seed):
    r, v = Symbol("r", (B, O)), Symbol("v", (O,))
    tree = v * total(r, O) - r
    rewritten = assume_facts(tree, {total(r, O): ONE})
    assert rewritten == v - r
    shares = np.random.default_rng(seed).dirichlet(np.ones(5), 2)
    values = {"r": shares, "v": np.random.default_rng(seed).normal(size=5)}
    np.testing.assert_allclose(evaluate(rewritten, values), evaluate(tree, values))


def test_without_a_fact_nothing_happens():
    tree = (a + 1) * (a - 1)
    assert assume_facts(tree, {total(Symbol("r", (B, O)), O): ONE}) is tree


# -- what textbooks print ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((-y / a + (1 - y) / (1 - a)) * a * (1 - a), "a − y"),
        (a * (1 - a) - a * (1 - a), "0"),
        (a**2 / a, "a"),
        (a * y / (a * y), "1"),
        ((a + y) ** 2 - (a - y) ** 2, "4a y"),
        ((a + y) / (a + y) ** 2, "1/(a + y)"),
        (exp(z) / (exp(z) + exp(-z)) + exp(-z) / (exp(z) + exp(-z)), "1"),
        (square_root(a) * square_root(a), "a"),
        (a - y + y, "a"),
    ],
)
def test_cancelling_reaches_the_textbook(before, after):
    assert str(cancel(before)) == after


def test_what_does_not_depend_on_the_index_leaves_its_sum():
    s, x = Symbol("s"), Symbol("x", (I,))
    assert cancel(product(s, x, over=[I])) == product(s, total(x, I))
    assert cancel(total(x / x, I)) == Size(I)


def test_sigmoids_derivative_by_the_route_of_the_source_page():
    value = sigmoid.value
    slope = derivative(value, z)
    assert str(slope) == "e^(−z)/(1 + e^(−z))²"
    written = in_output(slope, value, z, a)
    assert str(written) == "a²(1/a − 1)"
    assert str(cancel(written)) == "a(1 − a)"


def test_tanhs_derivative_in_its_output():
    value = CATALOGUE["tanh"].value
    derived = derivative(value, z)
    # What the quotient consists of is kept whole, so that it is found again as a.
    kept = denominators(derived) | numerators(value)
    written = in_output(cancel(derived, kept), value, z, a)
    assert cancel(written) == 1 - a**2


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "exponential", "identity"])
def test_a_derivative_in_the_output_is_equal_where_the_output_is(name):
    entry = CATALOGUE[name]
    slope = derivative(entry.value, z)
    rewritten = in_output(slope, entry.value, z, a)
    points = np.linspace(-3, 3, 13)
    line = Symbol("line", (I,))
    at = {"z": points, "a": evaluate(entry(line), {"line": points})}
    lifted = {Symbol("z"): Symbol("z", (I,)), Symbol("a"): Symbol("a", (I,))}
    sizes = Evaluation(at).measure(lifted.values())
    before, after = (
        sizes.spread(substitute(tree, dict(lifted)), (I,)) for tree in (slope, rewritten)
    )
    np.testing.assert_allclose(after, before, rtol=1e-12)


def test_where_the_input_cannot_be_solved_for_the_derivative_keeps_it():
    value = z * exp(z)
    slope = derivative(value, z)
    assert in_output(slope, value, z, a) != a
    at = {"z": np.array(0.7), "a": 0.7 * np.exp(0.7)}
    rewritten = in_output(slope, value, z, a)
    assert evaluate(rewritten, at) == pytest.approx(float(evaluate(slope, at)))


@given(expressions(depth=3, kinked=False), SEEDS)
@examples(100)
def test_lengths_do_not_count_numbers_and_brackets(tree, seed):
    assert length(2 * tree) == length(tree) == length(-tree)
    assert length(tree + tree) == 2 * length(tree) or isinstance(tree, Add) or not length(tree)


# -- logarithms ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sigmoid", "softmax", "exponential"])
def test_logarithms_of_outputs_take_their_safe_form(name):
    q, A, Y = Symbol("q", (B, H)), Symbol("A", (B, H)), Symbol("Y", (B, H))
    entry = CATALOGUE[name]
    tree = -total(Y * log(A), B, H)
    rewritten = safe_logarithms(tree, {A: entry(q)})
    assert rewritten != tree
    assert A not in {node for node in nodes(rewritten) if isinstance(node, Symbol)}
    rng = np.random.default_rng(4)
    values = {"q": rng.normal(size=(3, 4)), "Y": rng.uniform(size=(3, 4))}
    values["A"] = evaluate(entry(q), values)
    np.testing.assert_allclose(evaluate(rewritten, values), evaluate(tree, values), rtol=1e-12)
    far = {"q": 400 * values["q"], "Y": values["Y"]}
    assert np.isfinite(evaluate(rewritten, far))


def test_the_logarithm_of_the_complement_too():
    q, A = Symbol("q", (B, H)), Symbol("A", (B, H))
    rewritten = safe_logarithms(log(1 - A), {A: sigmoid(q)})
    points = np.array([[-800.0, -3.0, 0.5, 30.0, 800.0]])
    found = evaluate(rewritten, {"q": points})
    np.testing.assert_allclose(found, -np.logaddexp(0, points), rtol=1e-14)


@pytest.mark.parametrize(
    ("tree", "source"),
    [
        (log(Symbol("A", (B, H))), softplus(Symbol("q", (B, H)))),  # states no safe form
        (log(2 * Symbol("A", (B, H))), sigmoid(Symbol("q", (B, H)))),  # another logarithm
        (log(1 - Symbol("A", (B, H))), exponential(Symbol("q", (B, H)))),
        (log(Symbol("A", (B, H))), tanh(Symbol("q", (B, H)))),
        (exp(Symbol("A", (B, H))), sigmoid(Symbol("q", (B, H)))),
    ],
)
def test_without_a_stated_form_logarithms_stay(tree, source):
    assert safe_logarithms(tree, {Symbol("A", (B, H)): source}) is tree


@given(expressions(depth=2), SEEDS, st.sampled_from(["sigmoid", "softmax", "exponential"]))
@examples(60)
def test_safe_logarithms_inside_anything_change_no_value(tree, seed, name):
    q, A = Symbol("q", (B, H)), Symbol("A", (B, H))
    before = tree * log(A) + log(1 + absolute(tree)) + mean(log(A), B)
    after = safe_logarithms(before, {A: CATALOGUE[name](q)})
    values = numbers_for(DISTINCT, seed)
    values["A"] = evaluate(CATALOGUE[name](q), values)
    at = Evaluation(values).measure([*SYMBOLS, A])
    assume(fits(at(before)))
    np.testing.assert_allclose(at(after), at(before), rtol=1e-9, atol=1e-9)


# -- axes that cancel ----------------------------------------------------------------------------


x, q = Symbol("x", (I,)), Symbol("q", (B, H))


@pytest.mark.parametrize(
    "tree",
    [
        softmax(q - q),
        Largest(q / q, H),
        Rename(x / x, I, TWIN),
        total(Rename(x / x, I, TWIN), TWIN),
        total(softmax(q / q), H),
    ],
)
def test_a_part_that_becomes_constant_keeps_its_meaning(tree):
    agree(tree, cancel(tree))


def test_a_divisor_that_cancels_is_an_infinite_quotient_not_a_crash():
    s = Symbol("s")
    assert np.isinf(evaluate(cancel(1 / (s - s)), {"s": np.array(2.0)}))
