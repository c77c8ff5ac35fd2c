"""``chainrule derive``: the backpropagation of a network, step by step."""

from __future__ import annotations

from typing import Literal

import click

from chainrule.command_line.document_output import document_options, write_document
from chainrule.command_line.network_argument import given_network, model_argument
from chainrule.command_line.shared_options import (
    chosen_optimizer,
    chosen_penalty,
    layout_option,
    network_options,
    sample_option,
    update_options,
)
from chainrule.command_line.translated_help import TranslatedHelp
from chainrule.derivation.derivation import derive

__all__ = ["command"]


@click.command("derive", cls=TranslatedHelp)
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
@document_options
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
    fragment: bool,
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
    write_document(derivation, output, form=form, fragment=fragment, language=language)
