"""The network for a target: its loss, its last layer, and the scale of its targets.

- The loss is log_loss for classes and mse for numbers, unless one is named.
- The last layer is softmax for three or more classes and sigmoid for two; for numbers the
  loss determines it. A last activation that is named has to give probabilities for classes.
- Numbers are scaled for losses of differences and outputs that can be any number. Targets of
  poisson and gamma (counts, sizes) and of bounded outputs are not scaled.

Errors: losses that are not defined for classes, and targets outside the domain of the loss.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.arrays import FloatArray, RealArray
from chainrule.data import ClassTarget, NumberTarget, Table
from chainrule.data.columns import number_text
from chainrule.errors import DataError, InputError, shown
from chainrule.network import losses
from chainrule.network.activations import Activation
from chainrule.network.activations import find as find_activation
from chainrule.network.architecture import Network
from chainrule.network.domains import REALS, UNIT
from chainrule.network.embeddings import Periodic, PiecewiseLinear, quantile_edges
from chainrule.network.graph import Layer, Node
from chainrule.network.layers import Dense, Input
from chainrule.network.losses import Loss
from chainrule.network.penalties import Penalty
from chainrule.network.random_layers import Dropout
from chainrule.table_models.recipes import Candidate, Encoding

__all__ = ["inputs_for", "learns_scaled", "network_for", "refuse_unsuited"]

SCALED_LOSSES = ("mse", "half_mse", "mae", "huber", "quantile")
"""Losses of the difference y − a alone, so that shifting and scaling both is equivalent."""
ROWS_NAMED = 5
MOST_BINS, LEAST_BINS, ALL_BINS = 16, 4, 256
"""Bins of the piecewise-linear encoding of a column, and about how many all columns have."""
UNITS, FREQUENCIES, DEVIATION = 3, 16, 0.3
"""Outputs of the periodic encoding of a column, its frequencies, and their standard deviation."""
MOST_PERIODIC = 20
"""With more numeric columns than these they have no periodic encoding, whose time is quadratic."""

Target = ClassTarget | NumberTarget


def network_for(
    target: Target,
    matrix: FloatArray,
    numeric: Sequence[int],
    candidate: Candidate,
    loss: str | Loss = "auto",
    penalty: Penalty | Sequence[Penalty] = (),
) -> Network:
    """Return the network that predicts a target from features, (rows, features).

    ``numeric`` are the columns of ``matrix`` that are numbers: they are encoded where the candidate
    says so, and then the network has two inputs, numbers and categories (see `inputs_for`). The
    candidate's activation is one name for the hidden layers, or a list of one per hidden layer,
    which may have one more for the last layer. Raises InputError for a loss or an activation
    that the target does not admit.

    >>> from chainrule.table_models.recipes import plain
    >>> candidate = plain(rows=9).candidates[0]
    >>> print(network_for(ClassTarget("kind", ("a", "b", "c")), np.eye(4), [], candidate))
    4-64-3, relu then softmax, log_loss, 515 parameters
    >>> print(network_for(NumberTarget(("count",)), np.eye(4), [], candidate, loss="poisson"))
    4-64-1, relu then exponential, poisson, 385 parameters
    """
    chosen = _loss_for(loss, target)
    widths = candidate.hidden
    functions = _activations(candidate.activation, len(widths), chosen, target)
    encoded = candidate.encoding != "none" and len(numeric)
    if not encoded and not candidate.dropout:
        layers = [matrix.shape[1], *widths, target.n_outputs]
        return Network.dense(layers, functions, chosen, penalty=penalty)
    inputs = [Input(width, name=name) for name, width in _parts(matrix, numeric if encoded else ())]
    sources: list[Node] = list(inputs)
    if encoded:
        encodings = _encodings(candidate.encoding, matrix[:, list(numeric)])
        sources += [layer(inputs[0]) for layer in encodings]
    for width, function in zip(widths, functions, strict=False):
        node = Dense(width, function)(*sources)
        sources = [Dropout(candidate.dropout)(node) if candidate.dropout else node]
    output = Dense(target.n_outputs, functions[-1])(*sources)
    return Network(inputs, output, chosen, penalty=penalty)


def inputs_for(
    network: Network, matrix: RealArray, numeric: Sequence[int]
) -> RealArray | dict[str, RealArray]:
    """Return features, (rows, features), as the network takes them: whole, or by its inputs."""
    if len(network.inputs) == 1:
        return matrix
    others = np.setdiff1d(np.arange(matrix.shape[1]), numeric)
    return {"numbers": matrix[:, list(numeric)], "categories": matrix[:, others]}


def _parts(matrix: FloatArray, numeric: Sequence[int]) -> list[tuple[str, int]]:
    width = matrix.shape[1]
    if len(numeric) in (0, width):
        return [("features", width)]
    return [("numbers", len(numeric)), ("categories", width - len(numeric))]


def _encodings(encoding: Encoding, numbers: FloatArray) -> list[Layer]:
    """Return the layers that encode numbers, (rows, columns)."""
    layers: list[Layer] = []
    columns = numbers.shape[1]
    if encoding != "periodic":
        bins = min(max(ALL_BINS // columns, LEAST_BINS), MOST_BINS)
        layers.append(PiecewiseLinear(quantile_edges(numbers, bins)))
    if encoding != "piecewise" and columns <= MOST_PERIODIC:
        layers.append(Periodic(UNITS, FREQUENCIES, deviation=DEVIATION))
    return layers


def learns_scaled(network: Network, target: Target) -> bool:
    """Return whether targets are scaled: bounded outputs are in the target's own units."""
    return (
        isinstance(target, NumberTarget)
        and network.loss.name in SCALED_LOSSES
        and network.activations[-1].range == REALS
    )


