"""The time of a small fit, and what of it is not arithmetic.

    taskset -c 0 python -m benchmarks.small_fit

Iris's shape: 150 samples, 4-16-3, rectifier and softmax, float64, Adam, all samples in one batch,
200 epochs in scikit-learn's order, a rule that watches the loss. Best of many, in microseconds.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.kernels.compiled_trainer import CompiledTrainer
from chainrule.kernels.orders import UNSHUFFLED, Legacy, Order
from chainrule.kernels.stopping import Stopping
from chainrule.kernels.trainer import Run

SAMPLES, EPOCHS = 150, 200


def best(task: Callable[[], Any], repeats: int = 300) -> float:
    """Return the shortest time of a task in microseconds."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        task()
        times.append(time.perf_counter() - started)
    return 1e6 * min(times)


def main() -> None:
    random = np.random.default_rng(0)
    network = cr.Network.dense(
        [4, 16, 3], activation=["relu", "softmax"], loss="log_loss", penalty=cr.L2(1e-4 / SAMPLES)
    )
    X = random.normal(size=(SAMPLES, 4))
    Y = np.eye(3)[random.integers(0, 3, SAMPLES)]
    start, optimizer = network.initialize(0), cr.AdamHat(0.001)
    random_state = np.random.RandomState(0)
    rule = Stopping(patience=EPOCHS, tolerance=1e-4)

    def trainer(order: Order | None = None) -> CompiledTrainer:
        data = {"X": X, network.names.target: Y}
        chosen = order or Legacy(random_state)
        run = Run(network, optimizer, start.copy(), data, SAMPLES, chosen, stopping=(rule,))
        return CompiledTrainer(run)

    ready = trainer(UNSHUFFLED)

    def fit(order: Order | None, epochs: int) -> float:
        return best(lambda: trainer(order).run(1, epochs))

    rows = {
        "Run and trainer": best(trainer),
        "a call of one epoch": best(lambda: ready.run(1, 1)),
        "of which the step": best(lambda: ready.runner.machine.step(ready.runner.sources, 0, 150)),
        "a fit of one epoch": fit(None, 1),
        f"a fit of {EPOCHS} epochs": fit(None, EPOCHS),
        "the same without shuffling": fit(UNSHUFFLED, EPOCHS),
        f"NumPy: {EPOCHS} shuffles alone": best(
            lambda: [random_state.shuffle(np.arange(SAMPLES)) for _ in range(EPOCHS)]
        ),
        "cr.train, one epoch": best(
            lambda: cr.train(
                network, X, Y, parameters=start, optimizer=optimizer, epochs=1, batch_size=None
            )
        ),
    }
    for name, microseconds in rows.items():
        print(f"{name:32s}{microseconds:9.1f}")


if __name__ == "__main__":
    main()
