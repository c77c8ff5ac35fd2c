"""PyTorch: an ``nn.Sequential`` as a network with its parameters, and back.

torch is imported only here, and only when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import InputError, InputTypeError, shown
from chainrule.interchange.known_activations import clipped, elu_of, gelu_by_tanh, leaky_relu_of
from chainrule.interchange.layer_chain import (
    Link,
    dense,
    joined,
    links_of,
    network_and_parameters,
    with_activation,
)
from chainrule.network.activations import Activation
from chainrule.network.graph import Layer
from chainrule.network.layers import Activate, Dense, PReLU
from chainrule.network.losses import Loss
from chainrule.network.normalization import BatchNorm, LayerNorm
from chainrule.network.random_layers import Dropout
from chainrule.training.results import Result

__all__ = ["from_torch", "to_torch"]

_ALONE: dict[str, str] = {
    "Identity": "identity",
    "ReLU": "relu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "SELU": "selu",
    "Softsign": "softsign",
    "SiLU": "silu",
    "Mish": "mish",
    "Hardsigmoid": "hard_sigmoid",
    "Softmax": "softmax",
    "Softplus": "softplus",
    "LeakyReLU": "leaky_relu",
    "ELU": "elu",
    "GELU": "gelu",
}
"""The catalogue's names by PyTorch's, with PyTorch's default settings."""


def from_torch(module: Any, loss: str | Loss = "auto") -> Result:
    """Return the network of an ``nn.Sequential``, with a copy of its parameters.

    Read are Linear, the activations, Dropout, BatchNorm1d and LayerNorm; Flatten is left out.
    ``loss`` is what training minimizes (PyTorch's modules have none); "auto" is log_loss after
    Softmax and Sigmoid, else mse. With ``loss="log_loss"`` after a Linear its outputs are logits,
    and the network ends with softmax, or sigmoid for one output. The network predicts what the
    module does after ``module.eval()``.

    Raises ``InputError`` for a module that has no counterpart, by its name.

        from_torch(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))).predict(X)
    """
    links: list[Link] = []
    inputs: int | None = None
    width: int | None = None
    for inner in _flat(module):
        needed = _width(inner)
        if None not in (needed, width) and needed != width:
            raise InputError(
                f"`module` must have layers that fit, got {inner} after {width} values"
            )
        inputs = needed if inputs is None else inputs
        width = getattr(inner, "out_features", needed or width)
        _add(links, inner)
    if inputs is None:
        raise InputError(
            f"`module` must have a Linear layer, which states the inputs, got {shown(module)}"
        )
    return joined(inputs, links, loss)


def _flat(module: Any) -> Iterator[Any]:
    """Yield the modules of nested Sequentials, or the one module itself."""
    if type(module).__name__ == "Sequential":
        for inner in module:
            yield from _flat(inner)
    elif hasattr(module, "state_dict"):
        yield module
    else:
        raise InputTypeError(f"`module` must be a torch.nn.Sequential, got {shown(module)}")


def _width(module: Any) -> int | None:
    """Return the number of inputs that a module states."""
    name = type(module).__name__
    if name == "Linear":
        return int(module.in_features)
    if name == "BatchNorm1d":
        return int(module.num_features)
    if name == "LayerNorm" and len(module.normalized_shape) == 1:
        return int(module.normalized_shape[0])
    return None


def _add(links: list[Link], module: Any) -> None:
    """Append what a module computes."""
    name = type(module).__name__
    if name == "Linear":
        bias = None if module.bias is None else _array(module.bias)
        links.append(dense(_array(module.weight).T, bias))
    elif name in _LAYERS:
        links.append(_LAYERS[name](module))
    elif name != "Flatten":
        with_activation(links, _activation(module))


def _activation(module: Any) -> str | Activation:
    name = type(module).__name__
    match name:
        case "LeakyReLU":
            return leaky_relu_of(float(module.negative_slope))
        case "ELU" | "CELU" if float(module.alpha) == 1 or name == "ELU":
            return elu_of(float(module.alpha))
        case "ReLU6":
            return clipped(0, 6)
        case "Hardtanh":
            return clipped(float(module.min_val), float(module.max_val))
        case "GELU" if module.approximate == "tanh":
            return gelu_by_tanh
        case "Softplus" if float(module.beta) != 1:
            raise InputError(f"`module` must have Softplus(beta=1), got beta={module.beta:g}")
        case "Softmax" if module.dim not in (None, 1, -1):
            raise InputError(f"`module` must have Softmax(dim=1), got dim={module.dim}")
        case "LogSoftmax":
            raise InputError(
                "`module` must end before its LogSoftmax. Give the modules without it, and "
                "loss='log_loss', which appends softmax"
            )
    if name in _ALONE:
        return _ALONE[name]
    known = ", ".join(["Linear", *_LAYERS, *_ALONE, "ReLU6", "Hardtanh"])
    raise InputError(f"`module` must consist of {known} and Flatten, got {name}")


