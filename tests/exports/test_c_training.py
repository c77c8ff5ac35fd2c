"""A header that goes on learning has our loss curve, our parameters and our predictions."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import InputError
from chainrule.exports.export_model import c_program
from tests.exports.cases import mixed, of_table
from tests.exports.compiled_c import SANITIZED, answered, compiled

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")

STEPS = 100
FLAGS = [*SANITIZED, "-Wconversion", "-Wdouble-promotion", "-Wno-sign-conversion"]
MAIN = """
#include <stdio.h>
#include "model.h"
int main(void)
{
    static MODEL_TYPE parameters[MODEL_PARAMETERS];
    double numbers[MODEL_BATCH * (MODEL_NUMBERS + 1)], targets[MODEL_BATCH * MODEL_TARGETS];
    double outputs[MODEL_OUTPUTS], rate;
    static char words[MODEL_BATCH * MODEL_TEXTS + 1][64];
    const char *texts[MODEL_BATCH * MODEL_TEXTS + 1] = {NULL};
    int steps, step, i;
    model_start(parameters);
    if (scanf("%d %lf", &steps, &rate) != 2) return 1;
    for (step = 0; step < steps; ++step) {
        for (i = 0; i < MODEL_BATCH * MODEL_NUMBERS; ++i)
            if (scanf("%lf", &numbers[i]) != 1) return 1;
        for (i = 0; i < MODEL_BATCH * MODEL_TEXTS; ++i) {
            if (scanf("%63s", words[i]) != 1) return 1;
            texts[i] = words[i];
        }
        for (i = 0; i < MODEL_BATCH * MODEL_TARGETS; ++i)
            if (scanf("%lf", &targets[i]) != 1) return 1;
        printf("%.17g\\n", (double)model_train_step(parameters, numbers, texts, targets,
                                                   (MODEL_TYPE)rate));
    }
    for (i = 0; i < MODEL_PARAMETERS; ++i) printf("%.17g ", (double)parameters[i]);
    printf("\\n");
    model_predict(parameters, numbers, texts, outputs);
    for (i = 0; i < MODEL_OUTPUTS; ++i) printf("%.17g ", outputs[i]);
    printf("\\n");
    return 0;
}
"""


def learned_in_c(
    model: Any,
    X: np.ndarray,
    T: np.ndarray,
    rate: float,
    batch: int,
    folder: Path,
    words: Any = (),
    **options: Any,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the losses of steps on the rows, batch by batch; the parameters; an answer."""
    header = str(cr.export(model, "c", training=True, **options))
    real = "float" if "float model_train_step" in header else "double"
    main = f"#define MODEL_BATCH {batch}\n{MAIN.replace('MODEL_TYPE', real)}"
    linked = () if options.get("libm") is False else ("-lm",)
    program = compiled(header, main, folder, FLAGS, linked)
    steps = len(X) // batch
    parts = [f"{steps} {rate!r}"]
    for step in range(steps):
        rows = slice(step * batch, (step + 1) * batch)
        parts += [*map(repr, X[rows].ravel().tolist()), *words[rows]]
        parts += map(repr, T[rows].ravel().tolist())
    lines = answered(program, "\n".join(parts).encode())
    return np.ravel(lines[:steps]), np.array(lines[steps]), np.array(lines[steps + 1])


def learned_here(
    network: cr.Network, parameters: Any, X: Any, T: Any, rate: float, batch: int
) -> tuple[np.ndarray, Any]:
    """Return the losses of the same steps with cr.train, one call for each, and the parameters."""
    losses = []

    def some(given: Any, start: int) -> Any:
        parts = [
            part[start : start + batch] for part in (given if isinstance(given, list) else [given])
        ]
        return parts if isinstance(given, list) else parts[0]

    for start in range(0, len(T[0]) if isinstance(T, list) else len(T), batch):
        result = cr.train(
            network,
            some(X, start),
            some(T, start),
            parameters=parameters,
            optimizer=cr.SGD(rate),
            batch_size=batch,
            epochs=1,
            shuffle=False,
        )
        losses += result.history["loss"]
        parameters = result.parameters
    return np.array(losses), parameters


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def one_hot(codes: np.ndarray, count: int) -> np.ndarray:
    return np.eye(count)[codes]


def a_graph() -> cr.Network:
    x = cr.Input(3)
    h = cr.Dense(5, "silu")(x)
    h = h + cr.Dense(5, "gelu")(h)
    return cr.Network(x, cr.Dense(2)(cr.LayerNorm()(h)), "huber")


