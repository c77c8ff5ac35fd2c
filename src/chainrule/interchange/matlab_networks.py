"""MATLAB: networks of the Deep Learning Toolbox, as `genFunction` or `save` writes them.

A function file of ``genFunction(net, 'file.m')`` is read statement by statement, as text: nothing
in it is run. A ``.mat`` file has the variables that docs/how-to/from-matlab.md saves. Both are the
same facts: how inputs are processed (mapminmax, mapstd, removed constant rows), the weights of each
layer, (outputs, inputs), the transfer functions, and how outputs are scaled back. Processing
becomes a part of the first and the last layer.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.errors import InputError, ModelFileError, shown
from chainrule.files import bytes_of, written_path
from chainrule.formulas.functions import exp, z
from chainrule.interchange.known_activations import clipped
from chainrule.interchange.layer_chain import (
    Link,
    dense,
    joined,
    with_activation,
    with_scaled_inputs,
    with_scaled_outputs,
)
from chainrule.network.activations import Activation, activation
from chainrule.network.losses import Loss
from chainrule.training.results import Result

__all__ = ["from_matlab"]

_TRANSFER: dict[str, str | Activation] = {
    "purelin": "identity",
    "tansig": "tanh",
    "logsig": "sigmoid",
    "poslin": "relu",
    "softmax": "softmax",
    "elliotsig": "softsign",
    "satlin": clipped(0, 1),
    "satlins": clipped(-1, 1),
    "radbas": activation("radbas", exp(-(z**2))),
}
"""Activations by MATLAB's names of transfer functions."""
_SCALINGS = {
    "mapminmax": ("xoffset", "gain", "ymin"),
    "mapstd": ("xmean", "xstd", "ymean", "ystd"),
    "removeconstantrows": ("keep", "remove"),
}
"""The settings of each processing function that are used; rows count from 1."""

Settings = Mapping[str, FloatArray]


@dataclass
class _Facts:
    """A network as its file states it, weights as (outputs, inputs)."""

    inputs: int = 0
    before: list[tuple[str, Settings]] = field(default_factory=list)
    layers: list[tuple[FloatArray, FloatArray, str]] = field(default_factory=list)
    after: list[tuple[str, Settings]] = field(default_factory=list)


def from_matlab(path: str | os.PathLike[str], loss: str | Loss = "auto") -> Result:
    """Return the network in a file of MATLAB, with its parameters.

    ``path`` is a function that ``genFunction`` wrote (``.m``), or a ``.mat`` file of the variables
    IW, LW, b and, where they are not the default, transferFcn, inputFcns, inputSettings,
    outputFcns and outputSettings. The network takes and gives rows, in the units of the data.
    ``loss`` is as for `from_torch`.

    Raises ``InputError`` for delays, several inputs, and functions that have no counterpart, by
    their name; ``ModelFileError`` for a file that is neither.
    """
    data = bytes_of(path)
    is_mat = os.fspath(path).lower().endswith(".mat")
    try:
        facts = _of_variables(data) if is_mat else _of_function(data.decode("utf-8-sig"))
        return _network(facts, loss)
    except InputError as error:
        raise InputError(f"{written_path(path)}: {error}") from None
    except (KeyError, TypeError, ValueError, IndexError) as error:
        form = "a .mat file with IW, LW and b" if is_mat else "a function of genFunction"
        raise ModelFileError(
            f"{written_path(path)}: is not {form}; see the page on MATLAB in the documentation"
        ) from error


def _network(facts: _Facts, loss: str | Loss) -> Result:
    """Return the network of the facts; processing is folded into the outermost layers."""
    if not facts.layers:
        raise InputError("must have a layer")
    links: list[Link] = []
    for W, b, transfer in facts.layers:
        links.append(dense(W.T, b))
        if transfer not in _TRANSFER:
            raise InputError(
                f"must have transfer functions of {', '.join(_TRANSFER)}, got {shown(transfer)}"
            )
        function = _TRANSFER[transfer]
        if function != "identity":
            with_activation(links, function)
    for name, settings in reversed(facts.before):
        links[0] = _processed(links[0], name, settings, facts.inputs)
    for name, settings in facts.after:
        factor, offset = _scaling(name, settings)
        with_scaled_outputs(links, 1.0 / factor, -offset / factor)
    return joined(len(links[0].arrays["W"]), links, loss)


