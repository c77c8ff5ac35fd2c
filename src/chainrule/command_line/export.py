"""``chainrule export``: a trained model as a program or a file of another system."""

from __future__ import annotations

import sys

import click

from chainrule.command_line.output_paths import refuse_inputs
from chainrule.command_line.shared_options import output_option
from chainrule.exports.c_writer import CHeader, rounded_up
from chainrule.exports.export_model import (
    FORMATS,
    c_program,
    check_options,
    export,
    format_for,
)
from chainrule.files import write_atomically
from chainrule.table_models.model_files import load

__all__ = ["command"]

_ENDINGS = ", ".join(f"{form.suffixes[0]} {name}" for name, form in FORMATS.items())


@click.command(
    "export",
    epilog="The formats: "
    + "; ".join(f"{name}, {form.description}" for name, form in FORMATS.items())
    + ".  Preprocessing and the labels of classes are in the file.",
)
@click.argument("model", metavar="MODEL")
@click.option(
    "--to",
    type=click.Choice(list(FORMATS)),
    help=f"The format; without it the ending of --output decides ({_ENDINGS}).",
)
@click.option(
    "--training",
    is_flag=True,
    help="c: add the backward pass and the step of gradient descent, so that the program goes on "
    "learning.",
)
@click.option(
    "--int8",
    is_flag=True,
    help="c: store weights in 8 bits with a scale for each unit, and state the loss of accuracy.",
)
@click.option(
    "--no-libm",
    "libm",
    flag_value=False,
    default=True,
    help="c: functions such as exp and tanh in the header itself; nothing to link.",
)
@output_option("Where to write; - is standard output.")
def command(
    model: str, to: str | None, training: bool, int8: bool, libm: bool, output: str
) -> None:
    """Write MODEL, a file or run folder, as a program that needs no chainrule."""
    chosen = format_for(to, None if output == "-" else output)
    check_options(chosen, training=training, int8=int8, libm=libm)
    refuse_inputs(output, model)
    written: str | bytes
    if training or int8 or not libm:
        header = c_program(load(model), training=training, int8=int8, libm=libm)
        written = header.text
        click.echo(_figures(header), err=True)
    else:
        written = export(load(model), chosen)
    data = written.encode("utf-8") if isinstance(written, str) else written
    if output == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
    else:
        write_atomically(output, data)


def _figures(header: CHeader) -> str:
    learning = ""
    if header.learning is not None:
        parameters, step = header.learning
        learning = f", {step:,} bytes for a step of training and {parameters:,} of parameters"
    return (
        f"{header.flash:,} bytes of flash, {header.ram:,} bytes of working memory{learning}; the "
        f"answers differ by {rounded_up(header.worst)} at most from the model's own on the "
        "rows of the test vectors."
    )
