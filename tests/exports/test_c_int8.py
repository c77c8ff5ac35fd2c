"""Weights of 8 bits: the loss of accuracy is the stated one, and that of an own evaluation."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError
from chainrule.exports.export_model import c_program
from tests.exports.cases import case
from tests.exports.compiled_c import SANITIZED, answered, compiled

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")

MAIN = """
#include <stdio.h>
#define MODEL_TEST_VECTORS
#include "model.h"
int main(void)
{
    double numbers[MODEL_NUMBERS + 1], outputs[MODEL_OUTPUTS];
    int i;
    printf("%.17g\\n", model_test_vectors());
    while (scanf("%lf", &numbers[0]) == 1) {
        for (i = 1; i < MODEL_NUMBERS; ++i) if (scanf("%lf", &numbers[i]) != 1) return 1;
        model_predict(numbers, NULL, outputs);
        for (i = 0; i < MODEL_OUTPUTS; ++i) printf("%.17g ", outputs[i]);
        printf("\\n");
    }
    return 0;
}
"""
FLAGS = [*SANITIZED, "-Wdouble-promotion"]


def by_hand(weights: list[np.ndarray], biases: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    """Return softmax(W₂ tanh(W₁ x)) with every column of W in 255 levels, and its step."""
    for number, (w, b) in enumerate(zip(weights, biases, strict=True)):
        step = np.abs(w).max(axis=0) / 127
        levels = np.round(w / step)
        assert np.abs(levels).max() == 127
        x = x @ (levels * step) + b
        x = np.tanh(x) if number + 1 < len(weights) else np.exp(x) / np.exp(x).sum(1, keepdims=True)
    return x


def test_the_answers_are_those_of_the_quantized_network(tmp_path: Path) -> None:
    network = cr.Network.dense([5, 24, 12, 3], "tanh", "log_loss")
    parameters = network.initialize(seed=0)
    draw = np.random.default_rng(0)
    for array in parameters.values():
        array += draw.normal(0.0, 0.3, array.shape)
    X = draw.normal(size=(200, 5))
    header = c_program((network, parameters), int8=True)
    program = compiled(header.text, MAIN, tmp_path, FLAGS)
    text = "\n".join(" ".join(map(repr, row)) for row in X.tolist())
    (worst,), *rows = answered(program, text.encode())
    arrays = list(parameters.values())
    expected = by_hand(arrays[::2], arrays[1::2], X)
    assert np.array(rows) == pytest.approx(expected, abs=5e-6)  # products in single precision
    plain = cr.predict(network, parameters, X)
    assert 1e-4 < np.abs(expected - plain).max() < 0.05
    assert worst == pytest.approx(header.worst, abs=1e-7)
    count = 5 * 24 + 24 * 12 + 12 * 3
    assert header.flash == count + 4 * (24 + 12 + 3) + 8 * (24 + 12 + 3)
    assert header.flash < 0.3 * c_program((network, parameters)).flash


@pytest.mark.parametrize(
    "name", ["iris, hidden", "numbers, hidden", "two classes, fast", "two classes, calibrated"]
)
def test_the_stated_loss_of_accuracy_holds(name: str, tmp_path: Path) -> None:
    header = c_program(case(name).model, int8=True, libm=False)
    (stated,) = re.findall(r"differ by (\S+) at most", header.text)
    ((worst,),) = answered(compiled(header.text, MAIN, tmp_path, FLAGS, ()))
    scale = max(1.0, float(np.abs(case(name).outputs).max()))
    assert float(stated) < 1.2 * worst
    assert worst <= float(stated) + 1e-7 * scale
    assert worst > 1e-6  # something was lost
    assert worst < 0.1 * scale
    assert f"Constants: {header.flash} bytes" in header.text
    assert f"Working memory: {header.ram} bytes" in header.text


def test_columns_of_zeros_and_tiny_weights_are_kept(tmp_path: Path) -> None:
    network = cr.Network.dense([2, 3], "identity")
    w = np.array([[0.0, 1e-60, 3.0], [0.0, 1e-60, -1.5]])
    header = c_program((network, {"W_1": w, "b_1": [1.0, 2.0, 3.0]}), int8=True)
    program = compiled(header.text, MAIN, tmp_path, FLAGS)
    _, row = answered(program, b"2.0 4.0")
    assert row == pytest.approx([1.0, 2.0, 3.0 + 6.0 - 6.0], abs=0.06)


def test_weights_that_8_bits_hold_lose_what_single_precision_rounds(tmp_path: Path) -> None:
    network = cr.Network.dense([3, 1], "identity")
    header = c_program((network, {"W_1": [[127.0], [3.0], [-50.0]], "b_1": [0.1]}), int8=True)
    (stated,) = re.findall(r"differ by (\S+) at most", header.text)
    ((worst,),) = answered(compiled(header.text, MAIN, tmp_path, FLAGS))
    assert 1e-8 < worst <= float(stated) < 1e-4


def test_two_options_that_clash_and_a_model_without_products_are_refused() -> None:
    model = case("iris, hidden").model
    with pytest.raises(InputError, match="`int8` must be False where `training` is True"):
        cr.export(model, "c", training=True, int8=True)
    x = cr.Input(2)
    network = cr.Network(x, cr.Scale()(x))
    with pytest.raises(InputError, match="without a product of weights"):
        cr.export((network, network.initialize(seed=0)), "c", int8=True)
