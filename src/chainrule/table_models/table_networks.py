"""The network that suits a target: its loss, its last layer, and the scale of what it learns.

- The loss is log_loss for classes and mse for numbers, unless one is named.
- The last layer is softmax for three or more classes and sigmoid for two; for numbers it is what
  the loss asks for. A last activation that is named has to give classes probabilities.
- Numbers are scaled for losses of differences and outputs that can be any number. What poisson and
  gamma learn (counts, sizes) keeps its zero, and outputs with bounds are in the target's units.

Refused: losses that cannot take classes, and targets outside of what the loss is defined for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data import ClassTarget, NumberTarget, Table
from chainrule.data.columns import number_text
from chainrule.errors import DataError, InputError, shown
from chainrule.network import losses
from chainrule.network.activations import Activation
from chainrule.network.activations import find as find_activation
from chainrule.network.architecture import Network
from chainrule.network.domains import REALS, UNIT
from chainrule.network.losses import Loss
from chainrule.network.penalties import Penalty

__all__ = ["learns_scaled", "network_for", "refuse_unsuited"]

SCALED_LOSSES = ("mse", "half_mse", "mae", "huber", "quantile")
"""Losses of the difference y − a alone, so that moving and stretching both changes nothing else."""
ROWS_NAMED = 5

Target = ClassTarget | NumberTarget


def network_for(
    target: Target,
    features: int,
    hidden: Sequence[int],
    activation: str | Activation | Sequence[str | Activation] = "relu",
    loss: str | Loss = "auto",
    penalty: Penalty | Sequence[Penalty] = (),
) -> Network:
    """Return the network that learns a target from so many features.

    ``activation`` is one name for the hidden layers, or a list of one per hidden layer, which may
    have one more for the last layer. Raises InputError for what does not suit.

    >>> print(network_for(ClassTarget("kind", ("a", "b", "c")), 4, (8,)))
    4-8-3, relu then softmax, log_loss, 67 parameters
    >>> print(network_for(NumberTarget(("count",)), 4, (8,), loss="poisson"))
    4-8-1, relu then exponential, poisson, 49 parameters
    """
    chosen = _loss_for(loss, target)
    return Network.dense(
        [features, *hidden, target.n_outputs],
        _activations(activation, len(hidden), chosen, target),
        chosen,
        penalty=penalty,
    )


def learns_scaled(network: Network, target: Target) -> bool:
    """Return whether targets are scaled inside: outputs with bounds are in the target's units."""
    return (
        isinstance(target, NumberTarget)
        and network.loss.name in SCALED_LOSSES
        and network.activations[-1].range == REALS
    )


def refuse_unsuited(network: Network, target: NumberTarget, table: Table, Y: NDArray[Any]) -> None:
    """Raise where targets lie outside of what the loss is defined for, naming the rows."""
    domain = network.targets
    if domain == REALS:
        return
    low, high = domain.low, domain.high
    above = np.greater(Y, low) if domain.open_low else np.greater_equal(Y, low)
    below = np.less(Y, high) if domain.open_high else np.less_equal(Y, high)
    places = np.argwhere(~(above & below))
    if not len(places):
        return
    row, column = (int(place) for place in places[0])
    rows = np.unique(places[:, 0])
    listed = ", ".join(str(table.rows[place]) for place in rows[:ROWS_NAMED])
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
            f"loss {chosen.name}: learns targets in {chosen.forms[0].targets}, but the classes of "
            f"{shown(target.name)} are learned as 0 and 1; use log_loss, or append ':number' to "
            "the target"
        )
    return chosen


def _activations(
    given: str | Activation | Sequence[str | Activation],
    hidden: int,
    loss: Loss,
    target: Target,
) -> list[str | Activation]:
    """Return one activation per layer; the last one suits the task where it was not given.

    A single name is that of the hidden layers: as in `Network.dense` it would otherwise reach the
    last layer wherever the loss admits it, and rectified outputs cannot learn negative numbers.
    """
    names = [given] * hidden if isinstance(given, str | Activation) else list(given)
    if len(names) == hidden:
        return [*names, _last(loss, target)]
    if len(names) != hidden + 1:
        raise InputError(
            f"activation: {len(names)} names came for {hidden} hidden layers; give one name, or "
            "one per hidden layer, or one more for the last layer"
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
        f"activation: {chosen.name} in the last layer gives {produced}, and "
        f"{len(target.labels)} classes need probabilities; use {_last(losses.find('mse'), target)}"
    )
