"""The axis walk: arranged by names, computed by position, equal in both layouts.

Sizes are distinct in one half of the cases and all equal in the other, where a wrong side or a
missing transpose still type-checks.
"""

from itertools import pairwise, permutations
from itertools import product as choices

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.formulas.arrange import arrange, orient
from chainrule.formulas.axes import Axis
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import (
    Expression,
    Largest,
    Ones,
    Size,
    Symbol,
    product,
    square_root,
    symbols,
    total,
)
from chainrule.formulas.functions import exp, tanh
from chainrule.formulas.matrices import (
    Extreme,
    Indexed,
    Layerwise,
    Matrix,
    MatrixSymbol,
    Multiply,
    Pointwise,
    Transpose,
    every,
    rejected,
    turned,
)
from chainrule.formulas.positional import MatrixEvaluation, laid_out
from chainrule.network.activations import softmax
from tests.formulas.random_expressions import (
    DISTINCT,
    EQUAL,
    TWIN,
    B,
    H,
    I,
    O,
    evaluation,
    expressions,
    fits,
)
from tests.selection import examples

LAYOUTS = ("rows", "columns")
SEEDS = st.integers(0, 2**32 - 1)
FOUR = (B, I, H, O)

X, W, V = Symbol("X", (B, I)), Symbol("W", (I, H)), Symbol("V", (H, O))
G, A, b = Symbol("G", (B, O)), Symbol("A", (B, H)), Symbol("b", (H,))


def values_of(tree: Expression, sizes, seed: int) -> Evaluation:
    rng = np.random.default_rng(seed)
    found = sorted(symbols(tree), key=lambda symbol: symbol.name)
    values = {s.name: rng.normal(size=[sizes[axis] for axis in s.axes]) for s in found}
    at = Evaluation(values).measure(found)
    at.sizes.update(sizes)
    return at


def check(tree: Expression, at: Evaluation, layout, axes=None) -> Matrix:
    """Check the arranged matrix, computed by position, against the meaning by name."""
    axes = tree.axes if axes is None else axes
    matrix = arrange(tree, layout, axes)
    if len(axes) > 2:
        assert isinstance(matrix, Indexed)
        return matrix
    assert matrix.sides == orient(axes, layout)
    expected = laid_out(at.spread(tree, axes), axes, matrix.sides)
    found = MatrixEvaluation(at)(matrix)
    assert np.shape(found) == expected.shape
    scale = 1 + float(np.max(np.abs(expected)))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * scale)
    return matrix


# -- random formulas -----------------------------------------------------------------------------


@st.composite
def products(draw: st.DrawFn, letter: str = "f") -> Expression:
    """A product of one to five vectors and matrices, summed over all but at most two axes."""
    kinds = st.lists(st.sampled_from(FOUR), min_size=0, max_size=2, unique=True)
    factors: list[Expression] = []
    for place, axes in enumerate(draw(st.lists(kinds, min_size=1, max_size=5))):
        factor: Expression = Symbol(f"{letter}{place}", tuple(axes))
        factors.append(draw(st.sampled_from([factor, factor, tanh(factor), 2 * factor])))
    carried = [axis for axis in FOUR if any(axis in factor.axes for factor in factors)]
    kept = draw(st.lists(st.sampled_from(carried), unique=True, max_size=2)) if carried else []
    return product(*factors, over=[axis for axis in carried if axis not in kept])


@given(products(), st.sampled_from([DISTINCT, EQUAL]), SEEDS)
@examples(200)
def test_a_product_by_position_is_the_product_by_name(tree, sizes, seed):
    at = values_of(tree, sizes, seed)
    for layout in LAYOUTS:
        check(tree, at, layout)


@given(expressions(depth=3), st.sampled_from([DISTINCT, EQUAL]), SEEDS)
@examples(200)
def test_any_expression_by_position_is_the_expression_by_name(tree, sizes, seed):
    at = evaluation(sizes, seed)
    assume(fits(at(tree)))
    for layout in LAYOUTS:
        check(tree, at, layout)


