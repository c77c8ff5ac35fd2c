"""``chainrule verify``: every gradient of a network against independent methods."""

from __future__ import annotations

import click

from chainrule.command_line.network_argument import given_network, model_argument
from chainrule.command_line.shared_options import network_options, seed_option
from chainrule.table_models.model_checks import verify_network

__all__ = ["command"]


@click.command(
    "verify",
    epilog="Numbers are drawn at random; a MODEL is checked at its trained parameters.  The exit "
    "code is 1 where a check fails.",
)
@model_argument
@network_options(required=False)
@seed_option
@click.pass_context
def command(
    context: click.Context,
    model: str | None,
    layers: tuple[int, ...] | None,
    activation: str | list[str],
    loss: str,
    seed: int,
) -> None:
    """Check every gradient of MODEL, or of a network described by --layers."""
    network, parameters = given_network(context, model, layers, activation, loss)
    result = verify_network(network, parameters, seed=seed)
    click.echo(str(result))
    click.echo("every check holds" if result.passed else "NOT every check holds")
    if not result.passed:
        context.exit(1)
