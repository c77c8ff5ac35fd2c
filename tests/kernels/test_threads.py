"""Threads: never a trace in the results, in any instruction set, after forks and side by side."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from hashlib import sha256

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError, InputTypeError
from chainrule.kernels import _core, threads
from chainrule.kernels.config import configuration
from chainrule.kernels.threads import threads_of
from chainrule.network import activations

COUNTS = (1, 2, 3, 4, 8)

# Steps of a millisecond on one thread and more, so that they are shared. Widths are no multiples
# of a register; the last batch is short.
RUNS = [
    ("wide", [70, 300, 203, 10], "relu", "log_loss", cr.SGD(0.1), (), 200),
    ("momentum", [33, 400, 5], "sigmoid", "mse", cr.SGD(0.1, momentum=0.9), cr.L2(0.01), 150),
    ("adam", [100, 257, 129, 1], "tanh", "mse", cr.Adam(0.01), (), 260),
    (
        "nesterov",
        [40, 90, 90, 3],
        "gelu",
        "huber",
        cr.SGD(0.1, momentum=0.9, nesterov=True),
        (),
        700,
    ),
    ("autoencoder", [300, 100, 300], "softplus", "mse", cr.RMSprop(0.01), cr.L1(0.001), 300),
    ("narrow", [200, 150, 2], "elu", "log_loss", cr.AdamW(0.01), (), 500),
]


def run_of(name, count, dtype, weighted=False):
    _, layers, activation, loss, optimizer, penalty, batch = next(r for r in RUNS if r[0] == name)
    last = "softmax" if loss == "log_loss" else "identity"
    network = cr.Network.dense(
        layers,
        activation=[*[activation] * (len(layers) - 2), last],
        loss=loss,
        penalty=penalty,
    )
    random = np.random.default_rng(7)
    samples = 2 * batch + 37
    X = random.normal(size=(samples, layers[0]))
    Y = random.uniform(0.05, 0.95, size=(samples, layers[-1]))
    Y /= Y.sum(axis=1, keepdims=True)
    result = cr.train(
        network,
        X,
        Y,
        parameters=network.initialize(0, dtype=dtype),
        optimizer=optimizer,
        batch_size=batch,
        epochs=2,
        seed=3,
        sample_weight=random.uniform(0.5, 1, size=samples) if weighted else None,
        validation=(X[:90], Y[:90]),
        threads=count,
        backend="compiled",
    )
    loss_now, gradients = cr.loss_and_gradients(network, result.parameters, X, Y, threads=count)
    outputs = cr.predict(network, result.parameters, X, threads=count)
    return result, loss_now, gradients, outputs


def digest(name, count, dtype):
    """Return a fingerprint of all bits that a run leaves, its history and a prediction included."""
    result, loss, gradients, outputs = run_of(name, count, dtype, weighted=name == "wide")
    bits = sha256()
    for array in (*result.parameters.values(), *gradients.values(), outputs):
        bits.update(np.ascontiguousarray(array).tobytes())
    for values in ([loss], *result.history.values()):
        bits.update(np.array(values).tobytes())
    return bits.hexdigest()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [run[0] for run in RUNS])
def test_the_number_of_threads_leaves_no_trace(name, dtype):
    assert len({digest(name, count, dtype) for count in COUNTS}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("level", _core.instruction_sets()[:-1])
def test_the_same_bits_in_every_instruction_set(level):
    program = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); from kernels.test_threads import *\n"
        "found = {f'{run[0]} {dtype}': sorted({digest(run[0], count, dtype) for count in COUNTS})"
        " for run in RUNS for dtype in ('float32', 'float64')}\n"
        "print(json.dumps([configuration()['instruction set'], found]))"
    )
    tests = os.path.dirname(os.path.dirname(__file__))
    done = subprocess.run(
        [sys.executable, "-c", program, tests],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "CHAINRULE_ISA": level},
    )
    assert done.returncode == 0, done.stderr
    used, found = json.loads(done.stdout)
    assert used == level
    assert {name: len(kinds) for name, kinds in found.items()} == dict.fromkeys(found, 1)


@pytest.mark.parametrize("name", sorted(activations.CATALOGUE))
def test_every_activation_predicts_the_same_with_threads(name):
    network = cr.Network.dense([60, 130, 120, 110], activation=name, loss="mse")
    parameters = network.initialize(1, dtype=np.float32)
    X = np.random.default_rng(2).normal(size=(1500, 60))
    alone = cr.predict(network, parameters, X, threads=1)
    for count in COUNTS[1:]:
        assert cr.predict(network, parameters, X, threads=count).tobytes() == alone.tobytes()


def helpers():
    """Return how many threads this process has beside those of Python."""
    return len(os.listdir("/proc/self/task")) - threading.active_count()


linux = pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")


@linux
def test_small_work_makes_no_thread():
    program = """
