"""The training run as callers see it: early stopping, schedules, progress, Ctrl-C, bad input."""

import math
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import chainrule as cr
from benchmarks import denormals
from chainrule.errors import InputError, InputTypeError, NonFiniteLoss
from chainrule.kernels import _core
from tests.selection import sampled

BACKENDS = ["compiled", "reference"]
NETWORK = cr.Network.dense([3, 7, 2], activation="tanh")


def data_for(samples=60, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(samples, 3)), random.uniform(size=(samples, 2))


X, Y = data_for()
HELD = data_for(30, seed=9)


def train(backend="compiled", **settings):
    given = {"optimizer": cr.SGD(0.5, momentum=0.9), "epochs": 300, "batch_size": 16, **settings}
    return cr.train(NETWORK, X, Y, backend=backend, **given)


# -- early stopping --------------------------------------------------------------------------------


def ends_at(values, patience, tolerance):
    """Return the epoch in which scikit-learn's rule ends a run, from its own code's three lines."""
    best, count = math.inf, 0
    for epoch, value in enumerate(values, 1):
        count = count + 1 if value > best - tolerance else 0
        best = min(value, best)
        if count > patience:
            return epoch
    return None


@pytest.mark.parametrize("backend", BACKENDS)
def test_early_stopping_watches_the_validation_loss_and_gives_the_best_parameters(backend):
    result = train(backend, validation=HELD, early_stopping=True)
    losses = result.history["validation_loss"]
    assert ends_at(losses, 10, 1e-4) == len(losses) < 300
    assert result.stopped_early
    assert result.best_epoch == 1 + int(np.argmin(losses)) < len(losses)
    best = train(backend, validation=HELD, epochs=result.best_epoch)
    assert np.array_equal(result.parameters.flat, best.parameters.flat)
    assert best.best_epoch is None
    assert not best.stopped_early


@pytest.mark.parametrize("backend", BACKENDS)
def test_early_stopping_without_validation_watches_the_loss_and_may_keep_the_last(backend):
    rule = cr.EarlyStopping(patience=2, tolerance=0.005, restore_best=False)
    result = train(backend, early_stopping=rule)
    losses = result.history["loss"]
    assert ends_at(losses, 2, 0.005) == len(losses)
    last = train(backend, epochs=len(losses))
    assert np.array_equal(result.parameters.flat, last.parameters.flat)


def test_a_listener_of_every_epoch_changes_nothing():
    settings = {"validation": HELD, "early_stopping": cr.EarlyStopping(patience=3)}
    whole, epochs = train(**settings), []
    pieces = train(**settings, on_epoch=epochs.append)
    assert [epoch.number for epoch in epochs] == list(range(1, len(whole.history["loss"]) + 1))
    assert pieces.history == whole.history
    assert (pieces.best_epoch, pieces.stopped_early) == (whole.best_epoch, True)
    assert np.array_equal(pieces.parameters.flat, whole.parameters.flat)


# -- schedules -------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (cr.InverseScaling(0.5), lambda n: 0.5 / math.sqrt(1 + (n - 1) * 60)),
        (cr.StepDecay(every=3, factor=0.5), lambda n: 0.5 * 0.5 ** ((n - 1) // 3)),
        (cr.ExponentialDecay(0.9), lambda n: 0.5 * 0.9 ** (n - 1)),
        (cr.CosineDecay(0.1), lambda n: 0.05 + 0.225 * (1 + math.cos(math.pi * (n - 1) / 8))),
        (lambda n: 0.3 / n, lambda n: 0.3 / n),
    ],
    ids=["inverse", "step", "exponential", "cosine", "function"],
)
def test_a_schedule_is_the_rate_of_each_epoch(schedule, expected, backend):
    result = train(backend, schedule=schedule, epochs=8, optimizer=cr.SGD(0.5))
    rates = result.history["learning_rate"]
    assert rates == pytest.approx([expected(n) for n in range(1, 9)], rel=1e-14)
    # The same, an epoch at a time with that rate.
    parameters = NETWORK.initialize(0)
    for rate in rates:
        step = cr.train(
            NETWORK, X, Y, parameters=parameters, optimizer=cr.SGD(rate), epochs=1, shuffle=False
        )
        parameters = step.parameters
    plain = train(backend, schedule=schedule, epochs=8, optimizer=cr.SGD(0.5), shuffle=False,
                  batch_size=32)  # fmt: skip
    assert np.allclose(plain.parameters.flat, parameters.flat, rtol=0, atol=1e-12)