@given(products(), products("g"), st.sampled_from([DISTINCT, EQUAL]), SEEDS)
@examples(100)
def test_sums_and_functions_of_products(first, second, sizes, seed):
    tree = tanh(first) * second - first
    at = values_of(tree, sizes, seed)
    for layout in LAYOUTS:
        check(tree, at, layout)


@given(products(), st.sampled_from([DISTINCT, EQUAL]), SEEDS, st.data())
@examples(100)
def test_what_lacks_an_axis_is_spread_over_it(tree, sizes, seed, data):
    others = [axis for axis in FOUR if axis not in tree.axes]
    room = 2 - len(tree.axes)
    more = data.draw(st.lists(st.sampled_from(others), max_size=room, unique=True)) if room else []
    at = values_of(tree, sizes, seed)
    for layout in LAYOUTS:
        check(tree, at, layout, (*tree.axes, *more))


@st.composite
def chains(draw: st.DrawFn) -> tuple[list[Symbol], Expression]:
    """Matrices that join axes in a line, stored either way, in any order; ends may be vectors."""
    length = draw(st.integers(1, 6))
    places = draw(st.permutations(range(length + 1)))
    line = [Axis(f"x{place}", place) for place in places]
    links = [tuple(pair) for pair in pairwise(line)]
    if length > 2 and draw(st.booleans()):
        links[0] = links[0][1:]
    if length > 2 and draw(st.booleans()):
        links[-1] = links[-1][:1]
    factors = [
        Symbol(f"f{place}", link[::-1] if draw(st.booleans()) else link)
        for place, link in enumerate(links)
    ]
    ends = [axis for axis in line if sum(axis in factor.axes for factor in factors) == 1]
    inner = [axis for axis in line if sum(axis in factor.axes for factor in factors) == 2]
    shuffled = draw(st.permutations(factors))
    assert len(ends) <= 2
    return factors, product(*shuffled, over=inner)


@given(chains(), st.sampled_from([2, 3]), SEEDS, st.sampled_from(LAYOUTS))
@examples(200)
def test_a_line_of_axes_is_one_product_in_walking_order(chain, size, seed, layout):
    factors, tree = chain
    sizes = {axis: size for factor in factors for axis in factor.axes}
    matrix = check(tree, values_of(tree, sizes, seed), layout)
    if len(factors) == 1:
        assert isinstance(matrix, MatrixSymbol)
        return
    if isinstance(matrix, Pointwise):  # a number: the product stands inside an entry
        ((_, matrix),) = matrix.operands
    assert isinstance(matrix, Multiply)
    named = [turned(f) if isinstance(f, Transpose) else f for f in matrix.factors]
    walked = [entry.symbol for entry in named if isinstance(entry, MatrixSymbol)]
    assert walked in (factors, factors[::-1])


# -- single formulas -----------------------------------------------------------------------------

TABLE = [
    (product(X, W, over=[I]), "X W", "W X"),
    (product(X, W, over=[I]) + b, "X W + b", "W X + b"),
    (product(G, V, over=[O]), "G Vᵀ", "Vᵀ G"),
    (product(A, G, over=[B]), "Aᵀ G", "G Aᵀ"),
    (total(G, B), "1ᵀ G", "G 1"),
    (total(G, O), "G 1", "1ᵀ G"),
    (product(A, product(G, V, over=[O])), "A ⊙ (G Vᵀ)", "A ⊙ (Vᵀ G)"),
    (product(X, W, V, over=[I, H]), "X W V", "V W X"),
    (product(b, V, over=[H]), "b V", "V b"),
    (product(A, exp(A), over=[H]), "(A ⊙ e^A) 1", "1ᵀ (A ⊙ e^A)"),
    (product(Symbol("x", (I,)), Symbol("δ", (H,))), "xᵀ δ", "δ xᵀ"),
]
"""Formulas, and how both layouts print them.  Columns show W and V as (outputs, inputs)."""