import os, sys
sys.path.insert(0, sys.argv[1])
import numpy as np, chainrule as cr
from kernels.test_threads import helpers, run_of
before = helpers()
network = cr.Network.dense([4, 16, 3])
random = np.random.default_rng(0)
cr.train(network, random.normal(size=(320, 4)), random.uniform(size=(320, 3)), threads=4)
assert helpers() == before, helpers()
run_of("adam", 4, "float32")
assert helpers() == before + 3, helpers()
"""
    tests = os.path.dirname(os.path.dirname(__file__))
    done = subprocess.run(
        [sys.executable, "-c", program, tests], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr  # and the process ends with helpers asleep
    assert not done.stderr


def fit_and_report(connection):
    connection.send(digest("adam", 2, "float64"))
    connection.close()


def child_of(context):
    """Return what a fit in a new process leaves; it is killed where it hangs."""
    here, there = context.Pipe()
    child = context.Process(target=fit_and_report, args=(there,))
    child.start()
    told = here.recv() if here.poll(120) else None
    child.join(30)
    if child.is_alive():
        child.kill()
    assert child.exitcode == 0
    return told


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:os.fork.* was called:RuntimeWarning")  # JAX's own threads
def test_a_fork_after_a_threaded_fit():
    expected = digest("adam", 2, "float64")
    context = multiprocessing.get_context("fork")
    for _ in range(3):
        assert child_of(context) == expected
    assert digest("adam", 4, "float64") == expected


@linux
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:os.fork.* was called:RuntimeWarning")  # JAX's own threads
def test_a_fork_during_a_threaded_fit():
    expected = digest("wide", 1, "float32")
    found = []
    stop = threading.Event()

    def fit():
        while not stop.is_set():
            found.append(digest("wide", 3, "float32"))

    other = threading.Thread(target=fit)
    other.start()
    try:
        for _ in range(5):
            time.sleep(0.02)
            child = os.fork()
            if child == 0:
                signal.alarm(60)
                os._exit(0 if digest("wide", 3, "float32") == expected else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        other.join()
    assert set(found) == {expected}


def test_fits_in_several_python_threads():
    names = [run[0] for run in RUNS]
    expected = {name: digest(name, 1, "float32") for name in names}
    wrong = []

    def fit(name):
        found = {digest(name, 2, "float32") for _ in range(3)}
        wrong.extend(found - {expected[name]})

    workers = [threading.Thread(target=fit, args=(name,)) for name in names]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_ctrl_c_reaches_a_threaded_run():
    program = """
import signal, threading, time, os
import numpy as np, chainrule as cr
network = cr.Network.dense([300, 300, 300], activation="relu", loss="mse")
X = np.random.default_rng(0).normal(size=(600, 300))
threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
begin = time.monotonic()
try:
    cr.train(network, X, X, batch_size=300, epochs=10**6, threads=3, backend="compiled")
except KeyboardInterrupt:
    print("told after", time.monotonic() - begin)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert "told after" in done.stdout or "KeyboardInterrupt" in done.stderr, done.stderr


def test_what_decides_the_number(monkeypatch):
    monkeypatch.delenv("CHAINRULE_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "processors", lambda: 6)
    assert threads_of() == 6
    monkeypatch.setattr(threads, "processors", lambda: 96)
    assert threads_of() == threads.MOST_BY_DEFAULT
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert threads_of() == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "4,2")
    assert threads_of() == threads.MOST_BY_DEFAULT
    monkeypatch.setenv("CHAINRULE_THREADS", " 5 ")
    assert threads_of() == 5
    assert configuration()["threads"] == "5"
    assert threads_of(3) == 3
    assert threads_of(np.int64(12)) == 12


def test_processors_are_those_of_the_process(monkeypatch):
    monkeypatch.setattr(threads, "_quota", lambda: 3)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(10)), raising=False)
    assert threads.processors() == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {7}, raising=False)
    assert threads.processors() == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [("150000 100000\n", 2), ("max 100000\n", 1 << 16), ("50000 100000\n", 1), ("", 1 << 16)],
)
def test_a_containers_quota(text, expected, monkeypatch, tmp_path):
    path = tmp_path / "cpu.max"
    path.write_text(text)
    monkeypatch.setattr(threads, "_QUOTA", path)
    assert threads._quota.__wrapped__() == expected


@pytest.mark.parametrize("text", ["0", "-2", "many", "2.5"])
def test_a_wrong_variable_is_named(text, monkeypatch):
    monkeypatch.setenv("CHAINRULE_THREADS", text)
    with pytest.raises(InputError, match=f"`CHAINRULE_THREADS` must be an integer.*, got '{text}'"):
        cr.predict(cr.Network.dense([1, 1]), {"W_1": [[1.0]], "b_1": [0.0]}, [[1.0]])


@pytest.mark.parametrize("backend", ["compiled", "reference"])
def test_a_wrong_argument_is_named(backend):
    network = cr.Network.dense([1, 1])
    for wrong, kind in ((0, InputError), (True, InputTypeError), ("2", InputTypeError)):
        with pytest.raises(kind, match=r"`threads` must be an integer of at least 1, got"):
            cr.train(network, [[1.0]], [[1.0]], threads=wrong, backend=backend)
