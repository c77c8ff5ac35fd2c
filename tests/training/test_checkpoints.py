"""Runs that are killed and resumed end with the bits of runs that were never interrupted."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import InputError, ModelFileError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(200, 5))
Y = np.tanh(X[:, :2])
HELD = (X[:50], Y[:50])


def noisy():
    """A network with dropout and running statistics."""
    features = cr.Input(5)
    hidden = cr.Dropout(0.2)(cr.BatchNorm()(cr.Dense(8, "relu")(features)))
    return cr.Network(features, cr.Dense(2, "identity")(hidden), "mse")


NETWORKS = {"dense": cr.Network.dense([5, 8, 2], "tanh"), "noisy": noisy()}
OPTIMIZERS = [
    cr.SGD(0.05), cr.SGD(0.05, momentum=0.9), cr.SGD(0.05, momentum=0.9, nesterov=True),
    cr.Adam(0.01), cr.AdamHat(0.01), cr.AdamW(0.01), cr.RMSprop(0.01),
]  # fmt: skip


def squared_error(targets, outputs, weights):
    return np.mean((targets - outputs) ** 2)


RULES = {
    "no rule": (None, None),
    "stops early": (cr.EarlyStopping(patience=3, tolerance=1e-3), None),
    "monitors a function": (cr.EarlyStopping(patience=30, monitor=squared_error), None),
    "cosine": (None, cr.CosineDecay()),
    "plateau": (cr.EarlyStopping(patience=40), cr.ReduceOnPlateau(patience=2)),
}


def interrupted(network, folder, stop, **settings):
    def end(epoch):
        if epoch.number == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cr.train(network, X, Y, checkpoint=folder, on_epoch=end, **settings)


def same(one, other):
    assert np.array_equal(one.parameters.flat, other.parameters.flat)
    assert one.history == other.history
    assert (one.best_epoch, one.stopped_early) == (other.best_epoch, other.stopped_early)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_resumed_run_has_the_bits_of_one_that_was_not_interrupted(
    network, optimizer, rule, tmp_path
):
    stopping, schedule = RULES[rule]
    settings = {
        "optimizer": optimizer, "batch_size": 32, "epochs": 14, "early_stopping": stopping,
        "schedule": schedule, "validation": HELD, "checkpoint_every": 2,
    }  # fmt: skip
    whole = cr.train(NETWORKS[network], X, Y, **settings)
    interrupted(NETWORKS[network], tmp_path / "states", 5, **settings)
    resumed = cr.train(
        NETWORKS[network], X, Y, checkpoint=tmp_path / "states", resume=True, **settings
    )
    same(resumed, whole)


@pytest.mark.parametrize("backend", ["compiled", "reference"])
def test_a_run_is_interrupted_again_and_again(backend, tmp_path):
    settings = {"epochs": 9, "backend": backend}
    whole = cr.train(NETWORKS["dense"], X, Y, **settings)
    for stop in range(1, 9):
        interrupted(NETWORKS["dense"], tmp_path, stop, resume=True, **settings)
    same(cr.train(NETWORKS["dense"], X, Y, checkpoint=tmp_path, resume=True, **settings), whole)
    again = cr.train(NETWORKS["dense"], X, Y, checkpoint=tmp_path, resume=True, **settings)
    same(again, whole)  # nothing is left to do


def test_progress_of_a_resumed_run_has_all_epochs(tmp_path):
    interrupted(NETWORKS["dense"], tmp_path, 4, epochs=8)
    seen = []
    result = cr.train(
        NETWORKS["dense"], X, Y, checkpoint=tmp_path, resume=True, epochs=8,
        on_progress=seen.append,
    )  # fmt: skip
    assert seen[-1].done == 8
    assert list(seen[-1].history["loss"]) == result.history["loss"]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"batch_size": 16}, "batch_size"),
        ({"epochs": 9}, "epochs 8, not 9; give the same network"),
        ({"seed": 1}, "seed 0, not 1;"),
        ({"shuffle": False}, "order"),
        ({"optimizer": cr.Adam(0.5)}, "optimizer"),
        ({"schedule": cr.CosineDecay()}, "schedule"),
        ({"early_stopping": True}, "early_stopping"),
        ({"Y": Y + 0.1}, "other data;"),
        ({"network": cr.Network.dense([5, 9, 2], "tanh")}, "network"),
        ({"network": cr.Network.dense([5, 8, 2], "sigmoid")}, "network"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(changed, named, tmp_path):
    settings = {"epochs": 8, "network": NETWORKS["dense"], "X": X, "Y": Y, "checkpoint": tmp_path}
    cr.train(**settings)
    with pytest.raises(InputError, match=f"is of a run with {named}") as caught:
        cr.train(**settings | changed, resume=True)
    assert "checkpoint.safetensors" in str(caught.value)
    cr.train(**settings | changed)  # without resume it is replaced


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path):
    whole = cr.train(NETWORKS["dense"], X, Y, epochs=8)
    interrupted(NETWORKS["dense"], tmp_path, 5, epochs=8)
    newest = tmp_path / "checkpoint.safetensors"
    data = newest.read_bytes()
    for damaged in (data[:100], data[:-1], data[:900] + b"x" + data[901:], b""):
        newest.write_bytes(damaged)
        resumed = cr.train(
            NETWORKS["dense"], X, Y, epochs=8, checkpoint=tmp_path, checkpoint_every=100,
            resume=True,
        )  # fmt: skip
        same(resumed, whole)
        newest.write_bytes(data)
        os.replace(newest, tmp_path / "previous.safetensors")
    for name in ("checkpoint", "previous"):
        (tmp_path / f"{name}.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelFileError, match=r"checkpoint\.safetensors: is not a safetensors file"):
        cr.train(NETWORKS["dense"], X, Y, epochs=8, checkpoint=tmp_path, resume=True)


def test_every_flipped_bit_of_a_checkpoint_is_found(tmp_path):
    network = cr.Network.dense([1, 1], "identity")
    cr.train(network, X[:9, :1], X[:9, 0], epochs=1, checkpoint=tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    data = path.read_bytes()
    whole = cr.train(network, X[:9, :1], X[:9, 0], epochs=1)
    for position in range(0, len(data) * 8, 37):
        flipped = bytearray(data)
        flipped[position // 8] ^= 1 << position % 8
        path.write_bytes(flipped)
        try:
            found = cr.train(
                network, X[:9, :1], X[:9, 0], epochs=1, checkpoint=tmp_path, resume=True
            )
        except ModelFileError:
            continue
        same(found, whole)  # a space of the header
        (tmp_path / "previous.safetensors").unlink(missing_ok=True)


def test_members_are_resumed(tmp_path):
    settings = {"folds": 3, "epochs": 6, "checkpoint": tmp_path}
    whole = cr.train_many(NETWORKS["dense"], X, Y, folds=3, epochs=6)

    def end(members):
        if any(member is not None and member.done > 1 for member in members):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cr.train_many(NETWORKS["dense"], X, Y, on_progress=end, **settings)
    resumed = cr.train_many(NETWORKS["dense"], X, Y, resume=True, **settings)
    for one, other in zip(resumed.members, whole.members, strict=True):
        same(one, other)


def table():
    x = RANDOM.normal(size=120)
    return pl.DataFrame({"x": x, "y": 3 * x + RANDOM.normal(size=120)})


def test_tables_are_resumed(tmp_path):
    frame = table()
    settings = {"preset": "fast", "epochs": 8}
    whole = cr.train_table(frame, "y", **settings).model

    def end(run):
        if any(member is not None and member.done > 2 for member in run.members):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cr.train_table(frame, "y", checkpoint=tmp_path, on_progress=end, **settings)
    resumed = cr.train_table(frame, "y", checkpoint=tmp_path, resume=True, **settings).model
    for one, other in zip(resumed.members, whole.members, strict=True):
        assert np.array_equal(one.parameters.flat, other.parameters.flat)
    with pytest.raises(InputError, match="`time_limit` must be None beside `checkpoint`"):
        cr.train_table(frame, "y", checkpoint=tmp_path, time_limit=5, **settings)


def test_the_command_line_goes_on_after_kill_9(tmp_path):
    table().write_csv(tmp_path / "t.csv")
    command = [sys.executable, "-m", "chainrule", "train", "t.csv", "--target", "y", "--epochs"]
    command += ["400", "--preset", "fast", "--quiet"]
    run = {"cwd": tmp_path, "check": True}
    subprocess.run([*command, "--output", "whole"], **run)
    states = tmp_path / "run.checkpoint"
    for wait in (0.0, 0.1, 0.3):
        options = ["--checkpoint-every", "1", "--output", "run", "--resume"]
        process = subprocess.Popen([*command, *options], cwd=tmp_path, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 30
        while not list(states.rglob("checkpoint.safetensors")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (tmp_path / "run").exists():
            break  # it was faster than the kill
    subprocess.run([*command, "--output", "run", "--resume"], **run)
    models = [cr.load(tmp_path / name) for name in ("whole", "run")]
    for one, other in zip(*(model.members for model in models), strict=True):
        assert np.array_equal(one.parameters.flat, other.parameters.flat)
    assert not states.exists()


KILLED = """
import sys, json
import numpy as np
import chainrule as cr
random = np.random.default_rng(0)
X = random.normal(size=(400, 5))
result = cr.train(cr.Network.dense([5, 16, 2], "tanh"), X, np.tanh(X[:, :2]), epochs=60,
                  optimizer=cr.Adam(0.01), checkpoint=sys.argv[1], resume=True)
print(json.dumps([result.parameters.flat.tolist(), result.history["loss"]]))
"""


def test_kill_9_at_random_moments(tmp_path):
    random = np.random.default_rng()
    command = [sys.executable, "-c", KILLED]
    done = subprocess.run([*command, str(tmp_path / "whole")], capture_output=True, check=True)
    expected = json.loads(done.stdout)
    for attempt in itertools.count():
        process = subprocess.Popen(
            [*command, str(tmp_path / "killed")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        folder = Path(tmp_path / "killed")
        deadline = time.monotonic() + 30
        while not folder.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        if attempt < 5:
            time.sleep(random.uniform(0.0, 0.15))
            process.send_signal(signal.SIGKILL)
        out, errors = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, errors.decode()
    assert json.loads(out) == expected
