"""Keras: a Sequential model from its ``.keras`` file, which is read without Keras.

The file is a ZIP archive of ``config.json`` (the layers) and ``model.weights.h5`` (the arrays, by
the layers' classes and their order). No code in it is run: a layer is read by its name, and one
that has no counterpart is refused. HDF5 is read by h5py (the extra ``keras``).

Source: Keras 3, ``saving_lib``.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import InputError, ModelFileError, shown
from chainrule.files import bytes_of, written_path
from chainrule.interchange.known_activations import clipped, elu_of, leaky_relu_of
from chainrule.interchange.layer_chain import (
    Link,
    dense,
    joined,
    with_activation,
    with_scaled_inputs,
)
from chainrule.network.activations import Activation
from chainrule.network.layers import PReLU
from chainrule.network.losses import Loss
from chainrule.network.normalization import BatchNorm, LayerNorm
from chainrule.network.random_layers import Dropout, GaussianNoise
from chainrule.training.results import Result

__all__ = ["from_keras"]

LARGEST = 1 << 30
"""Bytes that a part of the file may unpack to."""
_NAMES = ("config.json", "model.weights.h5")
_ACTIVATIONS: dict[str, str | Activation] = {
    "linear": "identity",
    "relu": "relu",
    "sigmoid": "sigmoid",
    "softmax": "softmax",
    "tanh": "tanh",
    "elu": "elu",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "swish": "silu",
    "mish": "mish",
    "softplus": "softplus",
    "softsign": "softsign",
    "exponential": "exponential",
    "hard_sigmoid": "hard_sigmoid",
    "leaky_relu": leaky_relu_of(0.2),
    "relu6": clipped(0, 6),
}
"""Activations by Keras's names, with Keras's default settings."""


def from_keras(path: str | os.PathLike[str], loss: str | Loss = "auto") -> Result:
    """Return the network in a ``.keras`` file of a Sequential model, with its parameters.

    Read are Dense, Activation, ReLU, LeakyReLU, ELU, PReLU, Softmax, Dropout, GaussianNoise,
    BatchNormalization, LayerNormalization, and at the start Normalization, which becomes a part of
    the first Dense. Flatten of rows is left out. ``loss`` is as for `from_torch`.

    Raises ``InputError`` for a layer that has no counterpart, by its name, and ``ModelFileError``
    for a file that is damaged or no ``.keras`` file.
    """
    config, arrays = _read(path)
    if config.get("class_name") != "Sequential":
        raise InputError(
            f"{written_path(path)}: must be a Sequential model, got {shown(config['class_name'])}"
        )
    try:
        reader = _Reader(arrays)
        for layer in config["config"]["layers"]:
            reader.add(layer["class_name"], layer["config"])
        return reader.finished(loss)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, InputError):
            raise InputError(f"{written_path(path)}: {error}") from None
        raise ModelFileError(
            f"{written_path(path)}: its layers are not those of a Keras 3 file; save the model "
            "again with model.save('model.keras')"
        ) from error


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, list[Array]]]:
    """Return the configuration, and each layer's arrays by its name in the file."""
    try:
        import h5py
    except ImportError:
        raise InputError(
            "`from_keras` needs h5py, which reads the weights. Install it: pip install "
            '"chainrule[keras]"'
        ) from None
    data = bytes_of(path)
    fetch = "save it with model.save('model.keras')"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in _NAMES:
                if archive.getinfo(name).file_size > LARGEST:
                    raise ModelFileError(
                        f"{written_path(path)}: {name} is larger than {LARGEST >> 20} MB"
                    )
            config = json.loads(archive.read(_NAMES[0]))
            weights = archive.read(_NAMES[1])
        if not isinstance(config, dict):
            raise ValueError
        with h5py.File(io.BytesIO(weights), "r") as file:
            return config, _arrays_of(file)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError, RecursionError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{written_path(path)}: is not a .keras file; {fetch}") from error


