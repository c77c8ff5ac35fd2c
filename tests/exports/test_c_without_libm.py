"""The functions in the header instead of libm's: as exact as stated, nothing to link."""

import importlib
import math
import re
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.exports.c_text import elementary_functions
from tests.exports.cases import case
from tests.exports.compiled_c import SANITIZED, answered, compiled

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")

FUNCTIONS = ("exp", "expm1", "log", "log1p", "tanh", "erf", "sqrt", "sin", "cos")
LARGEST = 1.7976931348623157e308
MAIN = """
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <math.h>
#include "model.h"
int main(void)
{
    double x, y;
    while (scanf("%la %la", &x, &y) == 2)
        printf("%.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g\\n",
               model_exp(x), model_expm1(x),
               model_log(x), model_log1p(x), model_tanh(x), model_erf(x), model_sqrt(x),
               model_sin(x), model_cos(x), model_pow(x, y));
    return 0;
}
"""


def stated(name: str) -> float:
    """Return the worst error that the header states, in units in the last place."""
    (found,) = re.findall(rf"\b{name} ([\d.]+)", elementary_functions().split("*/")[0])
    return float(found)


def samples() -> np.ndarray:
    """Doubles of all bit patterns, and more of them where functions have their turns."""
    draw = np.random.default_rng(0)
    bits = draw.integers(0, 2**64, 9000, dtype=np.uint64).tolist()
    patterns = [struct.unpack("d", struct.pack("Q", entry))[0] for entry in bits]
    edges = [0.0, -0.0, 1.0, -1.0, 5e-324, 2.3e-308, LARGEST, -LARGEST, 709.78, -745.1, -708.5]
    edges += [0.3465, 0.3466, -0.29, 0.41, 2.0, 6.0, 22.0, math.sqrt(2), 1e-9, 40.0, -40.0]
    spread = [draw.uniform(-a, a, 3000) for a in (0.02, 0.7, 3.0, 30.0, 760.0)]
    near_1 = 1.0 + draw.uniform(-1.0, 1.0, 2000) * 2.0 ** draw.integers(-50, 0, 2000)
    found = np.concatenate([[p for p in patterns if math.isfinite(p)], edges, *spread, near_1])
    return np.asarray(found)


def last_place(value: float) -> float:
    return math.ulp(value) if math.isfinite(value) else math.ulp(LARGEST)


@pytest.mark.peers("mpmath")
def test_the_worst_errors_are_the_stated_ones(tmp_path: Path) -> None:
    x = samples()
    y = np.random.default_rng(1).integers(-8, 9, len(x)).astype(float)
    text = "\n".join(f"{a.hex()} {b.hex()}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    program = compiled(elementary_functions(), MAIN, tmp_path, SANITIZED, ())
    found = np.array(answered(program, text.encode()))
    worst = dict.fromkeys((*FUNCTIONS, "pow"), 0.0)
    mp = exact_arithmetic()
    with mp.workprec(200):
        for a, b, row in zip(x.tolist(), y.tolist(), found.tolist(), strict=True):
            for name, value in zip(worst, row, strict=True):
                outside = (name in ("log", "sqrt") and a < 0) or (name == "log1p" and a < -1)
                if outside:
                    assert math.isnan(value), (name, a)
                    continue
                if (name == "log" and a == 0) or (name == "log1p" and a == -1):
                    assert value == -math.inf
                    continue
                if name == "pow" and (a == 0 or abs(b * math.log(abs(a))) > 700):
                    continue
                exact = exact_value(mp, name, a, b)
                nearest = float(exact)
                if math.isinf(nearest) or math.isinf(value):
                    assert value == nearest, (name, a)
                    continue
                off = abs(mp.mpf(value) - exact) / last_place(nearest)
                worst[name] = max(worst[name], float(off))
    for name, error in worst.items():
        assert stated(name) / 3 < error <= stated(name), (name, error)


def exact_arithmetic() -> Any:
    """Return mpmath's context, which publishes no types."""
    return importlib.import_module("mpmath").mp


def exact_value(mp: Any, name: str, a: float, b: float) -> Any:
    if name == "pow":
        return mp.power(mp.mpf(a), int(b))
    if name == "exp" and a > 800:
        return mp.inf
    if name == "expm1" and abs(a) > 800:
        return mp.mpf(-1) if a < 0 else mp.inf
    if name == "exp" and a < -800:
        return mp.mpf(0)
    if name in ("tanh", "erf") and abs(a) > 40:
        return mp.mpf(math.copysign(1.0, a))
    return getattr(mp, name)(mp.mpf(a))


@pytest.mark.peers("mpmath")
def test_powers_that_are_not_whole_keep_the_stated_bound(tmp_path: Path) -> None:
    draw = np.random.default_rng(2)
    x, y = np.exp(draw.uniform(-200, 200, 5000)), draw.uniform(-3.5, 3.5, 5000)
    text = "\n".join(f"{a.hex()} {b.hex()}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    found = [
        row[-1]
        for row in answered(compiled(elementary_functions(), MAIN, tmp_path, [], ()), text.encode())
    ]
    mp = exact_arithmetic()
    with mp.workprec(200):
        for a, b, value in zip(x.tolist(), y.tolist(), found, strict=True):
            size = abs(b * math.log(a))
            if size < 700:
                exact = mp.power(mp.mpf(a), mp.mpf(b))
                assert abs(value / exact - 1) < 2.3e-16 * (4 + 2 * size)


def test_what_is_not_finite(tmp_path: Path) -> None:
    program = compiled(elementary_functions(), MAIN, tmp_path, SANITIZED, ())
    inf = math.inf
    rows = answered(program, b"inf 0.5\n-inf 3\nnan 1\n")
    assert rows[0][:7] == [inf, inf, inf, inf, 1.0, 1.0, inf]
    assert rows[0][-1] == inf
    assert all(math.isnan(value) for value in [*rows[0][7:9], *rows[1][7:9]])
    assert rows[1][:2] == [0.0, -1.0]
    assert rows[1][4:6] == [-1.0, -1.0]
    assert all(math.isnan(value) for value in [*rows[1][2:4], rows[1][6], *rows[2]])


@pytest.mark.parametrize(
    "name",
    ["activations", "gelu", "two classes, calibrated", "two classes, fast", "graph"],
)
def test_a_model_without_libm_answers_alike(name: str, tmp_path: Path) -> None:
    """Nothing is linked, and no symbol of libm is wanted."""
    header = str(cr.export(case(name).model, "c", libm=False))
    assert "No function of libm is called." in header
    main = """
#include <stdio.h>
#define MODEL_TEST_VECTORS
#include "model.h"
int main(void) { printf("%.17g\\n", model_test_vectors()); return 0; }
"""
    ((worst,),) = answered(compiled(header, main, tmp_path, [*SANITIZED, "-fno-builtin"], ()))
    assert worst < 1e-9
