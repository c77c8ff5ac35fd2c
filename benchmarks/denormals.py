"""What numbers below the smallest normal one cost a run: `python -m benchmarks.denormals`.

Dead units and decayed moments drift there, where a processor takes up to a hundred times as long
for an operation.  The core counts such numbers as zero inside a run.  The same network is trained
on the same data twice: once with weights of ordinary size, once with weights so small that every
value of every step is below the smallest normal number.
"""

import time
from typing import Any

import numpy as np

import chainrule as cr

LAYERS, SAMPLES, EPOCHS, REPEATS = (64, 64, 64, 10), 256, 20, 15


def ratios(dtype: Any) -> dict[str, float]:
    """Return how many times as long the run takes, by optimizer."""
    network = cr.Network.dense(LAYERS, activation="identity", loss="mse")
    X = np.random.default_rng(0).normal(size=(SAMPLES, LAYERS[0])).astype(dtype)
    Y = np.zeros((SAMPLES, LAYERS[-1]), dtype)
    tiny = float(np.finfo(dtype).tiny)
    found = {}
    for optimizer in (cr.SGD(1e-3, momentum=0.9), cr.Adam(tiny)):
        given = {scale: network.initialize(0, dtype=dtype) for scale in (1.0, tiny / 1e3)}
        best = dict.fromkeys(given, np.inf)
        for scale, parameters in given.items():
            parameters.flat[...] = parameters.flat * scale
        for _ in range(REPEATS):
            for scale, parameters in given.items():  # by turns: what slows the machine slows both
                started = time.process_time()
                cr.train(
                    network, X, Y, parameters=parameters, optimizer=optimizer, epochs=EPOCHS,
                    batch_size=32, backend="compiled",
                )  # fmt: skip
                best[scale] = min(best[scale], time.process_time() - started)
        found[optimizer.name] = best[tiny / 1e3] / best[1.0]
    return found


if __name__ == "__main__":
    for dtype in (np.float32, np.float64):
        for name, ratio in ratios(dtype).items():
            print(f"{np.dtype(dtype).name}, {name}: {ratio:.2f} times the time of normal numbers")