def _arrays_of(file: Any) -> dict[str, list[Array]]:
    found: dict[str, list[Array]] = {}
    for name, group in file["layers"].items():
        variables = group["vars"]
        found[name] = [np.asarray(variables[str(at)]) for at in range(len(variables))]
    return found


@dataclass
class _Reader:
    """Reads layers one after another; ``inputs`` are known from the first that has weights."""

    arrays: Mapping[str, list[Array]]

    def __post_init__(self) -> None:
        self.links: list[Link] = []
        self.inputs: int | None = None
        self.seen: Counter[str] = Counter()
        self.scaling: tuple[Array, Array] | None = None

    def add(self, kind: str, config: Mapping[str, Any]) -> None:
        """Append what a layer of this class computes."""
        if kind not in _LAYERS:
            raise InputError(
                f"the model must consist of {', '.join(_LAYERS)}, got {shown(kind)} "
                f"({shown(config.get('name'))})"
            )
        count = self.seen[kind]
        self.seen[kind] += 1
        name = _snake_case(kind) + (f"_{count}" if count else "")
        _LAYERS[kind](self, config, self.arrays.get(name, []))
        dtype = config.get("dtype")
        policy = dtype["config"]["name"] if isinstance(dtype, Mapping) else dtype
        if policy not in (None, "float32", "float64"):
            raise InputError(f"the model must have float32 or float64, got {shown(policy)}")

    def finished(self, loss: str | Loss) -> Result:
        """Return the network."""
        if self.scaling is not None:
            raise InputError("the model must have a Dense after its Normalization")
        if self.inputs is None:
            raise InputError("the model must have a Dense layer")
        return joined(self.inputs, self.links, loss)

    def starts(self, width: int) -> None:
        """Note the number of inputs, if this is the first layer that has one."""
        if self.inputs is None:
            self.inputs = width

    # -- the layers ----------------------------------------------------------------------------

    def input(self, config: Mapping[str, Any], arrays: list[Array]) -> None:
        """An InputLayer: rows of numbers."""
        shape = config["batch_shape"]
        if len(shape) != 2 or not isinstance(shape[1], int):
            raise InputError(f"the model must have rows of numbers as inputs, got {shown(shape)}")
        self.starts(shape[1])

    def normalization(self, config: Mapping[str, Any], arrays: list[Array]) -> None:
        """(x − mean)/√variance of the inputs; a variance below 1e-7 counts as that."""
        if self.links or config.get("invert") or config.get("axis") not in (-1, [-1], [1], None):
            raise InputError("the model must have Normalization by columns, as its first layer")
        mean, variance = (
            arrays[:2] if arrays else (np.array(config[name]) for name in ("mean", "variance"))
        )
        factor = 1.0 / np.maximum(np.sqrt(np.ravel(variance)), 1e-7)
        self.scaling = factor, -np.ravel(mean) * factor

    def dense(self, config: Mapping[str, Any], arrays: list[Array]) -> None:
        link = dense(arrays[0], arrays[1] if config["use_bias"] else None)
        if self.scaling is not None:
            link, self.scaling = with_scaled_inputs(link, *self.scaling), None
        self.starts(arrays[0].shape[0])
        self.links.append(link)
        self.activation(config, [])

    def activation(self, config: Mapping[str, Any], arrays: list[Array]) -> None:
        given = config["activation"]
        if isinstance(given, Mapping):  # a layer or a function, with its settings
            kind, inner = given["class_name"], given["config"]
            if kind == "function":
                given = inner if isinstance(inner, str) else given["name"]
            else:
                self.add(kind, inner)
                return
        if given not in _ACTIVATIONS:
            raise InputError(
                f"the model must have activations of {', '.join(_ACTIVATIONS)}, got {shown(given)}"
            )
        self._activate(_ACTIVATIONS[given])

    def _activate(self, function: str | Activation) -> None:
        if function != "identity":
            with_activation(self.links, function)

    def relu(self, config: Mapping[str, Any], arrays: list[Array]) -> None:
        slope, threshold = config.get("negative_slope") or 0.0, config.get("threshold") or 0.0
        most = config.get("max_value")
        if threshold or (most is not None and slope):
            raise InputError("the model must have ReLU without a threshold, and max_value alone")
        self._activate(leaky_relu_of(float(slope)) if most is None else clipped(0, float(most)))

    def leaky_relu(self, config: Mapping[str, Any], arrays: list[Array]) -> None:
        self._activate(leaky_relu_of(float(config["negative_slope"])))

    def elu(self, config: Mapping[str, Any], arrays: list[Array]) -> None:
        self._activate(elu_of(float(config["alpha"])))

    def softmax(self, config: Mapping[str, Any], arrays: list[Array]) -> None:
        if config.get("axis") not in (-1, 1):
            raise InputError(f"the model must have Softmax(axis=-1), got {shown(config['axis'])}")
        self._activate("softmax")

    def prelu(self, config: Mapping[str, Any], arrays: list[Array]) -> None:
        self.links.append(Link(PReLU(), {"p": arrays[0]}))

    def dropout(self, config: Mapping[str, Any], arrays: list[Array]) -> None:
        self.links.append(Link(Dropout(float(config["rate"]))))

    def noise(self, config: Mapping[str, Any], arrays: list[Array]) -> None:
        self.links.append(Link(GaussianNoise(float(config["stddev"]))))

    def batch_norm(self, config: Mapping[str, Any], arrays: list[Array]) -> None:
        *affine, mean, variance = arrays
        self.starts(len(mean))
        layer = BatchNorm(
            float(config["epsilon"]),
            momentum=round(1 - float(config["momentum"]), 12),  # Keras states the share that stays
            affine=bool(affine),
        )
        scale = self._scale_and_shift(config, affine, len(mean))
        self.links.append(Link(layer, {"running_mean": mean, "running_var": variance, **scale}))

    def layer_norm(self, config: Mapping[str, Any], arrays: list[Array]) -> None:
        if config.get("rms_scaling") or config.get("axis") not in (-1, [-1], [1]):
            raise InputError("the model must have LayerNormalization over the last axis")
        layer = LayerNorm(float(config["epsilon"]), affine=bool(arrays))
        width = len(arrays[0]) if arrays else 0
        self.links.append(Link(layer, self._scale_and_shift(config, arrays, width)))

    @staticmethod
    def _scale_and_shift(
        config: Mapping[str, Any], arrays: list[Array], width: int
    ) -> dict[str, Array]:
        """Return γ and b, of which a model may have one alone."""
        if not arrays:
            return {}
        left = list(arrays)
        gamma = left.pop(0) if config["scale"] else np.ones(width, arrays[0].dtype)
        shift = left.pop(0) if config["center"] else np.zeros(width, arrays[0].dtype)
        return {"γ": gamma, "b": shift}

    def nothing(self, config: Mapping[str, Any], arrays: list[Array]) -> None:
        """A layer that leaves rows as they are."""


_LAYERS: dict[str, Callable[[_Reader, Mapping[str, Any], list[Array]], None]] = {
    "InputLayer": _Reader.input,
    "Normalization": _Reader.normalization,
    "Dense": _Reader.dense,
    "Activation": _Reader.activation,
    "ReLU": _Reader.relu,
    "LeakyReLU": _Reader.leaky_relu,
    "ELU": _Reader.elu,
    "PReLU": _Reader.prelu,
    "Softmax": _Reader.softmax,
    "Dropout": _Reader.dropout,
    "GaussianNoise": _Reader.noise,
    "BatchNormalization": _Reader.batch_norm,
    "LayerNormalization": _Reader.layer_norm,
    "Flatten": _Reader.nothing,
}


def _snake_case(name: str) -> str:
    """Return a class's name as Keras writes it in its files.

    >>> _snake_case("BatchNormalization"), _snake_case("LeakyReLU"), _snake_case("PReLU")
    ('batch_normalization', 'leaky_re_lu', 'p_re_lu')
    """
    return re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()
