"""``chainrule derive``: the backpropagation of a network, step by step."""

from __future__ import annotations

from typing import Literal

import click

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
from chainrule.network.architecture import Network

__all__ = ["command"]


@click.command("derive")
@network_options()
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
