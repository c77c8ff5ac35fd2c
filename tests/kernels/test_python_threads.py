"""Threads that train: the interpreter may end, other threads go on, and the bits stay the same."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import chainrule as cr

TRAINS = """
import threading, time
import numpy as np
import chainrule as cr
X = np.random.default_rng(0).normal(size=(2000, 20))
def work():
    while True:
        {work}
for _ in range({count}):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.5)
print("the end")
"""
WORKS = {
    "one long run": 'cr.train(cr.Network.dense([20, 32, 1], "tanh"), X, X[:, :1], epochs=10**6)',
    "many short runs": 'cr.train(cr.Network.dense([20, 4, 1], "tanh"), X[:9], X[:9, :1], epochs=2)',
    "an estimator": "cr.MLPRegressor(hidden_layer_sizes=(32,), max_iter=10**6, "
    "n_iter_no_change=10**6).fit(X, X[:, 0])",
}


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("work", WORKS)
def test_a_daemon_thread_that_trains_does_not_abort_the_process(work, count):
    """It aborted 10 of 10 times: Python ended the thread in the middle of C++ code."""
    ran = subprocess.run(
        [sys.executable, "-c", TRAINS.format(work=WORKS[work], count=count)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "the end\n"
    assert "terminate" not in ran.stderr


GENERATOR = np.random.default_rng(0)
X, Y = GENERATOR.normal(size=(300, 12)), GENERATOR.normal(size=(300, 3))
CONFIGURATIONS = {
    "wide": ([12, 200, 3], {"batch_size": None}),
    "wide, batches": ([12, 200, 3], {"batch_size": 64}),
    "odd sizes": ([12, 131, 67, 3], {"batch_size": 101}),
    "deep": ([12, 60, 60, 60, 3], {"batch_size": 150}),
    "adam": ([12, 150, 3], {"optimizer": "adam", "batch_size": 128}),
    "adamw": ([12, 150, 3], {"optimizer": "adamw", "batch_size": 128}),
    "momentum": ([12, 150, 3], {"optimizer": cr.SGD(0.05, momentum=0.9), "batch_size": 128}),
    "rows in order": ([12, 150, 3], {"shuffle": False, "batch_size": 100}),
    "weights of rows": ([12, 150, 3], {"sample_weight": np.arange(300) % 5 + 0.5}),
    "early stopping": ([12, 150, 3], {"early_stopping": True, "validation": (X[:77], Y[:77])}),
    "schedule": ([12, 150, 3], {"schedule": cr.CosineDecay(), "batch_size": None}),
    "one row at a time": ([12, 30, 3], {"batch_size": 1}),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_same_bits_for_1_to_16_threads(name):
    sizes, settings = CONFIGURATIONS[name]
    network = cr.Network.dense(sizes, "tanh")
    bits = {
        cr.train(network, X, Y, epochs=3, threads=threads, **settings).parameters.flat.tobytes()
        for threads in (1, 2, 3, 4, 5, 8, 12, 16)
    }
    assert len(bits) == 1


@pytest.mark.long
@pytest.mark.parametrize("seed", range(50))
def test_the_same_bits_in_twenty_runs_of_random_networks(seed):
    draw = np.random.default_rng(seed)
    hidden = draw.integers(20, 260, size=draw.integers(1, 4)).tolist()
    x = cr.Input(12)
    node = x
    for width in hidden:
        node = cr.Dense(width, str(draw.choice(["tanh", "relu", "silu", "sigmoid"])))(node)
        node = cr.Dropout(0.1)(node) if draw.uniform() < 0.3 else node
    network = cr.Network(x, cr.Dense(3)(node))
    settings = {
        "optimizer": str(draw.choice(["sgd", "adam", "adamw", "rmsprop"])),
        "batch_size": [None, 32, 64, 128, 201][draw.integers(5)],
        "parameters": network.initialize(seed, dtype=["float32", "float64"][draw.integers(2)]),
        "sample_weight": np.arange(300) % 3 + 1.0 if draw.uniform() < 0.3 else None,
    }
    bits = {
        cr.train(
            network, X, Y, epochs=2, threads=int(draw.integers(1, 17)), **settings
        ).parameters.flat.tobytes()
        for _ in range(20)
    }
    assert len(bits) == 1


def test_eight_fits_at_once_are_correct_and_another_thread_goes_on():
    network = cr.Network.dense([12, 150, 3], "tanh")

    def fit(seed):
        return cr.train(network, X, Y, epochs=40, seed=seed, threads=2).parameters.flat.tobytes()

    alone = [fit(seed) for seed in range(8)]
    ticks, stop = [], threading.Event()

    def count():
        while not stop.wait(0.001):
            ticks.append(time.perf_counter())

    counter = threading.Thread(target=count)
    counter.start()
    begun = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(fit, range(8)))
    passed = time.perf_counter() - begun
    stop.set()
    counter.join()
    assert together == alone
    assert len(ticks) > 20 * passed  # every 50 ms at least, of every 1 ms