def _inputs(facts: _Facts) -> int:
    """Return the number of inputs, with those whose rows are removed."""
    removal = next((given for name, given in facts.before if name == "removeconstantrows"), None)
    if removal is None:
        return int(facts.layers[0][0].shape[1])
    return int(max(np.max(rows) for rows in removal.values() if np.size(rows)))


def _processed(link: Link, name: str, settings: Settings, inputs: int) -> Link:
    """Return the link of the unprocessed inputs."""
    if name != "removeconstantrows":
        return with_scaled_inputs(link, *_scaling(name, settings))
    stays = np.asarray(settings["keep"], np.int64).ravel() - 1
    W = link.arrays["W"]
    if len(stays) != len(W):
        raise InputError(f"must keep {len(W)} rows, the inputs of layer 1, got {len(stays)}")
    whole = np.zeros((inputs, W.shape[1]))
    whole[stays] = W
    return Link(link.layer, {**link.arrays, "W": whole})


def _scaling(name: str, settings: Settings) -> tuple[FloatArray, FloatArray]:
    """Return f and o of a processing function, which computes f x + o."""
    if name not in ("mapminmax", "mapstd"):
        raise InputError(f"must be processed by {', '.join(_SCALINGS)}, got {shown(name)}")
    values = {key: np.ravel(settings[key]) for key in _SCALINGS[name]}
    if name == "mapminmax":
        return values["gain"], values["ymin"] - values["xoffset"] * values["gain"]
    factor = values["ystd"] / values["xstd"]
    return factor, values["ymean"] - values["xmean"] * factor


# -- a function of genFunction ---------------------------------------------------------------------

_CONSTANT = re.compile(r"(?P<name>\w+(?:\.\w+)?) ?= ?(?P<value>\[[^\]]*\]|[-+.\w]+)$")
_PROCESSING = re.compile(
    r"(?P<to>[\w{},]+) ?= ?(?P<what>\w+)_(?P<way>apply|reverse)\((?P<of>[\w{},]+), ?(?P<by>\w+)\)$"
)
_LAYER = re.compile(
    r"a(?P<number>\d+) ?= ?(?:(?P<transfer>\w+)_apply\()?"
    r"repmat\(b\d+,1,Q\) ?\+ ?(?P<weights>[IL]W\d+_\d+) ?\* ?(?P<of>[\w{},]+?)\)?$"
)
_COMPUTES = re.compile(r"_apply\(|_reverse\(|repmat\(b|[IL]W\d")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?|[-+]?(?:NaN|Inf)")
_BODY = re.compile(r"^%.*MODULE FUNCTIONS.*$", re.MULTILINE)


def _of_function(text: str) -> _Facts:
    """Return the facts that the statements of a function state."""
    body = _BODY.split(text)[0]
    constants: dict[str, FloatArray] = {}
    facts = _Facts()
    current = ""
    for statement in _statements(body):
        layer, step = _LAYER.match(statement), _PROCESSING.match(statement)
        if found := _CONSTANT.match(statement):
            value = _matrix(found["value"])
            if value is not None:
                constants[found["name"]] = value
        elif layer is not None:
            expected = current or "the input"
            if current and layer["of"] != current:
                raise InputError(f"layer {layer['number']} must follow {expected}")
            W, b = constants[layer["weights"]], constants[f"b{layer['number']}"].ravel()
            facts.layers.append((W, b, layer["transfer"] or "purelin"))
            current = f"a{layer['number']}"
        elif step is not None:
            settings = {
                name.partition(".")[2]: value
                for name, value in constants.items()
                if name.startswith(f"{step['by']}.")
            }
            steps = facts.before if step["way"] == "apply" else facts.after
            if (step["way"] == "apply") == bool(facts.layers):
                raise InputError(f"must process inputs first and outputs last, got {statement}")
            steps.append((step["what"], settings))
            current = step["to"]
        elif _COMPUTES.search(statement):
            raise InputError(f"must be a chain of layers without delays, got {shown(statement)}")
    if not facts.layers:
        raise ValueError("no layer")
    facts.inputs = _inputs(facts)
    return facts