@pytest.mark.peers("torch")
def test_schedules_are_pytorchs():
    import torch

    for ours, kind, settings in (
        (cr.StepDecay(4, 0.3), torch.optim.lr_scheduler.StepLR, {"step_size": 4, "gamma": 0.3}),
        (cr.ExponentialDecay(0.8), torch.optim.lr_scheduler.ExponentialLR, {"gamma": 0.8}),
        (cr.CosineDecay(), torch.optim.lr_scheduler.CosineAnnealingLR, {"T_max": 12}),
    ):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.25)
        theirs, expected = kind(optimizer, **settings), []
        for _ in range(12):
            expected.append(theirs.get_last_lr()[0])
            optimizer.step()
            theirs.step()
        found = [ours.rate(n, start=0.25, epochs=12, samples=1) for n in range(1, 13)]
        assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_reduce_on_plateau_divides_the_rate_and_ends_the_run(backend):
    rule = cr.ReduceOnPlateau(divisor=10, patience=2, tolerance=1e-2, smallest=1e-3)
    result = train(backend, schedule=rule)
    rates = result.history["learning_rate"]
    assert sorted(set(rates), reverse=True) == [0.5, 0.5 / 10, 0.5 / 10 / 10, 0.5 / 10 / 10 / 10]
    assert rates[-1] <= 1e-3
    assert result.stopped_early
    assert result.best_epoch is None


# -- progress --------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("every", [False, True])
def test_progress_is_reported_at_most_twenty_times_a_second_and_completely(backend, every):
    done, times, epochs = [], [], {"compiled": 60_000, "reference": 120}[backend]
    if every:
        epochs //= 6 if backend == "compiled" else 1

    def on_progress(progress):
        times.append(time.monotonic())
        done.append(progress.done)
        latest = progress.epoch(progress.done)
        assert (latest.number, latest.of) == (progress.done, epochs)
        assert latest.validation_loss > 0
        assert len(progress.history["loss"]) == progress.done

    started = time.monotonic()
    listener = (lambda epoch: None) if every else None
    result = train(
        backend, epochs=epochs, validation=HELD, on_progress=on_progress, on_epoch=listener
    )
    seconds = time.monotonic() - started
    assert done == sorted(set(done)) or done[:-1] == sorted(set(done))
    assert done[-1] == epochs == len(result.history["loss"])
    assert 2 <= len(done) <= 20 * seconds + 1
    assert min(np.diff(times[:-1]), default=1.0) >= 0.045


def test_a_listener_has_the_callers_arithmetic():
    """Inside a run subnormal numbers count as zero; the code of the caller is not affected."""
    values = []
    train(epochs=60_000, on_progress=lambda progress: values.append(sys.float_info.min / 2))
    assert len(values) > 1
    assert min(values) > 0
    assert sys.float_info.min / 2 > 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_true_answer_to_progress_ends_the_run_after_an_epoch(backend):
    result = train(backend, epochs=10**6, on_progress=lambda progress: progress.done >= 2)
    done = len(result.history["loss"])
    assert 2 <= done < 10**6
    assert result.stopped_early
    assert np.array_equal(result.parameters.flat, train(backend, epochs=done).parameters.flat)


# -- ends that nobody planned ----------------------------------------------------------------------

STEPS = {
    "tiny steps": ([4, 16, 3], 32, 320, 0),
    "tiny steps, held out": ([4, 16, 3], 32, 32, 100),
    "large steps": ([784, 512, 512, 10], 512, 1024, 0),
    "held out, long": ([64, 256, 256, 10], 16, 16, 2_000_000),
    "a step at a time": ([4, 16, 3], 1, 10, 0),
    "a full batch": ([300, 800, 800, 10], 2000, 2000, 0),
}

