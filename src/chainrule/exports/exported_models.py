"""What can be exported, each as a `Prediction`: table models, networks, estimators."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from chainrule.arrays import Array, FloatArray
from chainrule.data import TargetScaler
from chainrule.errors import InputError, InputTypeError
from chainrule.exports.example_rows import Examples, number_examples, table_examples
from chainrule.exports.learned_network import input_widths
from chainrule.exports.network_steps import add_network
from chainrule.exports.prediction_steps import Column, Label, Part, Prediction, needed
from chainrule.exports.step_list import StepList
from chainrule.exports.table_steps import add_table_model, columns_of, with_both_classes
from chainrule.network.architecture import Network
from chainrule.network.layers import CategoryLayer
from chainrule.network.parameters import Parameters, gathered
from chainrule.table_models.table_model import TableModel
from chainrule.table_models.table_run import TableRun
from chainrule.training.results import Result
from chainrule.training.single_pass import predict

__all__ = ["Answer", "prediction_of"]


def prediction_of(model: Any, steps: StepList | None = None) -> Prediction:
    """Return the prediction of a table model, a Result, (network, parameters) or an estimator.

    ``steps`` are those that the prediction's are added to, by default an empty list.

    >>> network = Network.dense([2, 3, 1])
    >>> found = prediction_of((network, network.initialize(seed=0)))
    >>> [column.name for column in found.columns], found.outputs
    (['x0', 'x1'], ('y',))
    """
    steps = StepList() if steps is None else steps
    for kind, convert in _KINDS.items():
        if isinstance(model, kind):
            return convert(model, steps)
    if hasattr(model, "model_"):  # TableClassifier, TableRegressor
        return _of_table(model.model_, steps, getattr(model, "classes_", None))
    if hasattr(model, "coefs_"):  # MLPClassifier, MLPRegressor
        return _of_estimator(model, steps)
    raise InputTypeError(
        "`model` must be a TableModel, the Result of train, a pair (network, parameters) or a "
        f"fitted estimator, got {type(model).__name__}"
    )


def _of_pair(pair: Sequence[Any], steps: StepList) -> Prediction:
    if len(pair) != 2 or not isinstance(pair[0], Network) or not isinstance(pair[1], Mapping):
        raise InputTypeError(
            "`model` must be a pair (network, parameters) where it is a tuple, got a tuple of "
            f"{', '.join(type(part).__name__ for part in pair) or 'nothing'}"
        )
    network, parameters = pair
    return _of_network(network, parameters, steps)


def _of_table(model: TableModel, steps: StepList, classes: Array | None = None) -> Prediction:
    """Return the prediction of a table model; ``classes`` replace its labels."""
    columns = columns_of(model)
    output = add_table_model(steps, model, columns)
    labels = model.classes
    if labels is not None and classes is not None:
        given = classes.tolist()
        labels = tuple(given[int(label)] for label in labels)
    names = model.target.names if labels is None else tuple(map(str, labels))
    count = len(model.members)
    title = f"{count} networks of {model.network}" if count > 1 else str(model.network)
    made = _made(
        Answer(steps, columns, output, names, labels), title, lambda: table_examples(model, columns)
    )
    return made if model.scaler is None else replace(made, target_scale=_scale(model.scaler))


def _scale(scaler: TargetScaler) -> tuple[FloatArray, FloatArray]:
    mean, deviation = np.asarray(scaler.mean), np.asarray(scaler.deviation)
    return mean.astype(np.float64), deviation.astype(np.float64)


def _of_network(network: Network, parameters: Mapping[str, Any], steps: StepList) -> Prediction:
    """Return the prediction of a network without a table: columns x0, x1, ..., outputs y."""
    given = gathered(parameters, network.parameter_shapes)
    columns, inputs = _columns(steps, network)
    heads = add_network(steps, network, given, inputs)
    parts = [Part(head, 0, steps.widths[head]) for head in heads]
    names = [
        f"y{at}" if len(heads) == 1 else f"{target}[{at}]"
        for target, part in zip(network.target_names, parts, strict=True)
        for at in range(part.count)
    ]
    outputs = ("y",) if len(names) == 1 else tuple(names)
    output = steps.gather(parts, "the outputs of all heads")
    levels = [
        level
        for node in network.inputs
        for level in (
            [node.width] if isinstance(node.layer, CategoryLayer) else [None] * node.width
        )
    ]

    def examples() -> Examples:
        return number_examples(levels, lambda X: _predicted(network, given, X))

    return _made(Answer(steps, columns, output, outputs, None), str(network), examples)


def _predicted(network: Network, parameters: Parameters, X: FloatArray) -> FloatArray:
    """Return the outputs of all heads, (samples, outputs), for the columns of all inputs."""
    parts = np.split(X, np.cumsum(input_widths(network))[:-1], axis=1)
    found = predict(network, parameters, parts if len(parts) > 1 else parts[0])
    return np.hstack(found) if isinstance(found, tuple) else found


def _columns(steps: StepList, network: Network) -> tuple[tuple[Column, ...], dict[str, str]]:
    """Return the columns of a network's inputs, and the values read from them by symbol."""
    columns: list[Column] = []
    inputs: dict[str, str] = {}
    for symbol, node in zip(network.input_names, network.inputs, strict=True):
        name = getattr(node.layer, "name", None) or symbol
        if isinstance(node.layer, CategoryLayer):
            names = [name]
        elif len(network.inputs) == 1:
            names = [f"x{at}" for at in range(node.width)]
        else:
            names = [f"{name}[{at}]" for at in range(node.width)]
        start = len(columns)
        columns += [Column(name, "number") for name in names]
        inputs[symbol] = steps.read(range(start, len(columns)), f"the input {symbol}")
    return tuple(columns), inputs


