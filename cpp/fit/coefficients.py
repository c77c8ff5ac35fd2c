"""Fit the polynomials of primitives.hpp: weighted minimax by the Remez exchange, 60 digits.

Run ``python cpp/fit/coefficients.py`` (needs mpmath); it prints each table as it stands in the
header. Each entry minimizes the largest ``weight(x) * |P(x) - f(x)|`` over its interval, where
the weight turns an error of the polynomial into a relative error of the function it serves.
"""

from collections.abc import Callable

from mpmath import cos, erf, erfc, exp, expm1, linspace, log, lu_solve, matrix, mp, mpf, pi, sqrt

mp.dps = 60

Function = Callable[[mpf], mpf]


def minimax(
    function: Function, weight: Function, low: mpf, high: mpf, degree: int
) -> tuple[list[mpf], mpf]:
    """Return the coefficients (constant term first) and the largest weighted error."""
    count = degree + 2
    nodes = [
        (low + high) / 2 + (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * count))
        for i in reversed(range(count))
    ]
    grid = [(low + high) / 2 - (high - low) / 2 * cos(pi * t) for t in linspace(0, 1, 60 * count)]
    values = [function(x) for x in grid]
    weights = [weight(x) for x in grid]
    coefficients: list[mpf] = []
    largest = mpf(0)
    for _ in range(12):
        system = matrix(count, count)
        right = matrix(count, 1)
        for row, x in enumerate(nodes):
            for power in range(degree + 1):
                system[row, power] = x**power
            system[row, degree + 1] = (-1) ** row / weight(x)
            right[row] = function(x)
        solution = lu_solve(system, right)
        coefficients = [solution[i] for i in range(degree + 1)]
        errors = [
            w * (mp.polyval(coefficients[::-1], x) - v)
            for x, v, w in zip(grid, values, weights, strict=True)
        ]
        # One extremum per run of equal signs; keep the `count` neighbors that are largest.
        extrema: list[int] = []
        for i, error in enumerate(errors):
            if extrema and errors[extrema[-1]] * error > 0:
                if abs(error) > abs(errors[extrema[-1]]):
                    extrema[-1] = i
            else:
                extrema.append(i)
        while len(extrema) > count:
            extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
        largest = max(abs(error) for error in errors)
        if len(extrema) < count:
            break
        nodes = [grid[i] for i in extrema]
        if largest < abs(solution[degree + 1]) * mpf("1.001"):
            break
    return coefficients, largest


def exponential(r: mpf) -> mpf:
    """(e^r - 1 - r) / r^2."""
    if abs(r) < mpf("1e-15"):
        return mpf(1) / 2 + r / 6
    return (expm1(r) - r) / r**2


def logarithm(z: mpf) -> mpf:
    """(log((1 + s) / (1 - s)) / s - 2) / z with s = sqrt(z)."""
    if z < mpf("1e-25"):
        return mpf(2) / 3
    s = sqrt(z)
    return (log((1 + s) / (1 - s)) / s - 2) / z


def error_near(z: mpf) -> mpf:
    """erf(x) / x - 1 with x = sqrt(z)."""
    if z < mpf("1e-40"):
        return 2 / sqrt(pi) - 1
    return erf(sqrt(z)) / sqrt(z) - 1


def error_far(t: mpf) -> mpf:
    """-log(erfc(t)) / t."""
    return -log(erfc(t)) / t


half = log(mpf(2)) / 2 * mpf("1.0001")
widest = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf("1.0001")

TABLES = [
    # name, function, weight, low, high, degrees of float and double
    ("exp", exponential, lambda r: r**2 / exp(r) + mpf("1e-30"), -half, half, 4, 9),
    ("log", logarithm, lambda z: z, mpf("1e-9"), widest, 2, 6),
    ("erf_near", error_near, lambda z: mpf(1), mpf(0), mpf(1), 6, 11),
    ("erf_far", error_far, lambda t: t * erfc(t), mpf(1), None, 6, 17),
]


def literal(value: mpf, digits: int, suffix: str) -> str:
    """One coefficient as a C++ literal."""
    return f"{mp.nstr(value, digits, min_fixed=-3, max_fixed=3)}{suffix}"


if __name__ == "__main__":
    for name, function, weight, low, high, of_float, of_double in TABLES:
        for kind, degree, end in (("float", of_float, 4), ("double", of_double, 6)):
            table, worst = minimax(
                function, weight, low, mpf(end) if high is None else high, degree
            )
            digits, suffix = (10, "f") if kind == "float" else (18, "")
            terms = ", ".join(literal(c, digits, suffix) for c in table)
            print(f"// error 2^{float(log(worst, 2)):.1f}")
            print(f"static constexpr {kind} {name}_terms[] = {{{terms}}};")