def _array(tensor: Any) -> Array:
    found: Array = tensor.detach().cpu().numpy().copy()
    if found.dtype not in (np.float32, np.float64):
        return found.astype(np.float32)
    return found


def _batch_norm(module: Any) -> Link:
    if not module.track_running_stats or module.momentum is None:
        raise InputError(
            "`module` must have BatchNorm1d with running statistics of a fixed momentum, got "
            f"{module}"
        )
    layer = BatchNorm(float(module.eps), momentum=float(module.momentum), affine=module.affine)
    arrays = {
        "running_mean": _array(module.running_mean),
        "running_var": _array(module.running_var),
    }
    return Link(layer, arrays | _scale_and_shift(module, module.num_features))


def _layer_norm(module: Any) -> Link:
    if len(module.normalized_shape) != 1:
        raise InputError(f"`module` must have LayerNorm over one axis, got {module}")
    affine = bool(module.elementwise_affine)
    return Link(
        LayerNorm(float(module.eps), affine=affine),
        _scale_and_shift(module, module.normalized_shape[0]),
    )


def _scale_and_shift(module: Any, width: int) -> dict[str, Array]:
    if module.weight is None:
        return {}
    weight = _array(module.weight)
    bias = np.zeros(width, weight.dtype) if module.bias is None else _array(module.bias)
    return {"γ": weight, "b": bias}


_LAYERS: dict[str, Callable[[Any], Link]] = {
    "BatchNorm1d": _batch_norm,
    "LayerNorm": _layer_norm,
    "PReLU": lambda module: Link(PReLU(), {"p": _array(module.weight)}),
    "Dropout": lambda module: Link(Dropout(float(module.p))),
}


def to_torch(model: Any) -> Any:
    """Return an ``nn.Sequential`` with a copy of a model's network and parameters, in ``eval()``.

    ``model`` is the Result of train, a pair (network, parameters) or a fitted MLPClassifier or
    MLPRegressor; the network has to be a chain of layers. The module predicts what the network
    does, in the type of the parameters; call its ``train()`` before training it on.

    Raises ``InputError`` for a layer or an activation that ``torch.nn`` does not have.

        to_torch(train(Network.dense([3, 4, 1], "tanh"), X, Y))
    """
    from torch import nn

    network, parameters = network_and_parameters(model)
    modules: list[Any] = []
    for node, link in zip(network.nodes, links_of(network, parameters), strict=False):
        modules += _modules(node.width, link)
    return nn.Sequential(*modules).eval()


def _modules(inputs: int, link: Link) -> Iterator[Any]:
    """Yield the modules of a layer with so many inputs."""
    import torch
    from torch import nn

    layer, arrays = link.layer, link.arrays
    dtype = next((torch.from_numpy(array).dtype for array in arrays.values()), None)
    match layer:
        case Dense():
            linear = nn.Linear(inputs, layer.units, bias=layer.bias, dtype=dtype)
            yield _filled(linear, weight=arrays["W"].T, bias=arrays.get("b"))
            if layer.activation is not None and layer.activation.name != "identity":
                yield _module_of(layer.activation)
        case Activate():
            yield _module_of(layer.activation)
        case Dropout():
            yield nn.Dropout(layer.distribution.rate)
        case PReLU():
            yield _filled(nn.PReLU(inputs, dtype=dtype), weight=arrays["p"])
        case LayerNorm():
            made = nn.LayerNorm(
                inputs, eps=layer.epsilon, elementwise_affine=layer.affine, dtype=dtype
            )
            yield _filled(made, weight=arrays.get("γ"), bias=arrays.get("b"))
        case BatchNorm():
            norm = nn.BatchNorm1d(
                inputs, eps=layer.epsilon, momentum=layer.momentum, affine=layer.affine, dtype=dtype
            )
            yield _filled(
                norm,
                weight=arrays.get("γ"),
                bias=arrays.get("b"),
                running_mean=arrays["running_mean"],
                running_var=arrays["running_var"],
            )
        case _:
            raise _refused(layer)


def _filled(module: Any, **arrays: Array | None) -> Any:
    import torch

    with torch.no_grad():
        for name, array in arrays.items():
            if array is not None:
                getattr(module, name).copy_(torch.from_numpy(np.ascontiguousarray(array)))
    return module


def _module_of(function: Activation) -> Any:
    from torch import nn

    for name, known in _ALONE.items():
        if function.name == known:
            return nn.Softmax(dim=1) if name == "Softmax" else getattr(nn, name)()
    if function.name == gelu_by_tanh.name:
        return nn.GELU(approximate="tanh")
    raise InputError(
        f"`model` must have activations of torch.nn ({', '.join(_ALONE.values())}), got "
        f"{function.name}"
    )


def _refused(layer: Layer) -> InputError:
    return InputError(
        f"`model` must be a chain of Dense, Activate, Dropout, PReLU, LayerNorm and BatchNorm for "
        f"torch.nn, got {layer}. Export it (cr.export) instead"
    )