def _statements(text: str) -> list[str]:
    """Return the statements, without comments, each in one line."""
    lines = (re.sub(r"%.*$", "", line).replace("...", " ") for line in text.splitlines())
    whole = re.sub(r"\[[^\]]*\]", lambda found: found[0].replace("\n", ";"), "\n".join(lines))
    parts = re.split(r"\n|;(?![^\[]*\])", whole)
    return [" ".join(part.split()) for part in parts if part.strip()]


def _matrix(text: str) -> FloatArray | None:
    """Return the matrix that MATLAB would read, (rows, columns); None for what is no number."""
    rows = [row for row in text.strip("[]").split(";") if row.strip()]
    found = []
    for row in rows:
        cells = row.replace(",", " ").split()
        if not all(_NUMBER.fullmatch(cell) for cell in cells):
            return None
        found.append([float(re.sub("[dD]", "e", cell)) for cell in cells])
    return np.array(found) if found else None


# -- a .mat file -----------------------------------------------------------------------------------


def _of_variables(data: bytes) -> _Facts:
    """Return the facts that the variables of a .mat file state."""
    variables = _loaded(data)
    biases = _cells(variables["b"])
    count = len(biases)
    transfers = [_text(cell) for cell in _cells(variables.get("transferFcn", []))]
    transfers = transfers or ["tansig"] * (count - 1) + ["purelin"]
    inner, outer = variables["IW"], variables["LW"]
    facts = _Facts()
    for layer, (bias, transfer) in enumerate(zip(biases, transfers, strict=True)):
        sources = [*inner[layer], *outer[layer]]
        expected = 0 if layer == 0 else inner.shape[1] + layer - 1
        for at, cell in enumerate(sources):
            if np.size(cell) and at != expected:
                raise InputError("must be a chain of layers with one input, got other connections")
        W = np.asarray(sources[expected], float)
        facts.layers.append((W, np.asarray(bias, float).ravel(), transfer))
    facts.before = _steps(variables, "input")
    facts.after = _steps(variables, "output")[::-1]
    facts.inputs = _inputs(facts)
    return facts


def _loaded(data: bytes) -> Mapping[str, Any]:
    """Return the variables of a .mat file; nothing in it is run."""
    from scipy.io import loadmat

    try:
        found: Mapping[str, Any] = loadmat(io.BytesIO(data))
    except NotImplementedError:
        raise InputError("must be saved for version 7: save('net.mat', ..., '-v7')") from None
    except Exception as error:  # whatever SciPy's reader meets in a file that is none
        raise ValueError from error
    return found


def _steps(variables: Mapping[str, Any], side: str) -> list[tuple[str, Settings]]:
    """Return the processing functions of a side with the settings that are used."""
    names = [_text(cell) for cell in _cells(variables.get(f"{side}Fcns", []))]
    settings = _cells(variables.get(f"{side}Settings", []))
    found: list[tuple[str, Settings]] = []
    for name, given in zip(names, settings, strict=True):
        if name not in _SCALINGS:
            raise InputError(f"must be processed by {', '.join(_SCALINGS)}, got {shown(name)}")
        fields = {key: np.asarray(given[key][0, 0], float) for key in _SCALINGS[name]}
        if name != "removeconstantrows" or np.size(fields["remove"]):
            found.append((name, fields))
    return found


def _cells(cell: Any) -> Sequence[Any]:
    """Return the entries of a cell array of one row or one column."""
    return list(np.asarray(cell, object).ravel())


def _text(cell: Any) -> str:
    return str(np.ravel(cell)[0])
