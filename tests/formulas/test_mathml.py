"""MathML: only elements that browsers know, and read back it is the same expression."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.formulas.arrange import arrange
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Largest, Number, Symbol, symbols
from chainrule.formulas.functions import UNITS, a, g_k, z, z_k
from chainrule.formulas.render import mathml
from chainrule.network.activations import CATALOGUE
from chainrule.network.losses import CATALOGUE as LOSSES
from tests.formulas.random_expressions import (
    AXES,
    DISTINCT,
    SYMBOLS,
    evaluation,
    expressions,
    fits,
    nodes,
)
from tests.formulas.read_mathml import MathMLReader, check_elements
from tests.selection import examples

SIZES = {axis.size: axis for axis in AXES}
FUNCTIONS = {name: CATALOGUE[name] for name in ("sigmoid", "softplus", "silu", "softmax")}


def read(tree, known, sizes):
    named = {node.name: node for node in nodes(tree) if isinstance(node, Number) and node.name}
    return MathMLReader(mathml(tree), known, sizes, FUNCTIONS, named).read()


def assert_same(found, expected) -> None:
    """Assert that two formulas are one tree, or the same wherever random numbers are put in."""
    if found == expected or str(found) == str(expected):
        return
    generator = np.random.default_rng(1)
    for _ in range(20):
        values = {s.name: generator.uniform(0.1, 0.9, [3] * len(s.axes)) for s in symbols(expected)}
        both = [
            Evaluation(values).measure(symbols(expected)).aligned(tree, expected.axes)
            for tree in (found, expected)
        ]
        np.testing.assert_allclose(both[0], both[1], rtol=1e-12, err_msg=f"{found} | {expected}")


def formulas_of(entry):
    given = (entry.value, entry.computed, entry.slope, entry.pullback)
    return [tree for tree in (*given, entry.logarithm, entry.log_complement) if tree is not None]


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_activation_read_back_is_the_same_formula(name):
    sizes = {"n": UNITS}
    for tree in formulas_of(CATALOGUE[name]):
        layer = any(symbol.axes for symbol in symbols(tree))
        of_layer = {"z": z_k, "a": Symbol("a", (UNITS,)), "g": g_k}
        known = of_layer if layer else {"z": z, "a": a}
        found = read(tree, known, sizes)
        assert_same(found, tree)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_read_back_is_the_same_formula(name):
    for form in LOSSES[name]().forms:
        found = read(form.value, {"y": Symbol("y"), "a": Symbol("a")}, {})
        assert_same(found, form.value)


@given(expressions(depth=3, renamed=False), st.integers(0, 2**32 - 1))
@examples(200)
def test_random_expressions_read_back_have_the_same_value(tree, seed):
    assume(not any(isinstance(node, Largest) for node in nodes(tree)))
    at = evaluation(DISTINCT, seed)
    assume(all(fits(at(node), 1e6) for node in nodes(tree)))
    found = read(tree, {symbol.name: symbol for symbol in SYMBOLS}, SIZES)
    scale = max(1.0, *(float(np.max(np.abs(at(node)))) for node in nodes(tree)))
    np.testing.assert_allclose(
        at.aligned(found, tree.axes), at(tree), rtol=1e-9, atol=1e-12 * scale, err_msg=mathml(tree)
    )


@given(expressions(depth=3))
@examples(200)
def test_matrices_are_made_of_known_elements(tree):
    for layout in ("rows", "columns"):
        check_elements(ElementTree.fromstring(mathml(arrange(tree, layout))))


def test_a_dropped_times_is_refused():
    written = mathml(Symbol("s") * Symbol("u"))
    broken = written.replace("<mo>\u2062</mo>", "").replace("<mo>&#x2062;</mo>", "")
    assert broken != written
    with pytest.raises(AssertionError, match="left over"):
        MathMLReader(broken, {"s": Symbol("s"), "u": Symbol("u")}, {}).read()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("W_ih", "<msub><mi>W</mi><mrow><mi>i</mi><mi>h</mi></mrow></msub>"),
        ("W_1", "<msub><mi>W</mi><mn>1</mn></msub>"),
        ("m_W_1", "<msub><mi>m</mi><msub><mi>W</mi><mn>1</mn></msub></msub>"),
        ("α", "<mi>α</mi>"),
    ],
)
def test_indices_of_names_stand_below(name, expected):
    assert mathml(Symbol(name)) == f"<math>{expected}</math>"


def test_the_index_and_the_power_of_a_name_stand_above_each_other():
    assert mathml(Symbol("a_o") ** 2) == (
        "<math><msubsup><mi>a</mi><mi>o</mi><mn>2</mn></msubsup></math>"
    )
