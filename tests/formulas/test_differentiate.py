"""Every rule of differentiation: against SymPy, the complex step and central differences.

And that every rule is needed: without it some derivation fails and names the operation.
"""

import importlib
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.errors import MissingRule
from chainrule.formulas import differentiate
from chainrule.formulas.differentiate import (
    PARTIALS,
    RULES,
    Equation,
    cotangents,
    derivative,
    pull,
    pull_back,
)
from chainrule.formulas.evaluate import Evaluation, evaluate
from chainrule.formulas.expressions import (
    ONE,
    ZERO,
    Add,
    Apply,
    Expression,
    Largest,
    Number,
    Ones,
    Power,
    Product,
    Rename,
    Size,
    Symbol,
    children,
    power,
    product,
    symbols,
    total,
)
from chainrule.formulas.functions import (
    PRIMITIVES,
    absolute,
    exp,
    greater,
    log,
    maximum,
    sign,
    tanh,
    where,
)
from chainrule.formulas.kinks import margins
from chainrule.network.activations import sigmoid, softmax
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
SMALL = 1e-30

# -- each primitive ------------------------------------------------------------------------------

POINTS: dict[str, list[tuple[float, ...]]] = {
    "log": [(0.3,), (1.7,)],
    "log1p": [(-0.4,), (1.7,)],
    "maximum": [(0.3, -0.8), (-0.8, 0.3)],
    "minimum": [(0.3, -0.8), (-0.8, 0.3)],
    "greater": [(0.3, -0.8), (-0.8, 0.3)],
    "equal": [(0.3, -0.8), (-0.8, 0.3)],
    "where": [(1.0, 0.4, -0.9), (0.0, 0.4, -0.9)],
}
"""Points off every kink, where not simply these: (−1.3), (0.2), (2.1)."""

PLACES = [
    (name, place, point)
    for name in PRIMITIVES
    for place in range(PRIMITIVES[name].arity)
    for point in POINTS.get(name, [(-1.3,), (0.2,), (2.1,)])
    if (name, place) != ("where", 0)  # no derivative: the condition is 0 or 1
]


def partial(name: str, place: int, point: tuple[float, ...]) -> tuple[float, Any]:
    """Return the stated partial derivative at a point, and the primitive along that argument."""
    primitive = PRIMITIVES[name]
    arguments = [Symbol(letter) for letter in "xyz"[: primitive.arity]]
    applied = primitive(*arguments)
    at = {letter: np.asarray(value) for letter, value in zip("xyz", point, strict=False)}
    stated = PARTIALS[name](applied, *arguments)[place]

    def along(change: complex) -> Any:
        letter = "xyz"[place]
        return evaluate(applied, {**at, letter: np.asarray(point[place] + change)})

    return float(evaluate(stated, at)), along


def test_every_primitive_has_partials_and_nothing_else_has():
    assert PARTIALS.keys() == PRIMITIVES.keys()
    for name, primitive in PRIMITIVES.items():
        arguments = [Symbol(letter) for letter in "xyz"[: primitive.arity]]
        assert len(PARTIALS[name](primitive(*arguments), *arguments)) == primitive.arity


@pytest.mark.peers("sympy")
@pytest.mark.parametrize(("name", "place", "point"), PLACES)
def test_a_partial_is_the_one_that_sympy_derives(name, place, point):
    sympy = importlib.import_module("sympy")
    x, y, c = sympy.symbols("x y c", real=True)
    known = {
        "expm1": sympy.exp(x) - 1,
        "log1p": sympy.log(1 + x),
        "abs": sympy.Abs(x),
        "maximum": sympy.Max(x, y),
        "minimum": sympy.Min(x, y),
        "greater": sympy.Heaviside(x - y),
        "equal": sympy.Piecewise((1, sympy.Eq(x, y)), (0, True)),
        "where": sympy.Piecewise((y, sympy.Eq(x, 1)), (c, True)),
    }
    stated = known[name] if name in known else getattr(sympy, name)(x)
    slope = stated.diff((x, y, c)[place])
    oracle = sympy.lambdify((x, y, c), slope, modules=["scipy", "numpy", {"DiracDelta": _spike}])
    expected = float(oracle(*point, *[np.nan] * (3 - len(point))))
    assert partial(name, place, point)[0] == pytest.approx(expected, rel=1e-13, abs=1e-13)


def _spike(value: float) -> float:
    return 0.0 if value else np.inf


