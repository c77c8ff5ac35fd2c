"""``chainrule derive``: the backpropagation of a network, step by step."""

from __future__ import annotations

from typing import Literal

import click

from chainrule.command_line.network_argument import given_network, model_argument
from chainrule.command_line.output_paths import document_format
from chainrule.command_line.shared_options import (
    chosen_optimizer,
    chosen_penalty,
    format_option,
    language_option,
    layout_option,
    network_options,
    output_option,
    sample_option,
    update_options,
)
from chainrule.derivation.derivation import derive
from chainrule.files import write_atomically

__all__ = ["command"]


@click.command("derive")
@model_argument
@network_options(required=False)
@update_options("The optimizer of the update")
@layout_option
@sample_option(one_sample=False)
@click.option(
    "--detail",
    type=click.Choice(["brief", "full"]),
    default="brief",
    show_default=True,
    help="The equations, or all steps from one neuron in scalars to the batch.",
)
@language_option
@format_option
@output_option("Where to write, in UTF-8.")
@click.pass_context
def command(
    context: click.Context,
    model: str | None,
    layers: tuple[int, ...] | None,
    activation: str | list[str],
    loss: str,
    optimizer: str,
    momentum: float | None,
    nesterov: bool,
    l2: float,
    layout: Literal["rows", "columns"],
    one_sample: bool,
    detail: Literal["brief", "full"],
    language: Literal["en", "zh"],
    form: str | None,
    output: str,
) -> None:
    """Derive the backpropagation of MODEL, or of a network described by --layers.

    Every matrix equation has the reason for its step.
    """
    network, _ = given_network(context, model, layers, activation, loss, chosen_penalty(l2))
    derivation = derive(
        network,
        layout=layout,
        batch=not one_sample,
        optimizer=chosen_optimizer(optimizer, momentum, nesterov),
        detail=detail,
    )
    forms = {
        "text": derivation.to_text,
        "latex": derivation.to_latex,
        "html": derivation.to_html,
    }
    text = forms[document_format(form, output)](language)
    if output == "-":
        click.echo(text, nl=False)
    else:
        write_atomically(output, text.encode("utf-8"))