def refuse_unsuited(network: Network, target: NumberTarget, table: Table, Y: FloatArray) -> None:
    """Raise DataError for targets outside the domain of the loss; the message names the rows."""
    domain = network.targets
    if domain == REALS:
        return
    low, high = domain.low, domain.high
    above = np.greater(Y, low) if domain.open_low else np.greater_equal(Y, low)
    below = np.less(Y, high) if domain.open_high else np.less_equal(Y, high)
    outside = np.argwhere(~(above & below))
    if not len(outside):
        return
    row, column = (int(index) for index in outside[0])
    rows = np.unique(outside[:, 0])
    listed = ", ".join(str(table.rows[index]) for index in rows[:ROWS_NAMED])
    more = f" and {len(rows) - ROWS_NAMED} more" if len(rows) > ROWS_NAMED else ""
    which = f"{table.row_word}{'s' if len(rows) > 1 else ''} {listed}{more}"
    remedy = "append ':class' to the target" if network.loss.name == "log_loss" else "use mse"
    raise DataError(
        f"{table.location(row, target.names[column])}: the target is "
        f"{number_text(Y[row, column])}, but loss {network.loss.name} requires targets in {domain} "
        f"({which} of {table.n_rows} are outside); correct the cells, or {remedy}"
    )


def _loss_for(loss: str | Loss, target: Target) -> Loss:
    if loss == "auto":
        return losses.find("log_loss" if isinstance(target, ClassTarget) else "mse")
    chosen = losses.find(loss)
    if isinstance(target, ClassTarget) and not any(
        0.0 in form.targets and 1.0 in form.targets for form in chosen.forms
    ):
        raise InputError(
            f"loss {chosen.name} requires targets in {chosen.forms[0].targets}, but the classes of "
            f"{shown(target.name)} are 0 and 1; use log_loss, or append ':number' to "
            "the target"
        )
    return chosen


def _activations(
    given: str | Activation | Sequence[str | Activation],
    hidden: int,
    loss: Loss,
    target: Target,
) -> list[str | Activation]:
    """Return one activation per layer; the last one depends on the task if it is not given.

    A single name is that of the hidden layers: in `Network.dense` it also applies to the last
    layer where the loss admits it, but rectified outputs cannot be negative.
    """
    names = [given] * hidden if isinstance(given, str | Activation) else list(given)
    if len(names) == hidden:
        return [*names, _last(loss, target)]
    if len(names) != hidden + 1:
        raise InputError(
            f"`activation` must be one name, or one name per hidden layer (here {hidden}) with an "
            f"optional one for the last layer, got a list of {len(names)}"
        )
    _refuse_no_probabilities(names[-1], target)
    return names


def _last(loss: Loss, target: Target) -> str:
    if isinstance(target, ClassTarget):
        return "sigmoid" if target.n_outputs == 1 else "softmax"
    return next(form.canonical for form in loss.forms if not form.shares)


def _refuse_no_probabilities(last: str | Activation, target: Target) -> None:
    if not isinstance(target, ClassTarget):
        return
    chosen = find_activation(last)
    produced = chosen.range
    if produced.simplex if target.n_outputs > 1 else produced <= UNIT:
        return
    raise InputError(
        f"activation {chosen.name} of the last layer has the range {produced}, but "
        f"{len(target.labels)} classes need probabilities; use {_last(losses.find('mse'), target)}"
    )