@pytest.mark.parametrize(("name", "place", "point"), PLACES)
def test_a_partial_is_the_complex_step(name, place, point):
    stated, along = partial(name, place, point)
    assert stated == pytest.approx(float(np.imag(along(1j * SMALL))) / SMALL, rel=1e-13)


@pytest.mark.parametrize(("name", "place", "point"), PLACES)
def test_a_partial_is_the_central_difference(name, place, point):
    stated, along = partial(name, place, point)
    step = 1e-6
    assert stated == pytest.approx(float(along(step) - along(-step)) / (2 * step), abs=1e-8)


def test_at_a_kink_the_slope_is_zero_from_the_left():
    x = Symbol("x")
    zero = {"x": np.array(0.0)}
    assert evaluate(derivative(absolute(x), x), zero) == 0
    assert evaluate(derivative(maximum(x, 0), x), zero) == 0


# -- each node -----------------------------------------------------------------------------------


def random_like(array: Any, rng: np.random.Generator) -> Any:
    return rng.normal(size=np.shape(array))


def smooth_at(tree: Expression, at: Evaluation) -> bool:
    """Whether the expression keeps its distance from every kink."""
    found = margins(tree, set(SYMBOLS) | {s for s in symbols(tree) if s not in SYMBOLS})
    return all(np.min(np.abs(at(margin)), initial=1.0) > 1e-2 for margin in found)


def loss_of(node: Expression, values: Mapping[str, Any], weights: Any, **options: Any) -> Any:
    """Return Σ weights ⊙ node, a scalar whose cotangent at the node is ``weights``."""
    at = Evaluation(values, **options).measure(SYMBOLS)
    at.measure(symbols(node))
    return np.sum(weights * at(node))


def opened(node: Expression) -> tuple[Expression, list[Symbol]]:
    """Return the node over fresh symbols, one for each of its operands."""
    parts = children(node)
    fresh = [Symbol(f"☆{place}", part.axes) for place, part in enumerate(parts)]
    places: list[Expression] = [
        part if isinstance(part, (Number, Size)) else name
        for part, name in zip(parts, fresh, strict=True)
    ]
    match node:
        case Add():
            alone: Expression = Add(tuple(places))
        case Product():
            alone = Product(tuple(places), node.summed)
        case Power():
            alone = Power(*places)
        case Apply():
            alone = Apply(node.function, tuple(places))
        case Rename():
            alone = Rename(places[0], node.old, node.new)
    return alone, [name for name in fresh if name in symbols(alone)]


@given(expressions(depth=3), SIZES, SEEDS)
@examples(150)
def test_each_nodes_pullback_is_the_derivative_along_random_directions(tree, sizes, seed):
    rng = np.random.default_rng(seed)
    at = evaluation(sizes, seed)
    for node in nodes(tree):
        parts = children(node)
        if not parts:
            continue
        assume(all(fits(at(part), 50) for part in (node, *parts)))
        alone, inside = opened(node)
        values: dict[str, Any] = {f"☆{place}": at(part) for place, part in enumerate(parts)}
        values.update(numbers_for(sizes, seed))
        conditions = [s.name for s in inside if _is_condition(node, s)]
        here = Evaluation(values).measure([*SYMBOLS, *inside])
        assume(smooth_at(alone, here))
        weights = random_like(at(node), rng)
        given_back = Symbol("☆G", alone.axes)
        contributions = pull(alone, alone, given_back)
        values["☆G"] = weights
        back = Evaluation(values).measure([*SYMBOLS, *inside, given_back])
        for symbol in inside:
            if symbol.name in conditions:
                continue
            given_to = [given for operand, given in contributions if operand == symbol]
            named = set(symbol.axes)
            assert all(given == ZERO or set(given.axes) == named for given in given_to)
            direction = random_like(values[symbol.name], rng)
            found = sum(
                float(np.sum(back.spread(given, symbol.axes) * direction)) for given in given_to
            )
            expected = _central(alone, symbol, values, weights, direction)
            # Differences of what is as large as the loss lose as many digits.
            scale = 1 + abs(expected) + float(np.sum(np.abs(weights * at(node))))
            assert abs(found - expected) <= 1e-6 * scale


def _is_condition(node: Expression, symbol: Symbol) -> bool:
    name = node.function.name if isinstance(node, Apply) else ""
    return name == "where" and symbol.name == "☆0"


def _central(
    tree: Expression, symbol: Symbol, values: Mapping[str, Any], weights: Any, direction: Any
) -> float:
    step = 1e-5
    above = {**values, symbol.name: values[symbol.name] + step * direction}
    below = {**values, symbol.name: values[symbol.name] - step * direction}
    up, down = (loss_of(tree, changed, weights) for changed in (above, below))
    return float(up - down) / (2 * step)


