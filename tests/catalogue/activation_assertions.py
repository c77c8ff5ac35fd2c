"""What every activation of the catalogue has to fulfil, as functions that raise AssertionError.

The tests use them on the entries, and on mutants of the entries to show that they can fail.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.formulas.evaluate import evaluate
from chainrule.formulas.expressions import Expression
from chainrule.formulas.positional import Entrywise
from chainrule.network.activations import Activation
from tests.catalogue.oracles import SCIPY_ACTIVATIONS, mpmath_activations, torch_activations

Array = NDArray[np.float64]

_generator = np.random.default_rng(20240229)
_tiny = np.geomspace(1e-300, 1e-2, 150)
POINTS: Array = np.concatenate(
    [np.linspace(-40, 40, 4001), _generator.uniform(-40, 40, 2000), -_tiny, [0.0], _tiny]
)
"""A dense grid, random points, and points that close in on 0 from both sides."""

SPARSE: Array = np.array(
    [
        *(-40, -31.7, -17, -9, -5.3, -3.01, -2.99, -1.28, -1, -0.3, -1e-3, -1e-8),
        *(1e-8, 1e-3, 0.3, 1, 1.5, 2.99, 3.01, 5.3, 9, 17, 31.7, 40),
    ]
)
"""Fewer points, for slow oracles: no kink is among them."""

EXTREME: Array = np.array([-1e4, -800, -710, -100, -1e-300, 0, 1e-300, 100, 709, 800, 1e4])

ROWS: list[Array] = [
    scale * _generator.normal(size=width) for width in (1, 2, 3, 17) for scale in (0.1, 1.0, 12.0)
]
"""Layers for functions of a whole layer."""


def at(tree: Expression, form: str = "computed", dtype: Any = np.float64, **values: Any) -> Array:
    """Evaluate a scalar formula entry by entry, in the shape of the values."""
    known = {name: np.asarray(value, dtype=dtype) for name, value in values.items()}
    shape = np.broadcast_shapes(*(value.shape for value in known.values()))
    return np.broadcast_to(Entrywise(known, form=form, dtype=dtype)(tree), shape)


def slope_at(entry: Activation, points: Array, dtype: Any = np.float64) -> Array:
    """Return the stated slope, with the output as an executor has it at hand."""
    assert entry.slope is not None
    outputs = at(entry.computed, dtype=dtype, z=points)
    return at(entry.slope, dtype=dtype, z=points, a=outputs)


def off_kinks(entry: Activation, points: Array) -> Array:
    """Leave out the points at the declared kinks."""
    keep = np.ones(points.shape, dtype=bool)
    for kink in entry.kinks:
        keep &= np.abs(points - kink) > 1e-310
    return points[keep]


def close(found: Array, expected: Array, at_points: Array) -> None:
    """Assert equality to rounding: of the value, or of what it is the small difference of."""
    assert found.shape == expected.shape
    at_points = np.broadcast_to(at_points, found.shape)
    error = np.abs(found - expected)
    # 1 − a and erf(z) + 1 carry the rounding of 1; a factor z in front enlarges it.
    limit = 1e-13 * np.abs(expected) + 4e-16 * (1 + np.abs(at_points))
    worst = int(np.argmax(np.where(np.isnan(error), np.inf, error - limit)))
    assert np.all(error <= limit), (
        f"at {at_points.flat[worst]!r}: {found.flat[worst]!r}, expected {expected.flat[worst]!r}"
    )


def multiple_precision() -> Any:
    """Return mpmath's context, which publishes no types."""
    return importlib.import_module("mpmath").mp


# -- the assertions, used on the entries and on their mutants ------------------------------------


def assert_value(name: str, entry: Activation) -> None:
    """The printed form is what SciPy computes."""
    oracle = SCIPY_ACTIVATIONS[name]
    if entry.elementwise:
        close(at(entry.value, "value", z=POINTS), oracle(POINTS), POINTS)
        return
    for row in ROWS:
        close(evaluate(entry.value, {"z": row}, form="value"), oracle(row), row)