@pytest.mark.parametrize(("tree", "rows", "columns"), TABLE)
def test_both_layouts_of_one_formula(tree, rows, columns):
    assert str(arrange(tree, "rows")) == rows
    assert str(arrange(tree, "columns")) == columns


def test_the_natural_sides():
    assert orient((H, B), "rows") == (B, H)
    assert orient((H, B), "columns") == (H, B)
    assert orient((O, H), "rows") == (O, H)
    assert orient((H,), "rows") == (None, H)
    assert orient((H,), "columns") == (H, None)
    assert orient((B,), "rows") == (B, None)
    assert orient((), "rows") == (None, None)


def test_a_function_of_a_layer_runs_along_its_axis_in_both_layouts():
    tree = softmax(product(X, W, over=[I]) + b)
    for layout in LAYOUTS:
        matrix = check(tree, values_of(tree, EQUAL, 0), layout)
        assert any(isinstance(node, Layerwise) and node.axis == H for node in every(matrix))


def test_the_largest_of_each_row_or_column():
    for axis in (B, H):
        tree = A - Largest(A, axis)
        for sizes, layout in choices((DISTINCT, EQUAL), LAYOUTS):
            matrix = check(tree, values_of(tree, sizes, 1), layout)
            assert any(isinstance(node, Extreme) for node in every(matrix))


def test_layer_normalization_is_entrywise_with_row_sums():
    centered = A - total(A, H) / Size(H)
    tree = centered / square_root(total(centered**2, H) / Size(H) + 0.1) * b
    for sizes, layout in choices((DISTINCT, EQUAL), LAYOUTS):
        matrix = check(tree, values_of(tree, sizes, 2), layout)
        assert not any(isinstance(node, Indexed) for node in every(matrix))


WEIGHTS = Symbol("w", (B,))


@pytest.mark.parametrize(
    ("tree", "rows", "columns"),
    [
        # An axis that three factors share, or the result keeps: the vector scales a neighbor.
        (product(WEIGHTS, A, G, over=[B]), "Aᵀ (w ⊙ G)", "(w ⊙ G) Aᵀ"),
        (product(A, b, V, over=[H]), "A (bᵀ ⊙ V)", "(bᵀ ⊙ V) A"),
        (product(WEIGHTS, A, V, over=[H]), "(w ⊙ A) V", "V (w ⊙ A)"),
    ],
)
def test_a_vector_beside_a_product_scales_rows_or_columns(tree, rows, columns):
    for layout, printed in (("rows", rows), ("columns", columns)):
        for sizes in (DISTINCT, EQUAL):
            matrix = check(tree, values_of(tree, sizes, 5), layout)
            assert not any(isinstance(node, Indexed) for node in every(matrix))
        assert str(matrix) == printed


def test_ones_of_any_kind():
    for tree in (Ones((B,)), Ones((B, H)), Ones((H,)) * Symbol("s"), total(Ones((B, H)), B, H)):
        for layout in LAYOUTS:
            check(tree, values_of(tree, DISTINCT, 0), layout)


# -- no matrix form ------------------------------------------------------------------------------

T = Symbol("T", (B, I, H))
BETWEEN = Symbol("U", (I, O))

WITHOUT = [
    T,
    product(X, b),
    product(T, X, over=[I]),
    product(T, X, W, over=[B, I, H]),
    product(W, V, BETWEEN, over=[I, H, O]),  # a trace
    product(W, V, BETWEEN, over=[H]),  # three factors meet: no path leads through
    exp(product(T, X, over=[I])),
]


