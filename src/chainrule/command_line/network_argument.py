"""The network that a verb is about: that of MODEL, or one that --layers describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from chainrule.arrays import RealArray
from chainrule.network.architecture import Network
from chainrule.network.penalties import Penalty

__all__ = ["given_network", "model_argument"]

model_argument = click.argument("model", metavar="[MODEL]", required=False)


def given_network(
    context: click.Context,
    model: str | None,
    layers: Sequence[int] | None,
    activation: str | list[str],
    loss: str,
    penalty: Penalty | Sequence[Penalty] = (),
) -> tuple[Network, Mapping[str, RealArray] | None]:
    """Return the network, and the parameters of a MODEL.

    Raises UsageError where both or neither are given, and where options describe a network beside
    a MODEL.
    """
    if (model is None) == (layers is None):
        raise click.UsageError("give either MODEL or --layers, such as --layers 2,3,1", context)
    if layers is not None:
        return Network.dense(layers, activation, loss, penalty=penalty), None
    for name in ("activation", "loss", "l2"):
        source = context.get_parameter_source(name)
        if source not in (None, click.core.ParameterSource.DEFAULT):
            raise click.UsageError(f"--{name} requires --layers; MODEL has its own", context)
    from chainrule.table_models.model_files import load

    trained = load(str(model))
    return trained.network, trained.parameters