NETWORKS = {
    "mse": lambda: cr.Network.dense([3, 6, 5, 2], "tanh", "mse"),
    "half_mse, mish": lambda: cr.Network.dense([3, 6, 2], ["mish", "identity"], "half_mse"),
    "mae": lambda: cr.Network.dense([3, 6, 2], ["softplus", "identity"], "mae"),
    "softmax": lambda: cr.Network.dense([3, 6, 3], "relu", "log_loss"),
    "sigmoid": lambda: cr.Network.dense([3, 6, 2], ["elu", "sigmoid"], "log_loss"),
    "poisson": lambda: cr.Network.dense([3, 6, 2], ["swish", "exponential"], "poisson"),
    "no hidden layer": lambda: cr.Network.dense([3, 2], "identity", "mse"),
    "penalties": lambda: cr.Network.dense(
        [3, 6, 2], "tanh", "mse", penalty=[cr.L2(0.1), cr.L1(0.01)]
    ),
    "frozen": lambda: cr.Network.dense([3, 6, 2], "tanh", "mse").with_trainable(
        {"W_ih": False, "b_ho": "shared"}
    ),
    "graph": a_graph,
}


@pytest.mark.parametrize(
    ("dtype", "tolerance", "batch"),
    [
        ("float64", 1e-11, 4),
        ("float32", 2e-4, 1),
        pytest.param("float64", 1e-11, 1, marks=pytest.mark.long),
        pytest.param("float32", 2e-4, 4, marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_loss_curve_is_ours(
    name: str, batch: int, dtype: Any, tolerance: float, tmp_path: Path
) -> None:
    network = NETWORKS[name]()
    X, width = draw(STEPS * batch, 3), network.outputs[0].width
    T = one_hot(np.arange(len(X)) % 3, 3) if name == "softmax" else (draw(len(X), width) > 0) * 1.0
    start = network.initialize(seed=1, dtype=dtype)
    losses, parameters, _ = learned_in_c((network, start), X, T, 0.05, batch, tmp_path)
    expected, result = learned_here(network, start, X, T, 0.05, batch)
    assert len(losses) == STEPS
    assert losses == pytest.approx(expected, rel=tolerance, abs=tolerance)
    assert parameters == pytest.approx(result.flat, rel=tolerance, abs=tolerance)
    assert len(set(np.round(losses, 6))) > STEPS / 2  # it moves


def test_a_header_without_libm_learns_alike(tmp_path: Path) -> None:
    network = a_graph()
    start = network.initialize(seed=1)
    X, T = draw(STEPS, 3), draw(STEPS, 2)
    losses, parameters, _ = learned_in_c((network, start), X, T, 0.05, 1, tmp_path, libm=False)
    expected, result = learned_here(network, start, X, T, 0.05, 1)
    assert losses == pytest.approx(expected, rel=1e-10)
    assert parameters == pytest.approx(result.flat, rel=1e-10, abs=1e-12)


def codes_and_two_heads() -> tuple[cr.Network, list[np.ndarray], list[np.ndarray]]:
    x, k = cr.Input(2), cr.Categories(4)
    h = cr.Dense(5, "tanh")(x, cr.Embedding(2)(k))
    heads = [cr.Dense(2)(h), cr.Dense(1, "sigmoid")(h)]
    network = cr.Network([x, k], heads, ["mse", "log_loss"], loss_weights=[0.5, 2.0])
    codes = np.arange(2 * STEPS) % 4
    return network, [draw(2 * STEPS, 2), codes], [draw(2 * STEPS, 2), (codes == 1) * 1.0]


def weights_of_two_layers() -> tuple[cr.Network, list[np.ndarray], list[np.ndarray]]:
    x, other = cr.Input(3), cr.Input(4)
    encoder = cr.Dense(4, "tanh")
    h = encoder(x)
    heads = [cr.Dense(1)(h), cr.Tied(encoder)(h * cr.Scale()(other))]
    network = cr.Network([x, other], heads, ["mse", "mse"])
    rows = 2 * STEPS
    return network, [draw(rows, 3), draw(rows, 4)], [draw(rows), draw(rows, 3)]


@pytest.mark.parametrize("make", [codes_and_two_heads, weights_of_two_layers])
def test_several_inputs_and_heads_learn(make: Any, tmp_path: Path) -> None:
    network, inputs, targets = make()
    start = network.initialize(seed=1)
    X, T = np.column_stack(inputs), np.column_stack(targets)
    losses, parameters, _ = learned_in_c((network, start), X, T, 0.1, 2, tmp_path)
    expected, result = learned_here(network, start, inputs, targets, 0.1, 2)
    assert losses == pytest.approx(np.array(expected), rel=1e-10)
    assert parameters == pytest.approx(result.flat, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("target", ["two", "three", "number"])
def test_a_table_model_learns_from_cells(target: str, tmp_path: Path) -> None:
    """Cells are preprocessed in C; a target is the index of a class or a number in its own unit."""
    frame = mixed().select(pl.col(mixed().columns[1]).alias("x"), "code", target)
    frame = frame.filter(pl.col("code") != "ä").head(STEPS)
    model = of_table(cr.train_table(frame, target, hidden=(6,), epochs=2, seed=0), frame, 0.0).model
    (member,) = model.members
    matrix = model.transform(frame).matrix
    if model.classes is None:
        T = frame[target].to_numpy()
        Y = (T - np.array(model.scaler.mean)) / np.array(model.scaler.deviation)
    else:
        T = np.array([model.classes.index(label) for label in frame[target].to_list()], float)
        Y = T if len(model.classes) == 2 else one_hot(T.astype(int), len(model.classes))
    X, words = frame["x"].to_numpy(), frame["code"].to_list()
    losses, parameters, answer = learned_in_c(model, X, T, 0.05, 1, tmp_path, words)
    expected, result = learned_here(member.network, member.parameters, matrix, Y, 0.05, 1)
    assert losses == pytest.approx(expected, rel=1e-9)
    assert parameters == pytest.approx(result.flat, rel=1e-9, abs=1e-11)
    (after,) = cr.predict(member.network, result, matrix[-1:])
    if model.classes is None:
        after = after * model.scaler.deviation + model.scaler.mean
        (low, high), *_ = model.limits or ((-np.inf, np.inf),)
        after = np.clip(after, low, high)
    elif len(model.classes) == 2:
        after = np.array([1.0 - after[0], after[0]])
    assert answer == pytest.approx(after, rel=1e-9)


WRONG = """
#include <stdio.h>
#include "model.h"
int main(void)
{
    static float parameters[MODEL_PARAMETERS];
    const double numbers[2] = {0.1, 0.2}, targets[] = {-1.0, 3.0, 0.5, NAN, INFINITY, 2.0};
    int i, row;
    model_start(parameters);
    for (row = 0; row < 6; ++row) {
        const float loss = model_train_step(parameters, numbers, NULL, targets + row, 0.1f);
        int changed = 0;
        for (i = 0; i < MODEL_PARAMETERS; ++i) changed += parameters[i] != model_parameters[i];
        printf("%d %d\\n", loss == loss, changed > 0);
    }
    return 0;
}
"""


def test_a_class_that_is_none_changes_nothing(tmp_path: Path) -> None:
    X = draw(60, 2).astype(np.float32)
    labels = np.array(["a", "b", "c"])[np.arange(60) % 3]
    model = cr.MLPClassifier(hidden_layer_sizes=(3,), max_iter=2, random_state=0)
    with pytest.warns(UserWarning, match="converged"):
        model.fit(X, labels)
    program = compiled(str(cr.export(model, "c", training=True)), WRONG, tmp_path, FLAGS)
    assert answered(program) == [[0, 0]] * 5 + [[1, 1]]


VECTORS = """
#include <stdio.h>
#define MODEL_TEST_VECTORS
#include "model.h"
int main(void) { printf("%.17g\\n", model_test_vectors()); return 0; }
"""


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.long)])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_stated_worst_error_holds(name: str, dtype: Any, tmp_path: Path) -> None:
    network = NETWORKS[name]()
    header = c_program((network, network.initialize(seed=0, dtype=dtype)), training=True)
    (stated,) = re.findall(r"differ by (\S+) at most", header.text)
    ((worst,),) = answered(compiled(header.text, VECTORS, tmp_path, FLAGS))
    assert worst <= float(stated) < (1e-5 if dtype == "float32" else 1e-12)


def test_figures_are_those_of_the_arrays() -> None:
    network = cr.Network.dense([4, 16, 3], "tanh", "log_loss")
    header = str(
        cr.export((network, network.initialize(seed=0, dtype="float32")), "c", training=True)
    )
    assert f"Constants: {4 * 131} bytes" in header
    assert f"{4 * 131} bytes of RAM" in header
    assert "float work[MODEL_BATCH * " in header
    assert "malloc" not in header
    # A step stores activations and their cotangents, never a gradient of the weights.
    bytes_of_step = int(header.split(" bytes of stack while a step runs")[0].split()[-1])
    assert bytes_of_step < 4 * 131


def dropped() -> cr.Network:
    x = cr.Input(2)
    return cr.Network(x, cr.Dense(1)(cr.Dropout(0.5)(x)))


def normalized() -> cr.Network:
    x = cr.Input(2)
    return cr.Network(x, cr.Dense(1)(cr.BatchNorm()(x)))


def test_what_cannot_learn_is_refused_by_name() -> None:
    for network, named in ((dropped(), "Dropout"), (normalized(), "BatchNorm")):
        with pytest.raises(InputError, match=f"`training` must be False .*{named}"):
            cr.export((network, network.initialize(seed=0)), "c", training=True)
    frame = mixed().select("code", "number")
    run = cr.train_table(frame, "number", preset="fast", epochs=1, seed=0)
    with pytest.raises(InputError, match="`training` must be False"):
        cr.export(run, "c", training=True)
