"""Time of one training step against other libraries, equal arithmetic and equal threads.

    taskset -c 1 python -m benchmarks.step [--optimizer sgd|adam] [--rounds N] [--rows 4-16-3]
    python -m benchmarks.step --threads 2 --rows 8-128-128-1 784-128-10 784-512-512-10

Every program starts from the same weights and takes the same batches in the same order: sigmoid
everywhere, mean squared error, float32, no shuffle.  Final weights are compared before any time is
printed.  Peers take turns; the median over rounds counts.  scikit-learn has no sigmoid output, so
its weights are not compared: it stands for work of the same size.

With ``--threads N`` every program may use N threads, and the process N processors: JAX takes a
thread for each processor that it sees, whatever else it is told.
"""

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_first = argparse.ArgumentParser(add_help=False)
_first.add_argument("--threads", type=int, default=1)
THREADS: int = _first.parse_known_args()[0].threads

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, str(THREADS))
if THREADS == 1:
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
else:
    _processors = sorted(os.sched_getaffinity(0))
    if not 1 <= THREADS <= len(_processors):
        raise SystemExit(f"--threads {THREADS}: this process may use {len(_processors)} processors")
    os.sched_setaffinity(0, _processors[:THREADS])  # before any library makes its threads
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np  # noqa: E402 - the variables above are read when the libraries start

import chainrule as cr  # noqa: E402

ROWS: dict[str, tuple[list[int], int, tuple[float, float, float]]] = {
    "2-3-1": ([2, 3, 1], 4, (400, 1400, 5)),
    "4-16-3": ([4, 16, 3], 32, (120, 300, 8)),
    "4-32-16-4": ([4, 32, 16, 4], 200, (13, 24, 2.5)),
    "30-64-64-1": ([30, 64, 64, 1], 32, (12, 25, 1.8)),
    "64-100-10": ([64, 100, 10], 32, (11, 22, 2)),
    "8-128-128-1": ([8, 128, 128, 1], 256, (2.8, 3, 1.3)),
    "784-30-10": ([784, 30, 10], 10, (7.5, 20, 2.2)),
    "784-128-10": ([784, 128, 10], 128, (1.8, 1.85, 1.3)),
    "784-512-512-10": ([784, 512, 512, 10], 256, (1.6, 1.45, 1.2)),
}
"""Widths, batch, and the ratios to reach against scikit-learn, PyTorch and JAX."""

LARGE = ("8-128-128-1", "784-128-10", "784-512-512-10")
JAX_BY_THREADS = 1.2
"""The ratio to reach on two threads in the large rows."""

RATE = {"sgd": 0.1, "adam": 0.001}
TOLERANCE = {"sgd": 1e-4, "adam": 2e-2}
"""Largest difference of final weights, relative to the largest change of a weight.  Adam divides by
the root of a tiny second moment in its first steps, which magnifies the last bits of a gradient."""


@dataclass
class Task:
    """One row: data for a number of batches, and starting weights."""

    layers: list[int]
    batch: int
    optimizer: str
    batches: int

    def __post_init__(self) -> None:
        random = np.random.default_rng(0)
        count = self.batch * self.batches
        self.X = random.normal(size=(count, self.layers[0])).astype(np.float32)
        self.Y = random.uniform(0.1, 0.9, size=(count, self.layers[-1])).astype(np.float32)
        self.network = cr.Network.dense(self.layers)
        self.start = self.network.initialize(0, dtype=np.float32)

    @property
    def flops(self) -> int:
        pairs = list(zip(self.layers, self.layers[1:], strict=False))
        return sum((6 if place else 4) * self.batch * a * b for place, (a, b) in enumerate(pairs))


Program = Callable[[int], list[np.ndarray]]
"""Trains for that many epochs from the start and returns all weights."""


def ours(task: Task) -> Program:
    optimizer = {"sgd": cr.SGD, "adam": cr.Adam}[task.optimizer](RATE[task.optimizer])

    def run(epochs: int) -> list[np.ndarray]:
        result = cr.train(
            task.network,
            task.X,
            task.Y,
            parameters=task.start,
            optimizer=optimizer,
            batch_size=task.batch,
            epochs=epochs,
            shuffle=False,
            threads=THREADS,
            backend="compiled",
        )
        return list(result.parameters.values())

    return run