@given(expressions(depth=3), SIZES, SEEDS)
@examples(150)
def test_a_whole_expressions_derivative_is_the_complex_step(tree, sizes, seed):
    rng = np.random.default_rng(seed)
    values = numbers_for(sizes, seed)
    at = evaluation(sizes, seed, form="value")
    assume(all(fits(at(node), 50) for node in nodes(tree)))
    assume(smooth_at(tree, at))
    weights = random_like(at(tree), rng)
    wanted = sorted(symbols(tree), key=lambda symbol: symbol.name)
    cotangent = Symbol("☆G", tree.axes)
    found, _ = pull_back(tree, tree, cotangent, wanted)
    back = Evaluation({**values, "☆G": weights}).measure([*SYMBOLS, cotangent])
    assert found.keys() == set(wanted)
    for symbol in wanted:
        direction = random_like(values[symbol.name], rng)
        changed = {**values, symbol.name: values[symbol.name] + 1j * SMALL * direction}
        moved = loss_of(tree, changed, weights, form="value", dtype=complex)
        expected = float(np.imag(moved)) / SMALL
        given_to = back.spread(found[symbol], symbol.axes)
        scale = 1e-3 + float(np.sum(np.abs(given_to * direction)))
        assert abs(float(np.sum(given_to * direction)) - expected) <= 1e-9 * max(1.0, scale)


def test_operands_used_twice_are_counted_twice():
    x = Symbol("x")
    found, _ = pull_back(x * x, x * x, ONE, [x])
    assert evaluate(found[x], {"x": np.array(3.0)}) == 6.0
    tree = exp(x) * exp(x)
    slope = derivative(tree, x)
    assert evaluate(slope, {"x": np.array(0.5)}) == pytest.approx(2 * np.e)


def test_a_variable_that_does_not_occur_has_derivative_zero():
    assert derivative(exp(Symbol("x")), Symbol("y")) == ZERO


def test_an_axis_that_was_summed_alone_is_filled_with_ones():
    x, y = Symbol("x", (I,)), Symbol("y", (H,))
    found, _ = pull_back(total(x, I) * y, y, Symbol("g", (H,)), [x])
    assert found[x].axes == (I,)
    values = {"x": np.ones(3), "y": np.arange(1.0, 5.0), "g": np.array([1.0, 0, 0, 2.0])}
    at = Evaluation(values).measure([x, y, Symbol("g", (H,))])
    assert at(found[x]).tolist() == [9.0, 9.0, 9.0]


def test_one_step_per_call_and_the_trace_names_every_rule():
    x = Symbol("x")
    _, steps = pull_back(1 / (1 + exp(-x)), Symbol("a"), ONE, [x])
    assert [step.rule for step in steps] == ["power", "add", "exp", "product"]
    assert steps[-1].contributions[0][0] == x


# -- no rule without need ------------------------------------------------------------------------

x, y, c = (Symbol(name, (I,)) for name in "xyc")

NEEDS: dict[str, Expression] = {
    "exp": exp(x),
    "log": log(x),
    "expm1": PRIMITIVES["expm1"](x),
    "log1p": PRIMITIVES["log1p"](x),
    "tanh": tanh(x),
    "erf": PRIMITIVES["erf"](x),
    "abs": absolute(x),
    "sign": sign(x) * x,
    "maximum": maximum(x, 0),
    "minimum": PRIMITIVES["minimum"](x, 0),
    "greater": greater(x, 0) * x,
    "equal": PRIMITIVES["equal"](x, 0) * x,
    "sin": PRIMITIVES["sin"](x),
    "cos": PRIMITIVES["cos"](x),
    "where": where(c, x, 2),
    "Add": x + y,
    "Product": x * y,
    "Power": x**3,
    "Apply": sigmoid(x),
    "Rename": Rename(x, I, H),
}
"""A formula in x for each rule that its derivation needs."""


def registered() -> dict[str, tuple[dict[Any, Any], Any]]:
    rules = {kind.__name__: (RULES, kind) for kind in RULES}
    return {**rules, **{name: (PARTIALS, name) for name in PARTIALS}}


def test_every_registered_rule_has_a_formula_that_needs_it():
    assert registered().keys() == NEEDS.keys()