def assert_computed(name: str, entry: Activation) -> None:
    """The form that is evaluated is what SciPy computes, at ±10⁴ too, and keeps its digits."""
    oracle = SCIPY_ACTIVATIONS[name]
    if not entry.elementwise:
        spread = [row + shift for row in ROWS for shift in (-800, 0, 800)]
        wide = [np.array([-800.0, 800.0]), np.array([-1e4, 0.0, 1e4]), np.full(3, 800.0)]
        for row in [*spread, *wide]:
            found = evaluate(entry.computed, {"z": row})
            assert np.all(np.isfinite(found))
            close(found, oracle(row), np.zeros(1))
        return
    points = np.concatenate([POINTS, EXTREME])
    with np.errstate(over="ignore"):
        expected = oracle(points)
    finite = np.isfinite(expected)
    found = at(entry.computed, z=points)
    assert np.all(np.isfinite(found) == finite)
    close(found[finite], expected[finite], points[finite])


def assert_slope(name: str, entry: Activation) -> None:
    """The stated slope, or pullback, is PyTorch's gradient."""
    import torch

    function = torch_activations()[name]
    if entry.elementwise:
        points = off_kinks(entry, POINTS)
        argument = torch.tensor(points, requires_grad=True)
        function(argument).sum().backward()
        close(slope_at(entry, points), argument.grad.numpy(), points)
        return
    assert entry.pullback is not None
    for row in ROWS:
        cotangent = np.cos(1 + np.arange(row.size) ** 2)
        argument = torch.tensor(row, requires_grad=True)
        (function(argument) * torch.tensor(cotangent)).sum().backward()
        values = {"z": row, "a": evaluate(entry.computed, {"z": row}), "g": cotangent}
        close(evaluate(entry.pullback, values), argument.grad.numpy(), np.zeros(1))


def assert_logarithms(name: str, entry: Activation) -> None:
    """log f(z) and log(1 − f(z)), where stated, keep all digits where f has lost them."""
    mp = multiple_precision()
    if not entry.elementwise:
        for row in [*ROWS, np.array([-800.0, 800.0]), np.array([-1e4, 0.0, 1e4])]:
            assert entry.logarithm is not None
            found = evaluate(entry.logarithm, {"z": row})
            with mp.workdps(60):
                total = sum(mp.exp(mp.mpf(x)) for x in row)
                expected = np.array([float(x - mp.log(total)) for x in map(mp.mpf, row)])
            np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)
        return
    points = np.array([-800, -745, -710, -37, -1e-300, 0, 1e-300, 37, 710, 745, 800, *SPARSE])
    with mp.workdps(400):  # holds 1 − e^(−800)
        oracle = mpmath_activations(mp)[name]
        outputs = [oracle(mp.mpf(float(point))) for point in points]
        numbers = {
            "logarithm": [float(mp.log(output)) for output in outputs],
            "log_complement": [float(mp.log(abs(1 - output) or 1)) for output in outputs],
        }
    for which, exact in numbers.items():
        formula = getattr(entry, which)
        if formula is not None:
            np.testing.assert_allclose(at(formula, z=points), exact, rtol=1e-14, atol=0)


def assert_kinks(entry: Activation) -> None:
    """The declared kinks are where the stated slope jumps, and the value jumps nowhere."""
    limit = 1e-9
    found = jumps(lambda points: slope_at(entry, points), limit)
    np.testing.assert_allclose(found, sorted(entry.kinks), rtol=0, atol=1e-9)
    assert jumps(lambda points: at(entry.computed, z=points), limit) == []


def jumps(function: Callable[[Array], Array], limit: float) -> list[float]:
    """Return where a function jumps within ±50.

    Every interval of a grid is halved, towards the half over which the function changes more,
    until it is narrower than 1e-12: over that, only a jump is left.
    """
    grid = np.linspace(-50, 50, 2003)
    left, right = grid[:-1].copy(), grid[1:].copy()
    while np.max(right - left) > 1e-12:
        middle = (left + right) / 2
        ends = function(left), function(middle), function(right)
        first = np.abs(ends[1] - ends[0]) > np.abs(ends[2] - ends[1])
        left, right = np.where(first, left, middle), np.where(first, middle, right)
    low, high = function(left), function(right)
    jumped = np.abs(high - low) > limit * (1 + np.abs(low))
    return [float(place) for place in (left + right)[jumped] / 2]