def by_hand(task: Task) -> Program:
    size = np.float32(2 / (task.batch * task.layers[-1]))
    rate = np.float32(RATE[task.optimizer])

    def run(epochs: int) -> list[np.ndarray]:
        values = [value.copy() for value in task.start.values()]
        first = [np.zeros_like(value) for value in values]
        second = [np.zeros_like(value) for value in values]
        steps = 0
        for _ in range(epochs):
            for begin in range(0, len(task.X), task.batch):
                A = [task.X[begin : begin + task.batch]]
                Y = task.Y[begin : begin + task.batch]
                for place in range(0, len(values), 2):
                    Z = A[-1] @ values[place]
                    Z += values[place + 1]
                    A.append(1 / (1 + np.exp(-Z)))
                error = A[-1] - Y
                np.mean(error * error)
                delta = size * error * A[-1] * (1 - A[-1])
                gradients: list[Any] = [None] * len(values)
                for place in range(len(values) - 2, -1, -2):
                    below = A[place // 2]
                    gradients[place] = below.T @ delta
                    gradients[place + 1] = delta.sum(axis=0)
                    if place:
                        delta = delta @ values[place].T * below * (1 - below)
                steps += 1
                for i, gradient in enumerate(gradients):
                    if task.optimizer == "sgd":
                        values[i] -= rate * gradient
                        continue
                    first[i] += np.float32(0.1) * (gradient - first[i])
                    second[i] += np.float32(0.001) * (gradient * gradient - second[i])
                    root = np.sqrt(second[i] / np.float32(1 - 0.999**steps)) + np.float32(1e-8)
                    values[i] -= rate / np.float32(1 - 0.9**steps) * first[i] / root
        return values

    return run


def pytorch(task: Task) -> Program:
    return _pytorch(task, compiled=False)


def torch_compile(task: Task) -> Program:
    return _pytorch(task, compiled=True)


def _pytorch(task: Task, *, compiled: bool) -> Program:
    import torch

    torch.set_num_threads(THREADS)
    X, Y = torch.from_numpy(task.X), torch.from_numpy(task.Y)
    batches = list(zip(X.split(task.batch), Y.split(task.batch), strict=True))
    parts: list[Any] = []
    for i, o in zip(task.layers, task.layers[1:], strict=False):
        parts += [torch.nn.Linear(i, o), torch.nn.Sigmoid()]
    model = torch.nn.Sequential(*parts)
    mean_squared = torch.nn.MSELoss()

    def forward(x: Any, y: Any) -> Any:
        return mean_squared(model(x), y)

    # Forward and, through its trace, backward.  Compiling the optimizer too, or the whole step,
    # took up to 10 % longer than the fused optimizer (4 % less at 64-100-10 with Adam).
    # Started afresh for each network: after eight shapes it would give up and run eagerly.
    if compiled:
        torch._dynamo.reset()
    loss = torch.compile(forward, dynamic=False) if compiled else forward

    def run(epochs: int) -> list[np.ndarray]:
        with torch.no_grad():
            for parameter, value in zip(model.parameters(), task.start.values(), strict=True):
                parameter.copy_(torch.from_numpy(value.T.copy()))
        kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
        kind: Any = kinds[task.optimizer]
        optimizer = kind(model.parameters(), lr=RATE[task.optimizer], fused=True)
        for _ in range(epochs):
            for x, y in batches:
                optimizer.zero_grad(set_to_none=True)
                loss(x, y).backward()
                optimizer.step()
        return [parameter.detach().numpy().T.copy() for parameter in model.parameters()]

    return run


def jax_scan(task: Task) -> Program:
    import jax
    import jax.numpy as jnp

    X = jnp.asarray(task.X.reshape(task.batches, task.batch, -1))
    Y = jnp.asarray(task.Y.reshape(task.batches, task.batch, -1))
    start = [jnp.asarray(value) for value in task.start.values()]
    rate = RATE[task.optimizer]

    def loss(values: Any, x: Any, y: Any) -> Any:
        for place in range(0, len(values), 2):
            x = jax.nn.sigmoid(x @ values[place] + values[place + 1])
        return jnp.mean((x - y) ** 2)

    def step(state: Any, batch: Any) -> Any:
        values, first, second, count = state
        value, gradients = jax.value_and_grad(loss)(values, *batch)
        count = count + 1
        if task.optimizer == "sgd":
            values = [v - rate * g for v, g in zip(values, gradients, strict=True)]
        else:
            first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients, strict=True)]
            second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradients, strict=True)]
            a, b = 1 - 0.9**count, 1 - 0.999**count
            values = [
                w - rate / a * m / (jnp.sqrt(v / b) + 1e-8)
                for w, m, v in zip(values, first, second, strict=True)
            ]
        return (values, first, second, count), value

    @jax.jit
    def epoch(state: Any) -> Any:
        return jax.lax.scan(step, state, (X, Y))

    def run(epochs: int) -> list[np.ndarray]:
        empty = [jnp.zeros_like(value) for value in start]
        if task.optimizer == "sgd":
            state: Any = (start, (), (), jnp.float32(0))
        else:
            state = (start, empty, empty, jnp.float32(0))
        for _ in range(epochs):
            state, _losses = epoch(state)
        return [np.asarray(value) for value in state[0]]

    return run