@pytest.mark.parametrize("name", NEEDS)
def test_without_a_rule_derivation_fails_and_names_the_operation(name, monkeypatch):
    tree = NEEDS[name]
    pull_back(tree, tree, Symbol("g", tree.axes), [x])  # with it, it does not
    table, key = registered()[name]
    monkeypatch.delitem(table, key)
    with pytest.raises(MissingRule) as caught:
        pull_back(tree, tree, Symbol("g", tree.axes), [x])
    assert caught.value.operation == name
    assert f"'{name}'" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in NEEDS if name != "Apply"])
def test_other_rules_do_not_need_it(name, monkeypatch):
    table, key = registered()[name]
    monkeypatch.delitem(table, key)
    for other, tree in NEEDS.items():
        if other == name or key in {type(node) for node in nodes(tree)}:
            continue
        pull_back(tree, tree, Symbol("g", tree.axes), [x])


def test_an_operation_without_any_rule_is_never_taken_for_a_constant():
    with pytest.raises(MissingRule) as caught:
        derivative(Largest(x, I), x)
    assert caught.value.operation == "Largest"


def test_a_function_of_a_whole_layer_pulls_back_by_its_statement():
    z, g = Symbol("z", (B, O)), Symbol("g", (B, O))
    ((_, given_back),) = pull(softmax(z), Symbol("a", (B, O)), g)
    rng = np.random.default_rng(0)
    out = rng.dirichlet(np.ones(5), 2)
    weights = rng.normal(size=(2, 5))
    found = evaluate(given_back, {"a": out, "g": weights})
    jacobian = np.einsum("bo,op->bop", out, np.eye(5)) - np.einsum("bo,bp->bop", out, out)
    np.testing.assert_allclose(found, np.einsum("bop,bo->bp", jacobian, weights))


# -- equations -----------------------------------------------------------------------------------


def called(symbol: Symbol) -> Symbol:
    return Symbol(f"∂{symbol.name}", symbol.axes)


def test_cotangents_come_in_an_order_in_which_they_can_be_computed():
    X, W, V = Symbol("X", (B, I)), Symbol("W", (I, H)), Symbol("V", (H, O))
    A, Z, L = Symbol("A", (B, H)), Symbol("Z", (B, O)), Symbol("L")
    equations = [
        Equation(A, tanh(product(X, W, over=[I]))),
        Equation(Z, product(A, V, over=[H]) + product(X, W, V, over=[I, H])),
        Equation(L, total(Z**2, B, O)),
    ]
    backward, trace = cotangents(equations, L, [W, V], called)
    assert [equation.left.name for equation in backward] == ["∂Z", "∂V", "∂A", "∂W"]
    known = {X, W, V, A, Z, L}
    for equation in backward:
        assert symbols(equation.right) <= known
        known.add(equation.left)
    assert len(trace) >= len(backward)
    # W is used in two equations: its cotangent has a part from each.
    assert isinstance(backward[-1].right, Add)


def test_a_parameter_whose_derivative_is_a_number_still_has_an_equation():
    L, b, s = Symbol("L"), Symbol("b"), Symbol("s")
    backward, _ = cotangents([Equation(L, 2 * b + s**2)], L, [b, s], called)
    assert {equation.left.name for equation in backward} == {"∂b", "∂s"}


def test_the_way_back_skips_what_no_parameter_reaches():
    X, W, Z, L = Symbol("X", (B, I)), Symbol("W", (I,)), Symbol("Z", (B,)), Symbol("L")
    scaled = Symbol("S", (B, I))
    equations = [
        Equation(scaled, exp(X)),
        Equation(Z, product(scaled, W, over=[I])),
        Equation(L, total(Z, B)),
    ]
    backward, _ = cotangents(equations, L, [W], called)
    assert [equation.left.name for equation in backward] == ["∂Z", "∂W"]


def test_exponents_are_differentiated_too():
    base, exponent = Symbol("x"), Symbol("n")
    tree = power(base, exponent)
    values = {"x": np.array(1.7), "n": np.array(2.3)}
    assert evaluate(derivative(tree, exponent), values) == pytest.approx(1.7**2.3 * np.log(1.7))
    assert evaluate(derivative(tree, base), values) == pytest.approx(2.3 * 1.7**1.3)


def test_constants_of_the_rules_are_exact_to_the_last_digit():
    assert float(differentiate.PI.value) == np.pi
    assert differentiate.sum_to(Ones((I,)), ()).axes == ()
    assert isinstance(differentiate.PI.value, Fraction)


def test_renaming_there_and_back_is_nothing():
    (contribution,) = pull(Rename(x, I, TWIN), x, Symbol("g", (TWIN,)))
    assert contribution == (x, Rename(Symbol("g", (TWIN,)), TWIN, I))
