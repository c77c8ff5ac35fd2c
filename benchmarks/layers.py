"""Time of a training step of a residual network against PyTorch and JAX, and the cost of dropout.

    taskset -c 1 python -m benchmarks.layers [--rounds N]

The residual network: 8 inputs, a dense layer of 64 units with silu, three blocks
h + silu(LayerNorm(h) W + b), one output, mean squared error, Adam, float32, no shuffle, one thread.
Every program starts from the same weights and takes the same batches; predictions after some epochs
are compared before any time is printed.  PyTorch is eager with its fused optimizer, JAX is ``jit``
around a ``lax.scan`` over the epochs.  Programs take turns; the mean of the best third of the
rounds counts.

The cost of dropout is that of a step of 128-128-128-1, relu, batch 256, with and without
``Dropout(0.2)`` after each hidden layer.
"""

import argparse
import os
import time
from collections.abc import Callable

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np  # noqa: E402 - the variables above are read when the libraries start

import chainrule as cr  # noqa: E402
from chainrule.network.graph import Node  # noqa: E402
from chainrule.network.parameters import Parameters  # noqa: E402

SAMPLES, INPUTS, UNITS, BLOCKS, EPOCHS, RATE = 2048, 8, 64, 3, 4, 1e-3
BARS = {256: ("JAX", 1.5), 32: ("PyTorch", 20.0)}
"""The ratio to reach, by the batch."""

Program = Callable[[], np.ndarray]
"""Trains from the same start for some epochs and returns predictions for all samples."""


def data() -> tuple[np.ndarray, np.ndarray]:
    """Return X, (samples, inputs), and Y, (samples, 1), in float32."""
    random = np.random.default_rng(0)
    X = random.normal(size=(SAMPLES, INPUTS)).astype(np.float32)
    return X, np.sin(X).sum(axis=1, keepdims=True).astype(np.float32)


def residual_network() -> cr.Network:
    """Return the residual network."""
    x = cr.Input(INPUTS)
    h = cr.Dense(UNITS, "silu")(x)
    for _ in range(BLOCKS):
        h = h + cr.Dense(UNITS, "silu")(cr.LayerNorm()(h))
    return cr.Network(x, cr.Dense(1)(h))


def ours(batch: int) -> Program:
    """Return the program of the compiled core."""
    network, (X, Y) = residual_network(), data()
    start = network.initialize(0, dtype=np.float32)

    def run() -> np.ndarray:
        result = cr.train(
            network,
            X,
            Y,
            parameters=start,
            optimizer=cr.Adam(RATE),
            batch_size=batch,
            epochs=EPOCHS,
            shuffle=False,
            threads=1,
            backend="compiled",
        )
        return np.asarray(result.predict(X))

    return run


def layers_of(start: Parameters) -> list[np.ndarray]:
    """Return the starting values in the order of the formulas, as copies."""
    return [array.copy() for array in start.values()]


