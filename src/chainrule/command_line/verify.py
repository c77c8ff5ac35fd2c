"""``chainrule verify``: every gradient of a network against independent methods."""

from __future__ import annotations

import click

from chainrule.command_line.network_argument import given_network, model_argument
from chainrule.command_line.shared_options import network_options, seed_option
from chainrule.command_line.shown_language import language_option
from chainrule.command_line.translated_help import TranslatedHelp
from chainrule.derivation.derivation import LAYOUTS, derive
from chainrule.language.printed_phrases import Wording
from chainrule.marking.printed_lines import read_back
from chainrule.table_models.model_checks import verify_network

__all__ = ["command"]


@click.command(
    "verify",
    cls=TranslatedHelp,
    epilog="Numbers are drawn at random; a MODEL is checked at its trained parameters.  Every line "
    "that `derive --detail full` prints is read back as a learner's line is marked; a line that is "
    "not read is not counted as right.  The exit code is 1 where a check fails.",
)
@model_argument
@network_options(required=False)
@seed_option
@language_option
@click.pass_context
def command(
    context: click.Context,
    model: str | None,
    layers: tuple[int, ...] | None,
    activation: str | list[str],
    loss: str,
    seed: int,
    language: str,
) -> None:
    """Check every gradient of MODEL, or of a network described by --layers."""
    network, parameters = given_network(context, model, layers, activation, loss)
    result = verify_network(network, parameters, seed=seed)
    words = Wording("verification", language)
    click.echo("\n".join(result.lines(language)))
    printed = [read_back(derive(network, layout=layout, detail="full")) for layout in LAYOUTS]
    count = sum(len(found.lines) for found in printed)
    right = sum(len(found.right) for found in printed)
    mark = "✓" if all(found.passed for found in printed) else "✗"
    click.echo(f"  {words('read_back', right=right, count=count, mark=mark)}")
    for line in (line for found in printed for line in found.wrong):
        click.echo(f"    ✗ {line.text}")
    passed = result.passed and all(found.passed for found in printed)
    click.echo(words("every_check_holds" if passed else "not_every_check_holds"))
    if not passed:
        context.exit(1)
