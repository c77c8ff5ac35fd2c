"""From scikit-learn's parameters to a Network: layers, activations, loss and penalty.

scikit-learn's losses are entries of the catalogue with an option each: outputs are summed where the
gradient is that of a sum, the history of a log loss is that of clipped probabilities, and the
penalty is divided by the samples of a batch.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from chainrule.arrays import RealArray
from chainrule.estimators.blocks import Blocks
from chainrule.network import activations, losses
from chainrule.network.architecture import Network
from chainrule.network.layers import Dense
from chainrule.network.losses import Loss
from chainrule.network.parameters import Parameters
from chainrule.network.penalties import L2PerSample

OUT_ACTIVATIONS = {
    "identity": "identity",
    "exp": "exponential",
    "logistic": "sigmoid",
    "softmax": "softmax",
}
"""The catalogue's names by scikit-learn's names for ``out_activation_``."""

LOSSES: dict[str, Callable[[float, float], Loss]] = {
    "squared_error": lambda epsilon, quantile: losses.half_mse(),
    "poisson": lambda epsilon, quantile: losses.poisson().summed(),
    "gamma": lambda epsilon, quantile: losses.gamma().summed(),
    "absolute_error": lambda epsilon, quantile: losses.mae().summed(),
    "huber": lambda epsilon, quantile: losses.huber().summed(),
    "quantile": lambda epsilon, quantile: losses.quantile(quantile).summed(),
    "log_loss": lambda epsilon, quantile: losses.log_loss(epsilon),
}
"""Losses by scikit-learn's name, as functions of the machine epsilon of the type, and a quantile.

Outputs are summed, so that each is fitted independently of the others' number.
"""

REPORTED_AS_MEAN = ("squared_error", "absolute_error", "huber", "quantile")
"""Losses whose history is a mean over outputs, as scikit-learn's squared error is."""

ACTIVATIONS = tuple(
    name
    for name in (*activations.CATALOGUE, *activations.ALIASES)
    if activations.find(name).elementwise
)
"""Activations of hidden layers: scikit-learn's four names and those of the catalogue."""


PLAIN = Blocks()
"""scikit-learn's network."""


@lru_cache(maxsize=256)
def network_of(
    widths: tuple[int, ...],
    names: tuple[str, ...],
    loss: str,
    alpha: float,
    dtype: np.dtype[Any],
    quantile: float = 0.5,
    blocks: Blocks = PLAIN,
) -> Network:
    """Return the network of an estimator; ``names`` are activations, the output layer's last.

    >>> print(network_of((4, 16, 3), ("relu", "softmax"), "log_loss", 1e-4, np.dtype(float)))
    4-16-3, relu then softmax, log_loss, L2_per_sample 0.0001, 131 parameters
    """
    hidden, out = names[:-1], OUT_ACTIVATIONS[names[-1]]
    stated = LOSSES[loss](float(np.finfo(dtype).eps), quantile)
    penalty = L2PerSample(float(alpha))
    if blocks.is_plain:
        return Network.dense(widths, [*hidden, out], stated, penalty=penalty)
    functions = tuple(map(activations.find, (*hidden, out)))
    return blocks.network(widths, functions, stated, penalty)


def packed(
    network: Network,
    coefs: Sequence[RealArray],
    intercepts: Sequence[RealArray],
    others: Mapping[str, RealArray],
    dtype: DTypeLike,
) -> Parameters:
    """Return copies of an estimator's arrays as parameters: weights, biases, then all others."""
    names = packed_names(network)
    shapes = {name: network.parameter_shapes[name] for name in names}
    parameters = Parameters(shapes, np.empty(network.size, dtype))
    arrays = (*coefs, *intercepts, *others.values())
    for name, array in zip(names, arrays, strict=True):
        parameters[name][...] = array
    return parameters


@lru_cache(maxsize=256)
def packed_names(network: Network) -> tuple[str, ...]:
    """Return the parameters' names in scikit-learn's order: weights, biases, then all others.

    Weights and biases are those of the layers that scikit-learn has: W and b of each `Dense` with a
    bias, for several sources those of the first.
    """
    stated = [s for s in network.stated_parameters if isinstance(s.layer, Dense) and s.layer.bias]
    weights = [s.symbol.name for s in stated if s.symbol.name.startswith("W")]
    biases = [s.symbol.name for s in stated if s.kind == "bias"]
    others = (name for name in network.parameter_names if name not in {*weights, *biases})
    return (*weights, *biases, *others)


def starting_weights(
    random_state: np.random.RandomState,
    widths: Sequence[int],
    names: Iterable[str],
    dtype: DTypeLike,
) -> tuple[list[RealArray], list[RealArray]]:
    """Draw weights and biases as scikit-learn does, layer by layer, uniform on ±√(f / (in + out)).

    Glorot and Bengio's (2010) bound: f is 6, for the logistic function 2.  ``names`` is one
    activation for each layer; the bound of the last layer is that of the hidden layer before it.

    >>> coefs, intercepts = starting_weights(
    ...     np.random.RandomState(0), (2, 3, 1), ("relu", "relu"), np.float32)
    >>> [array.shape for array in (*coefs, *intercepts)]
    [(2, 3), (3, 1), (3,), (1,)]
    """
    coefs, intercepts = [], []
    for inputs, outputs, name in zip(widths[:-1], widths[1:], names, strict=True):
        bound = np.sqrt((2.0 if name in ("logistic", "sigmoid") else 6.0) / (inputs + outputs))
        drawn = random_state.uniform(-bound, bound, (inputs, outputs))
        coefs.append(drawn.astype(dtype, copy=False))
        drawn = random_state.uniform(-bound, bound, outputs)
        intercepts.append(drawn.astype(dtype, copy=False))
    return coefs, intercepts