CTRL_C = """
import signal, sys, threading, time
import numpy as np
import chainrule as cr
layers, batch, samples, held = eval(sys.argv[1])
network = cr.Network.dense(layers, activation="tanh")
random = np.random.default_rng(0)
def data(n):
    X = random.normal(size=(min(n, 4096), layers[0])).astype("f4")
    X = np.resize(X, (n, layers[0])) if n > 4096 else X
    return X, np.full((n, layers[-1]), 0.5, "f4")
X, Y = data(samples)
validation = data(held) if held else None
start = network.initialize(0, dtype=np.float32)
for _ in range(2):  # the first run makes the program
    step = time.perf_counter()
    cr.train(network, X, Y, parameters=start, epochs=1, batch_size=batch)
    step = (time.perf_counter() - step) / -(-samples // batch)
sent = []
def press():
    sent.append(time.perf_counter())
    signal.raise_signal(signal.SIGINT)
threading.Timer(0.6, press).start()
try:
    cr.train(network, X, Y, parameters=start, epochs=10**6, batch_size=batch,
             validation=validation, backend="compiled")
except KeyboardInterrupt as stopped:
    late = time.perf_counter() - sent[0]
    flat = stopped.result.parameters.flat
    assert np.isfinite(flat).all() and not np.array_equal(flat, start.flat)
    losses = stopped.result.history["loss"]
    assert "result" in stopped.__notes__[0] and stopped.result.stopped_early
    print(late, step, len(losses))
"""


@pytest.mark.parametrize("kind", sampled(STEPS, every=3))
def test_ctrl_c_is_answered_within_a_tenth_of_a_second(kind):
    for _ in range(3):  # another program may hold the processor in one of them
        done = subprocess.run(
            [sys.executable, "-c", CTRL_C, repr(STEPS[kind])], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        late, step, epochs = map(float, done.stdout.split())
        assert epochs > 0 or kind == "held out, long"
        if late <= 0.1:
            return
    raise AssertionError(f"{late:.3f} s after Ctrl-C; a step takes {step:.6f} s")


def interrupted_at(backend, **settings):
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        train(backend, epochs=10**7, **settings)
    timer.join()
    return caught.value.result


@pytest.mark.parametrize("backend", BACKENDS)
def test_ctrl_c_leaves_the_result_up_to_the_last_complete_step(backend):
    # One batch an epoch: the last complete step is the last of an epoch, or the first of the next.
    result = interrupted_at(backend, batch_size=None)
    done = len(result.history["loss"])
    assert done > 0
    ends = [train(backend, batch_size=None, epochs=n).parameters.flat for n in (done, done + 1)]
    assert any(np.array_equal(result.parameters.flat, end) for end in ends)


@pytest.mark.parametrize(
    "optimizer",
    [cr.Adam(0.001), pytest.param(cr.SGD(0.01, momentum=0.9), marks=pytest.mark.long)],
)
def test_a_long_step_is_undone_where_ctrl_c_ends_it(optimizer):
    # A step takes some tenths of a second, so that it is interrupted in its middle.
    network = cr.Network.dense([300, 800, 800, 10], "tanh")
    random = np.random.default_rng(0)
    X, Y = random.normal(size=(2000, 300)), random.uniform(-0.5, 0.5, size=(2000, 10))
    settings = {"optimizer": optimizer, "batch_size": None}
    cr.train(network, X, Y, epochs=1, **settings)
    for wait in (0.5, 0.77, 1.03):
        timer = threading.Timer(wait, signal.raise_signal, [signal.SIGINT])
        timer.start()
        with pytest.raises(KeyboardInterrupt) as caught:
            cr.train(network, X, Y, epochs=1000, **settings)
        timer.join()
        result = caught.value.result
        done = len(result.history["loss"])
        expected = network.initialize(0)
        if done:
            expected = cr.train(network, X, Y, epochs=done, **settings).parameters
        assert np.array_equal(result.parameters.flat, expected.flat)


def test_ctrl_c_with_early_stopping_leaves_the_best_parameters():
    result = interrupted_at(
        "compiled", validation=HELD, early_stopping=cr.EarlyStopping(patience=10**8)
    )
    losses = result.history["validation_loss"]
    assert result.best_epoch == 1 + int(np.argmin(losses))
    best = train(validation=HELD, epochs=result.best_epoch)
    assert np.array_equal(result.parameters.flat, best.parameters.flat)


def test_a_script_that_does_not_catch_ctrl_c_ends_by_the_signal():
    program = (
        "import threading, signal, chainrule as cr\n"
        "network = cr.Network.dense([2, 3, 1])\n"
        "cr.train(network, [[1.0, 2.0]], [0.5], epochs=1)\n"
        "threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()\n"
        "cr.train(network, [[1.0, 2.0]], [0.5], epochs=10**7)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == -signal.SIGINT
    assert "`result`" in done.stderr


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_that_diverges_has_a_result(backend):
    network = cr.Network.dense([2, 3, 1], activation="identity")
    data = np.full((8, 2), 3.0), np.zeros(8)
    settings = {"optimizer": cr.SGD(1e-3), "batch_size": None, "backend": backend}
    with pytest.raises(NonFiniteLoss) as caught:
        cr.train(network, *data, schedule=lambda n: 1e-3 if n < 5 else 1e6, epochs=99, **settings)
    result = caught.value.result
    assert len(result.history["loss"]) >= 5
    assert np.isfinite(result.parameters.flat).all()
    rule = cr.EarlyStopping(patience=1000)
    with pytest.raises(NonFiniteLoss) as caught:
        cr.train(network, *data, schedule=lambda n: 1e-3 if n < 5 else 1e6, epochs=99,
                 early_stopping=rule, **settings)  # fmt: skip
    best = int(np.argmin(caught.value.result.history["loss"])) + 1
    expected = cr.train(network, *data, schedule=lambda n: 1e-3 if n < 5 else 1e6, epochs=best,
                        **settings)  # fmt: skip
    assert caught.value.result.best_epoch == best
    assert np.array_equal(caught.value.result.parameters.flat, expected.parameters.flat)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_subnormal_numbers_do_not_slow_a_run(dtype):
    assert max(denormals.ratios(dtype).values()) <= 1.5


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            {"early_stopping": 5},
            InputTypeError,
            r"`early_stopping` must be True, False or EarlyStopping.*got 5",
        ),
        (
            {"early_stopping": cr.EarlyStopping(monitor="validation_loss")},
            InputError,
            "`monitor` must be 'loss' without validation",
        ),
        (
            {"schedule": "adaptive"},
            InputTypeError,
            "`schedule` must be .*ReduceOnPlateau.*'adaptive'",
        ),
        (
            {"schedule": lambda epoch: -1.0},
            InputError,
            "`schedule` must return .* got -1.0 for epoch 1",
        ),
        (
            {"schedule": lambda epoch: None if epoch == 3 else 0.1},
            InputError,
            "`schedule` must return .* got None for epoch 3",
        ),
    ],
)
def test_bad_settings_are_refused(settings, error, message):
    for backend in BACKENDS:
        with pytest.raises(error, match=message):
            train(backend, **settings)