def in_torch(batch: int) -> Program:
    """Return the program of PyTorch, eager."""
    import torch

    torch.set_num_threads(1)
    X, Y = (torch.tensor(array) for array in data())
    start = residual_network().initialize(0, dtype=np.float32)

    def forward(values: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        functional = torch.nn.functional
        W, b, *others, W_out, b_out = values
        h = functional.silu(torch.addmm(b, x, W))
        for block in range(BLOCKS):
            gamma, shift, W, b = others[4 * block : 4 * block + 4]
            n = functional.layer_norm(h, (UNITS,), gamma, shift)
            h = h + functional.silu(torch.addmm(b, n, W))
        return torch.addmm(b_out, h, W_out)

    def run() -> np.ndarray:
        values = [torch.tensor(array, requires_grad=True) for array in layers_of(start)]
        optimizer = torch.optim.Adam(values, lr=RATE, fused=True)
        for _ in range(EPOCHS):
            for first in range(0, SAMPLES, batch):
                optimizer.zero_grad()
                error = forward(values, X[first : first + batch]) - Y[first : first + batch]
                (error**2).mean().backward()
                optimizer.step()
        with torch.no_grad():
            return np.asarray(forward(values, X))

    return run


def in_jax(batch: int) -> Program:
    """Return the program of JAX: one compiled scan over all steps."""
    import jax
    import jax.numpy as jnp

    X, Y = data()
    start = [jnp.array(array) for array in residual_network().initialize(0, dtype="f4").values()]
    batches = (X.reshape(-1, batch, INPUTS), Y.reshape(-1, batch, 1))

    def forward(values: list[jax.Array], x: jax.Array) -> jax.Array:
        W, b, *others, W_out, b_out = values
        h = jax.nn.silu(x @ W + b)
        for block in range(BLOCKS):
            gamma, shift, W, b = others[4 * block : 4 * block + 4]
            center = h.mean(1, keepdims=True)
            spread = ((h - center) ** 2).mean(1, keepdims=True)
            n = (h - center) / jnp.sqrt(spread + 1e-5) * gamma + shift
            h = h + jax.nn.silu(n @ W + b)
        return h @ W_out + b_out

    def loss(values: list[jax.Array], x: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.mean((forward(values, x) - y) ** 2)

    def step(state, pair):  # type: ignore[no-untyped-def]
        values, m, v, t = state
        gradients = jax.grad(loss)(values, *pair)
        t = t + 1
        m = [0.9 * a + 0.1 * g for a, g in zip(m, gradients, strict=True)]
        v = [0.999 * a + 0.001 * g * g for a, g in zip(v, gradients, strict=True)]
        values = [
            w - RATE * (a / (1 - 0.9**t)) / (jnp.sqrt(s / (1 - 0.999**t)) + 1e-8)
            for w, a, s in zip(values, m, v, strict=True)
        ]
        return (values, m, v, t), None

    @jax.jit
    def trained(state):  # type: ignore[no-untyped-def]
        def epoch(state, _):  # type: ignore[no-untyped-def]
            return jax.lax.scan(step, state, batches)[0], None

        return jax.lax.scan(epoch, state, None, length=EPOCHS)[0]

    zeros = [jnp.zeros_like(array) for array in start]
    predict = jax.jit(forward)

    def run() -> np.ndarray:
        values, *_ = trained((start, zeros, zeros, jnp.float32(0)))
        return np.asarray(predict(values, X))

    return run


def dropped(rate: float) -> Program:
    """Return the program of 128-128-128-1 with dropout after each hidden layer."""
    x = cr.Input(128)
    h: Node = x
    for _ in range(2):
        h = cr.Dense(128, "relu")(h)
        h = cr.Dropout(rate)(h) if rate else h
    network = cr.Network(x, cr.Dense(1)(h))
    random = np.random.default_rng(0)
    X = random.normal(size=(SAMPLES, 128)).astype(np.float32)
    start = network.initialize(0, dtype=np.float32)

    def run() -> np.ndarray:
        return np.asarray(
            cr.train(
                network,
                X,
                X[:, :1],
                parameters=start,
                optimizer=cr.Adam(RATE),
                batch_size=256,
                epochs=EPOCHS,
                shuffle=False,
                threads=1,
                backend="compiled",
            ).parameters.flat
        )

    return run


def timed(programs: dict[str, Program], steps: int, rounds: int) -> dict[str, float]:
    """Return the microseconds of a step of each program, which take turns."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, run in programs.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) / steps * 1e6)
    third = max(1, rounds // 3)
    return {name: float(np.mean(sorted(values)[:third])) for name, values in times.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    for batch, (peer, bar) in BARS.items():
        programs = {"chainrule": ours(batch), "PyTorch": in_torch(batch), "JAX": in_jax(batch)}
        found = {name: run() for name, run in programs.items()}
        for name, values in found.items():
            difference = float(np.abs(values - found["chainrule"]).max())
            assert difference < 0.02, f"{name} predicts something else, by {difference}"
        us = timed(programs, EPOCHS * SAMPLES // batch, rounds)
        ratios = ", ".join(f"{name} {us[name] / us['chainrule']:.2f}" for name in us)
        print(f"residual, batch {batch}: {us['chainrule']:.1f} us a step; {ratios}", end="")
        print(f" (bar: {peer} {bar:g})")
    us = timed({"dense": dropped(0.0), "dropout": dropped(0.2)}, EPOCHS * SAMPLES // 256, rounds)
    cost = us["dropout"] / us["dense"] - 1
    print(f"dropout at 128 units: {us['dense']:.1f} us a step, {cost:+.1%} (bar: +15%)")


if __name__ == "__main__":
    main()
