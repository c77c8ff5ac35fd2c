"""Nielsen's first network on MNIST, beside a NumPy program that takes the same steps.

The network is that of *Neural Networks and Deep Learning*, chapter 1: 784-30-10, sigmoid in both
layers, quadratic cost ½‖y − a‖² averaged over batches of 10, learning rate 3.0, 30 epochs, weights
and biases drawn from N(0, 1).  The book reports 95.42 % of the 10,000 test images at the best epoch
of one run (http://neuralnetworksanddeeplearning.com/chap1.html).

    python examples/nielsen_mnist.py FOLDER            # with the four files *-ubyte.gz of MNIST
    python examples/nielsen_mnist.py FOLDER --compare  # also time the NumPy program, step by step

The images are not part of this project and nothing is downloaded.
"""

import argparse
import gzip
import sys
import time
from pathlib import Path

import numpy as np

import chainrule as cr
from chainrule.kernels.orders import order

LAYERS = (784, 30, 10)
RATE = 3.0
BATCH = 10
PUBLISHED = 95.42


def read_idx(path):
    """Return the array in a gzipped IDX file of bytes."""
    with gzip.open(path) as file:
        content = file.read()
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def read_mnist(folder):
    """Return training images, one-hot digits, test images, test digits; images in [0, 1]."""
    parts = {
        part: (
            read_idx(folder / f"mnist-{part}-images-idx3-ubyte.gz"),
            read_idx(folder / f"mnist-{part}-labels-idx1-ubyte.gz"),
        )
        for part in ("train", "t10k")
    }
    images = {
        part: pair[0].reshape(-1, 784).astype(np.float32) / 255 for part, pair in parts.items()
    }
    one_hot = np.eye(10, dtype=np.float32)[parts["train"][1]]
    return images["train"], one_hot, images["t10k"], parts["t10k"][1]


def starting_parameters(network, seed):
    """Return weights and biases drawn from N(0, 1), as the book's program draws them."""
    generator = np.random.default_rng(seed)
    return {
        name: generator.standard_normal(shape).astype(np.float32)
        for name, shape in network.parameter_shapes.items()
    }


def sigmoid(z):
    """Return 1/(1 + e^(−z)); far left e^(−z) overflows to infinity and the quotient is 0."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-z))


def check_same_steps(network, X, Y, steps=200):
    """Return the largest difference of a parameter after some steps of both programs, float64.

    Later, and in float32, the learning rate of 3 amplifies rounding until no digit is shared.
    """
    rows = BATCH * steps
    X, Y = X[:rows].astype(np.float64), Y[:rows].astype(np.float64)
    start = {
        name: value.astype(np.float64) for name, value in starting_parameters(network, 0).items()
    }
    ours = cr.train(
        network,
        X,
        Y,
        parameters=start,
        optimizer=cr.SGD(RATE),
        batch_size=BATCH,
        epochs=1,
        shuffle=False,
    ).parameters
    numpy_epoch(start, X, Y, np.arange(rows))
    return max(float(np.abs(ours[name] - start[name]).max()) for name in start)


def numpy_epoch(parameters, X, Y, places):
    """Take the steps of one epoch with matrix products written by hand."""
    W_ih, b_ih, W_ho, b_ho = (parameters[name] for name in ("W_ih", "b_ih", "W_ho", "b_ho"))
    for start in range(0, len(places), BATCH):
        rows = places[start : start + BATCH]
        x, y = X[rows], Y[rows]
        a_h = sigmoid(x @ W_ih + b_ih)
        a_o = sigmoid(a_h @ W_ho + b_ho)
        delta_o = (a_o - y) * a_o * (1 - a_o) / len(rows)
        delta_h = (delta_o @ W_ho.T) * a_h * (1 - a_h)
        W_ho -= RATE * (a_h.T @ delta_o)
        b_ho -= RATE * delta_o.sum(axis=0)
        W_ih -= RATE * (x.T @ delta_h)
        b_ih -= RATE * delta_h.sum(axis=0)


def main():
    """Train, print the accuracy after each epoch, and the ratio of the two programs' times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the four *-ubyte.gz files of MNIST lie")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compare", action="store_true", help="also run the NumPy program")
    chosen = parser.parse_args()
    try:
        X, Y, X_test, digits = read_mnist(chosen.folder)
    except FileNotFoundError as missing:
        sys.exit(f"{missing.filename}: no such file; FOLDER holds MNIST's four files *-ubyte.gz")

    network = cr.Network.dense(LAYERS, activation="sigmoid", loss="half_mse")
    parameters = starting_parameters(network, chosen.seed)
    by_hand = {name: value.copy() for name, value in parameters.items()}
    if chosen.compare:
        apart = check_same_steps(network, X, Y)
        print(f"after 200 steps in float64 no parameter differs by more than {apart:.0e}")
        if apart > 1e-10:
            sys.exit("the two programs do not take the same steps: times would say nothing")
    accuracies, ours, numpy_time = [], 0.0, 0.0
    for epoch in range(1, chosen.epochs + 1):
        # One call an epoch, to look at the test images in between: plain gradient descent has no
        # memory from step to step, and the seed gives each epoch an order of its own.
        seed = 1000 * chosen.seed + epoch
        began = time.perf_counter()
        result = cr.train(
            network, X, Y, parameters=parameters, optimizer=cr.SGD(RATE), batch_size=BATCH,
            epochs=1, seed=seed, threads=1,
        )  # fmt: skip
        ours += time.perf_counter() - began
        parameters = result.parameters
        if chosen.compare:
            began = time.perf_counter()
            numpy_epoch(by_hand, X, Y, order(seed, 1, len(X)))
            numpy_time += time.perf_counter() - began
        right = (result.predict(X_test).argmax(axis=1) == digits).mean()
        accuracies.append(100 * right)
        print(f"epoch {epoch:2}: {accuracies[-1]:.2f} % of the test images", flush=True)
    best = int(np.argmax(accuracies))
    print(f"best: {accuracies[best]:.2f} % after epoch {best + 1}; published: {PUBLISHED} %")
    if chosen.compare:
        print(
            f"chainrule took {ours:.2f} s, NumPy {numpy_time:.2f} s: {numpy_time / ours:.1f} times"
        )


if __name__ == "__main__":
    main()
