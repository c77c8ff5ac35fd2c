"""A user's activation beside a built-in one: `taskset -c 1 python -m benchmarks.tape`.

An activation that a user states runs by the core's interpreter (a vectorized tape), a built-in one
by a kernel generated from the same statement.  Each built-in activation is trained with twice: once
as it is, once with all generated kernels taken away, so that the very same formulas, those of the
loss and of the update too, run by the tape.  Peers take turns, the least of many short runs counts,
and both runs end with the same weights.
"""

import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np

import chainrule as cr
from chainrule.kernels import core_library, program_cache
from chainrule.network.activations import CATALOGUE
from chainrule.network.parameters import Parameters

SIZES = {(4, 16, 3): 32, (30, 64, 64, 1): 32, (8, 128, 128, 1): 256}
BATCHES, EPOCHS, ROUNDS = 16, 8, 9
GENERATED = core_library.natives


def nothing() -> Mapping[str, int]:
    """Return the generated kernels of a core that has none."""
    return {}


def run(name: str, layers: tuple[int, ...], batch: int) -> Callable[[], Parameters]:
    """Return a short run with this activation in the hidden layers."""
    network = cr.Network.dense(list(layers), activation=[name] * (len(layers) - 2) + ["identity"])
    random = np.random.default_rng(0)
    X = (0.1 * random.normal(size=(batch * BATCHES, layers[0]))).astype(np.float32)
    Y = random.normal(size=(batch * BATCHES, layers[-1])).astype(np.float32)
    start = network.initialize(0, dtype=np.float32)

    def once() -> Parameters:
        found = cr.train(
            network, X, Y, parameters=start, optimizer=cr.SGD(1e-3), epochs=EPOCHS,
            batch_size=batch, shuffle=False, backend="compiled",
        )  # fmt: skip
        return found.parameters

    return once


def ratio(once: Callable[[], Parameters]) -> float:
    """Return the time by the tape over the time by generated kernels."""
    times: dict[Callable[[], Mapping[str, int]], float] = {GENERATED: np.inf, nothing: np.inf}
    ends = {}
    for _ in range(ROUNDS):
        for kernels, best in times.items():
            core_library.natives = kernels
            program_cache._programs.clear()
            ends[kernels] = once().flat  # the program is built here, outside the time
            for _ in range(3):
                begin = time.perf_counter()
                once()
                best = min(best, time.perf_counter() - begin)
            times[kernels] = best
    core_library.natives = GENERATED
    program_cache._programs.clear()
    np.testing.assert_allclose(ends[nothing], ends[GENERATED], rtol=1e-4, atol=1e-6)
    return times[nothing] / times[GENERATED]


if __name__ == "__main__":
    names = [name for name in CATALOGUE if name not in ("softmax", "identity")]
    for layers, batch in SIZES.items():
        found = {name: ratio(run(name, layers, batch)) for name in names}
        each = ", ".join(f"{name} {value:.2f}" for name, value in found.items())
        print(f"{'-'.join(map(str, layers))}, batch {batch}: {each}")
        print(f"  median {statistics.median(found.values()):.2f}, most {max(found.values()):.2f}")