def _of_estimator(estimator: Any, steps: StepList) -> Prediction:
    """Return the prediction of an MLPClassifier or MLPRegressor."""
    dtype = estimator.coefs_[0].dtype
    network = estimator._network(dtype)
    width = estimator.n_features_in_
    given = getattr(estimator, "feature_names_in_", None)
    names = [f"x{at}" for at in range(width)] if given is None else [str(name) for name in given]
    columns = tuple(Column(name, "number") for name in names)
    cells = steps.read(range(width), "the columns")
    embedded = [item.column for item in estimator._blocks.embeddings]
    others = [at for at in range(width) if at not in embedded]
    groups = [others] * bool(others) + [[column] for column in embedded]
    inputs = {
        symbol: steps.gather([Part(cells, at, 1) for at in group], f"the input {symbol}")
        for symbol, group in zip(network.input_names, groups, strict=True)
    }
    (output,) = add_network(steps, network, estimator._packed(network, dtype), inputs)
    count, labels = steps.widths[output], None
    outputs = ("y",) if count == 1 else tuple(f"y{at}" for at in range(count))
    if hasattr(estimator, "classes_"):
        if estimator._labels.one_by_one:  # each label has a probability of its own
            outputs = tuple(map(str, estimator.classes_.tolist()))
        else:
            labels = tuple(estimator.classes_.tolist())
            outputs = tuple(map(str, labels))
            output = output if count > 1 else with_both_classes(steps, output)
    levels = [
        next((item.levels for item in estimator._blocks.embeddings if item.column == at), None)
        for at in range(width)
    ]
    answers = estimator.predict_proba if hasattr(estimator, "classes_") else estimator.predict

    def examples() -> Examples:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # X has no names of columns
            return number_examples(levels, answers)

    return _made(Answer(steps, columns, output, outputs, labels), str(network), examples)


class Answer(NamedTuple):
    """Steps, the columns they read, the value with the answer, and what its entries are."""

    steps: StepList
    columns: tuple[Column, ...]
    output: str
    outputs: tuple[str, ...]
    labels: tuple[Label, ...] | None


def _made(answer: Answer, title: str, examples: Callable[[], Examples]) -> Prediction:
    """Return the prediction with the steps that its answer needs."""
    steps, columns, output, outputs, labels = answer
    chosen = tuple(needed(tuple(steps.steps), output))
    used = {source for step in chosen for source in step.sources}
    constants = {name: array for name, array in steps.constants.items() if name in used}
    if not all(np.isfinite(array).all() for array in constants.values()):
        raise InputError("`model` must have finite parameters, got infinite ones. Train it anew.")
    return Prediction(columns, chosen, constants, output, outputs, labels, title, examples)


_KINDS: dict[type, Callable[[Any, StepList], Prediction]] = {
    TableRun: lambda run, steps: _of_table(run.model, steps),
    TableModel: _of_table,
    Result: lambda result, steps: _of_network(result.network, result.parameters, steps),
    tuple: _of_pair,
}