def scikit_learn(task: Task) -> Program:
    from sklearn.neural_network import MLPRegressor

    def run(epochs: int) -> list[np.ndarray]:
        model = MLPRegressor(
            hidden_layer_sizes=task.layers[1:-1],
            activation="logistic",
            solver=task.optimizer,
            alpha=0,
            batch_size=task.batch,
            learning_rate_init=1e-6,  # with an identity output it would diverge at ours
            max_iter=epochs,
            shuffle=False,
            momentum=0,
            nesterovs_momentum=False,
            tol=0,
            n_iter_no_change=10**9,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(task.X, task.Y if task.layers[-1] > 1 else task.Y[:, 0])
        return []

    return run


PEERS: dict[str, Callable[[Task], Program]] = {
    "chainrule": ours,
    "numpy": by_hand,
    "scikit-learn": scikit_learn,
    "pytorch": pytorch,
    "torch.compile": torch_compile,
    "jax": jax_scan,
}


def compare(task: Task, programs: dict[str, Program]) -> dict[str, float]:
    """Return the largest difference of final weights from NumPy's, relative to the change."""
    expected = programs["numpy"](1)
    start = list(task.start.values())
    change = max(float(np.abs(e - s).max()) for e, s in zip(expected, start, strict=True))
    differences = {}
    for name, program in programs.items():
        if name in ("numpy", "scikit-learn"):
            continue
        found = program(1)
        worst = max(float(np.abs(f - e).max()) for f, e in zip(found, expected, strict=True))
        differences[name] = worst / change
        if not differences[name] <= TOLERANCE[task.optimizer]:
            raise SystemExit(f"{task.layers}: {name} ends {differences[name]:.1e} from NumPy")
    return differences


def measure(task: Task, programs: dict[str, Program], rounds: int) -> dict[str, float]:
    """Return the median seconds per step, peers taking turns."""
    epochs = {}
    for name, program in programs.items():
        program(1)
        begin = time.perf_counter()
        program(2)
        epochs[name] = max(2, int(0.15 / ((time.perf_counter() - begin) / 2)))
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            begin = time.perf_counter()
            program(epochs[name])
            passed = time.perf_counter() - begin
            times[name].append(passed / (epochs[name] * task.batches))
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", nargs="*", default=list(ROWS))
    parser.add_argument("--without", nargs="*", default=[])
    parser.add_argument("--threads", type=int, default=1, help="for every program")
    arguments = parser.parse_args()
    told = "one thread" if THREADS == 1 else f"{THREADS} threads"
    print(f"ratio to each peer, bar in parentheses; {told}, float32,", arguments.optimizer)
    for row in arguments.rows:
        layers, batch, bars = ROWS[row]
        batches = max(8, min(256, 4_000_000 // (batch * layers[0])))
        task = Task(layers, batch, arguments.optimizer, batches)
        programs = {n: make(task) for n, make in PEERS.items() if n not in arguments.without}
        differences = compare(task, programs)
        times = measure(task, programs, arguments.rounds)
        mine = times["chainrule"]
        bar = dict(zip(("scikit-learn", "pytorch", "jax"), bars, strict=True))
        if THREADS > 1:
            bar = {"jax": JAX_BY_THREADS} if row in LARGE else {}
        ratios = "  ".join(
            f"{name} {seconds / mine:.4g}x" + (f" ({bar[name]:g})" if name in bar else "")
            for name, seconds in times.items()
            if name != "chainrule"
        )
        print(
            f"{row}, {batch}: {mine * 1e6:.3f} µs, {task.flops / mine / 1e9:.1f} GFLOP/s  {ratios}"
            f"  weights within {max(differences.values()):.0e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
