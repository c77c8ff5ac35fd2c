"""One pass through a network: its outputs, or its loss with the gradients."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from chainrule.arrays import RealArray
from chainrule.kernels import backend as backends
from chainrule.kernels.backend import Backend, check_backend
from chainrule.kernels.threads import threads_of
from chainrule.network.architecture import Network
from chainrule.training.inputs import Arrays, batch_of, inputs_of, parameters_of, weights_of
from chainrule.validation import checked_seed


def loss_and_gradients(
    network: Network,
    parameters: Mapping[str, Any],
    X: Arrays,
    Y: Arrays,
    *,
    sample_weight: ArrayLike | None = None,
    seed: int = 0,
    threads: int | None = None,
    backend: Backend = "auto",
) -> tuple[float, dict[str, RealArray]]:
    """Return the loss of a batch and ∂Loss/∂(every trainable parameter), by name.

    Shapes and ``threads`` are those of ``train``; a gradient has the shape of its parameter.  What
    is drawn at random (dropout, noise) follows from ``seed``, as in the first step of a run.

    >>> network = Network.dense([1, 1], activation="identity")
    >>> loss_and_gradients(network, {"W_1": [[2.0]], "b_1": [0.0]}, [[1.0]], [5.0])
    (9.0, {'W_1': array([[-6.]]), 'b_1': array([-6.])})
    """
    check_backend(backend)
    most_threads = threads_of(threads)
    current = parameters_of(network, parameters, 0)
    dtype = current.flat.dtype
    data = batch_of(network, X, Y, dtype)
    if sample_weight is not None:
        data["w"] = weights_of(sample_weight, len(next(iter(data.values()))), dtype)
    return backends.loss_and_gradients(
        network, current, data, seed=checked_seed(seed), threads=most_threads, backend=backend
    )


def predict(
    network: Network,
    parameters: Mapping[str, Any],
    X: Arrays,
    *,
    threads: int | None = None,
    backend: Backend = "auto",
) -> Any:
    """Return the network's outputs, (samples, outputs); of several heads a tuple of arrays.

    ``X`` and ``threads`` are those of ``train``.

    >>> network = Network.dense([1, 1], activation="identity")
    >>> predict(network, {"W_1": [[2.0]], "b_1": [1.0]}, [[3.0]])
    array([[7.]])
    """
    current = parameters_of(network, parameters, 0)
    inputs = inputs_of(network, X, current.flat.dtype)
    check_backend(backend)
    most_threads = threads_of(threads)
    found = backends.outputs(network, current, inputs, threads=most_threads, backend=backend)
    return found[0] if len(found) == 1 else found
