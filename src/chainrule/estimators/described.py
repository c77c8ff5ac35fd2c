"""From scikit-learn's parameters to a Network: layers, activations, loss and penalty.

scikit-learn's losses are entries of the catalogue with an option each: outputs are summed where the
gradient is that of a sum, the history of a log loss is told of clipped probabilities, and the
penalty is shared out among the samples of a batch.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule.network import losses
from chainrule.network.architecture import Network
from chainrule.network.losses import Loss
from chainrule.network.parameters import Parameters
from chainrule.network.penalties import L2PerSample

OUT_ACTIVATIONS = {
    "identity": "identity",
    "exp": "exponential",
    "logistic": "sigmoid",
    "softmax": "softmax",
}
"""scikit-learn's names for ``out_activation_`` and ours."""

LOSSES: dict[str, Callable[[float], Loss]] = {
    "squared_error": lambda epsilon: losses.half_mse(),
    "poisson": lambda epsilon: losses.poisson().summed(),
    "log_loss": losses.log_loss,
}
"""By scikit-learn's name, and the spacing of the numbers in which probabilities are computed."""


@lru_cache(maxsize=256)
def network_of(
    widths: tuple[int, ...],
    activations: tuple[str, ...],
    loss: str,
    alpha: float,
    dtype: Any,
) -> Network:
    """Return the network of an estimator; ``activations`` end with that of the output layer.

    >>> print(network_of((4, 16, 3), ("relu", "softmax"), "log_loss", 1e-4, np.float64))
    4-16-3, relu then softmax, log_loss, L2_per_sample 0.0001, 131 parameters
    """
    hidden, out = activations[:-1], OUT_ACTIVATIONS[activations[-1]]
    return Network.dense(
        widths,
        [*hidden, out],
        LOSSES[loss](float(np.finfo(dtype).eps)),
        penalty=L2PerSample(float(alpha)),
    )


def packed(
    network: Network, coefs: Sequence[Any], intercepts: Sequence[Any], dtype: Any
) -> Parameters:
    """Return copies of scikit-learn's arrays as parameters: all weights first, then all biases."""
    names = packed_names(network)
    shapes = {name: network.parameter_shapes[name] for name in names}
    parameters = Parameters(shapes, np.empty(network.size, dtype))
    for name, array in zip(names, (*coefs, *intercepts), strict=True):
        parameters[name][...] = array
    return parameters


def packed_names(network: Network) -> tuple[str, ...]:
    """Return the parameters' names in scikit-learn's order: weights, then biases."""
    names = network.parameter_names
    return (*names[0::2], *names[1::2])


def starting_weights(
    random_state: np.random.RandomState,
    widths: Sequence[int],
    activations: Iterable[str],
    dtype: Any,
) -> tuple[list[Any], list[Any]]:
    """Draw weights and biases as scikit-learn does, layer by layer, uniform on ±√(f / (in + out)).

    Glorot and Bengio's (2010) bound: f is 6, for the logistic function 2.  ``activations`` is one
    name for each layer: scikit-learn lets the hidden activation decide for the last layer too.

    >>> coefs, intercepts = starting_weights(
    ...     np.random.RandomState(0), (2, 3, 1), ("relu", "relu"), np.float32)
    >>> [array.shape for array in (*coefs, *intercepts)]
    [(2, 3), (3, 1), (3,), (1,)]
    """
    coefs, intercepts = [], []
    for inputs, outputs, name in zip(widths[:-1], widths[1:], activations, strict=True):
        bound = np.sqrt((2.0 if name in ("logistic", "sigmoid") else 6.0) / (inputs + outputs))
        drawn = random_state.uniform(-bound, bound, (inputs, outputs))
        coefs.append(drawn.astype(dtype, copy=False))
        drawn = random_state.uniform(-bound, bound, outputs)
        intercepts.append(drawn.astype(dtype, copy=False))
    return coefs, intercepts