@pytest.mark.parametrize(
    "make",
    [
        lambda: cr.EarlyStopping(patience=-1),
        lambda: cr.EarlyStopping(patience=True),
        lambda: cr.EarlyStopping(tolerance=-1e-3),
        lambda: cr.EarlyStopping(monitor="accuracy"),  # type: ignore[arg-type]
        lambda: cr.ReduceOnPlateau(divisor=1),
        lambda: cr.ReduceOnPlateau(smallest=0),
        lambda: cr.InverseScaling(-1),
        lambda: cr.StepDecay(every=0),
        lambda: cr.ExponentialDecay(0),
        lambda: cr.CosineDecay(1.0),
    ],
)
def test_bad_constants_are_refused(make):
    with pytest.raises(InputError):
        make()


@pytest.mark.slow
def test_each_instruction_set_runs_all_of_it():
    program = (
        "import sys; sys.path[:0] = ['tests/training', 'tests/kernels']\n"
        "import test_loop as t, test_trainer as r\n"
        "from chainrule.kernels import _core\n"
        "t.test_early_stopping_watches_the_validation_loss_and_gives_the_best_parameters("
        "'compiled')\n"
        "t.test_reduce_on_plateau_divides_the_rate_and_ends_the_run('compiled')\n"
        "for rule in r.RULES.values(): r.test_stopping_is_the_same_in_both_backends(rule)\n"
        "r.test_the_legacy_order_is_scikit_learns_and_leaves_the_random_state_where_numpy_would()\n"
        "r.test_every_order_is_the_same_in_both_backends()\n"
        "print(_core.in_use())\n"
    )
    for name in _core.instruction_sets():
        environment = {**os.environ, "CHAINRULE_ISA": name}
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == name
