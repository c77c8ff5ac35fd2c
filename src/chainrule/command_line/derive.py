"""``chainrule derive``: the backpropagation of a network, told step by step."""

from __future__ import annotations

from typing import Literal

import click

from chainrule.command_line.option_types import names, widths
from chainrule.command_line.update_options import (
    chosen_optimizer,
    chosen_penalty,
    update_options,
)
from chainrule.derivation.derivation import derive
from chainrule.files import write_atomically
from chainrule.network import activations, losses
from chainrule.network.architecture import Network

__all__ = ["command"]


@click.command("derive")
@click.option(
    "--layers",
    type=widths,
    metavar="N,N,...",
    required=True,
    help="Widths from the inputs to the outputs, such as 2,3,1.",
)
@click.option(
    "--activation",
    type=names,
    metavar="NAME[,NAME...]",
    default="sigmoid",
    show_default=True,
    help="One name for every layer, or one per layer, the last included: "
    f"{', '.join(activations.CATALOGUE)}.",
)
@click.option(
    "--loss",
    metavar="NAME",
    default="mse",
    show_default=True,
    help=f"{', '.join(losses.CATALOGUE)}.",
)
@update_options("Whose update ends it")
@click.option(
    "--layout",
    type=click.Choice(["rows", "columns"]),
    default="rows",
    show_default=True,
    help="Where the samples stand.",
)
@click.option(
    "--one-sample/--batch",
    "one_sample",
    default=False,
    show_default="--batch",
    help="For a single sample or for a batch.",
)
@click.option(
    "--detail",
    type=click.Choice(["brief", "full"]),
    default="brief",
    show_default=True,
    help="The equations, or everything from one neuron in scalars to the batch.",
)
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "latex", "html"]),
    default="text",
    show_default=True,
)
@click.option(
    "--output",
    metavar="FILE",
    default="-",
    show_default="standard output",
    help="Where to write, in UTF-8.",
)
def command(
    layers: tuple[int, ...],
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
    form: str,
    output: str,
) -> None:
    """Derive the backpropagation of a network as matrix equations, with a reason for every step."""
    network = Network.dense(layers, activation, loss, penalty=chosen_penalty(l2))
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
    text = forms[form](language)
    if output == "-":
        click.echo(text, nl=False)
    else:
        write_atomically(output, text.encode("utf-8"))
