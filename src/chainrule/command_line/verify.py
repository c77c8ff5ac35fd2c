"""``chainrule verify``: every gradient of a network against independent methods."""

from __future__ import annotations

import click

from chainrule.command_line.shared_options import network_options, seed_option
from chainrule.network.architecture import Network
from chainrule.table_models.model_checks import verify_network

__all__ = ["command"]


@click.command(
    "verify",
    epilog="Numbers are drawn at random; a MODEL is checked at its trained parameters.  The exit "
    "code is 1 where a check fails.",
)
@click.argument("model", metavar="[MODEL]", required=False)
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
    if (model is None) == (layers is None):
        raise click.UsageError("give either MODEL or --layers, such as --layers 2,3,1", context)
    if layers is not None:
        result = verify_network(Network.dense(layers, activation, loss), seed=seed)
    else:
        given = [
            f"--{name}"
            for name in ("activation", "loss")
            if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
        ]
        if given:
            raise click.UsageError(f"{given[0]} requires --layers; MODEL has its own", context)
        from chainrule.table_models.model_files import load

        trained = load(str(model))
        result = verify_network(trained.network, trained.parameters, seed=seed)
    click.echo(str(result))
    click.echo("every check holds" if result.passed else "NOT every check holds")
    if not result.passed:
        context.exit(1)