@pytest.mark.parametrize("tree", WITHOUT)
def test_where_nothing_fits_index_notation_stays(tree):
    for sizes, layout in choices((DISTINCT, EQUAL), LAYOUTS):
        at = values_of(tree, sizes, 3)
        matrix = check(tree, at, layout)
        assert (
            len(tree.axes) > 2
            or any(isinstance(node, Indexed) for node in every(matrix))
            or (tree == WITHOUT[5])
        )


def test_a_trace_alone_stays_in_index_notation():
    matrix = arrange(product(W, V, BETWEEN, over=[I, H, O]))
    assert isinstance(matrix, Indexed)
    assert matrix.sides == (None, None)


# -- what is rejected ----------------------------------------------------------------------------

PRODUCTS = {
    "X W": product(X, W, over=[I]),
    "G Vᵀ": product(G, V, over=[O]),
    "Xᵀ G": product(X, G, over=[B]),
    "W V": product(W, V, over=[H]),
    "X W V": product(X, W, V, over=[I, H]),
    "Xᵀ G Vᵀ": product(X, G, V, over=[B, O]),
    "X W V U": product(X, W, V, Symbol("U", (O, TWIN)), over=[I, H, O]),
    "b V": product(b, V, over=[H]),
    "xᵀ b": product(Symbol("x", (I,)), b),
    "x W bᵀ": product(Symbol("x", (I,)), W, b, over=[I, H]),
    "1ᵀ G": total(G, B),
}


def multiplied(factors, at: Evaluation):
    """Return the product by position, or None where the shapes do not meet."""
    result, *rest = (MatrixEvaluation(at)(factor) for factor in factors)
    for factor in rest:
        if result.shape[1] != factor.shape[0]:
            return None
        result = result @ factor
    return result


def arrangements(chosen: Multiply):
    plain = [turned(f) if isinstance(f, Transpose) else f for f in chosen.factors]
    for order in permutations(plain):
        for flips in choices((False, True), repeat=len(order)):
            yield tuple(turned(f) if flip else f for f, flip in zip(order, flips, strict=True))


def the_product(tree: Expression, layout) -> Multiply:
    matrix = arrange(tree, layout)
    return next(node for node in every(matrix) if isinstance(node, Multiply))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", PRODUCTS)
def test_rejected_are_exactly_the_arrangements_that_are_wrong(name, layout):
    chosen = the_product(PRODUCTS[name], layout)
    at = values_of(PRODUCTS[name], EQUAL, 7)  # 2-2-2: what can type-check does
    right = multiplied(chosen.factors, at)
    refused = {entry.factors: entry for entry in rejected(chosen)}
    assert len(refused) == len(rejected(chosen))
    for factors in arrangements(chosen):
        found = multiplied(factors, at)
        same = found is not None and found.shape == right.shape and np.allclose(found, right)
        assert (factors in refused) == (not same), [str(factor) for factor in factors]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", PRODUCTS)
def test_a_rejection_names_the_first_clash_or_the_wrong_sides(name, layout):
    chosen = the_product(PRODUCTS[name], layout)
    for entry in rejected(chosen):
        clashes = [
            (left.columns, right.rows)
            for left, right in zip(entry.factors, entry.factors[1:], strict=False)
            if left.columns != right.rows
        ]
        if clashes:
            assert (entry.meets, entry.gives) == (clashes[0], None)
        else:
            assert entry.meets is None
            assert entry.gives == (entry.factors[0].rows, entry.factors[-1].columns)
            assert entry.gives != chosen.sides


def test_two_square_matrices_have_seven_wrong_arrangements():
    assert len(rejected(the_product(PRODUCTS["X W"], "rows"))) == 7


def test_a_product_whose_inner_axes_differ_cannot_be_built():
    left, right = MatrixSymbol(X, B, I), MatrixSymbol(V, H, O)
    with pytest.raises(ValueError, match="matrix product: axis"):
        Multiply((left, right))


def test_turning_twice_is_nothing():
    entry = MatrixSymbol(X, B, I)
    assert turned(entry).sides == (I, B)
    assert turned(turned(entry)) == entry
