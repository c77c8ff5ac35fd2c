"""``chainrule export``: a trained model as a program or a file of another system."""

from __future__ import annotations

import sys

import click

from chainrule.command_line.output_paths import refuse_inputs
from chainrule.command_line.shared_options import output_option
from chainrule.command_line.shown_language import language_option
from chainrule.command_line.translated_help import TranslatedHelp
from chainrule.exports.c_writer import CHeader, rounded_up
from chainrule.exports.export_model import (
    FORMATS,
    c_program,
    check_options,
    export,
    format_for,
)
from chainrule.files import write_atomically
from chainrule.language.printed_phrases import Wording
from chainrule.table_models.model_files import load

__all__ = ["command"]

ENDINGS = [f"{form.suffixes[0]} {name}" for name, form in FORMATS.items()]
"""The first ending of each format, and its name."""


@click.command(
    "export",
    cls=TranslatedHelp,
    epilog="The formats: "
    + "; ".join(f"{name}, {form.description}" for name, form in FORMATS.items())
    + ".  Preprocessing and the labels of classes are in the file.",
)
@click.argument("model", metavar="MODEL")
@click.option(
    "--to",
    type=click.Choice(list(FORMATS)),
    help=f"The format; without it the ending of --output decides ({', '.join(ENDINGS)}).",
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
@language_option
def command(
    model: str, to: str | None, training: bool, int8: bool, libm: bool, output: str, language: str
) -> None:
    """Write MODEL, a file or run folder, as a program that needs no chainrule."""
    chosen = format_for(to, None if output == "-" else output)
    check_options(chosen, training=training, int8=int8, libm=libm)
    refuse_inputs(output, model)
    written: str | bytes
    if training or int8 or not libm:
        header = c_program(load(model), training=training, int8=int8, libm=libm)
        written = header.text
        click.echo(_figures(header, Wording("export", language)), err=True)
    else:
        written = export(load(model), chosen)
    data = written.encode("utf-8") if isinstance(written, str) else written
    if output == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
    else:
        write_atomically(output, data)


def _figures(header: CHeader, words: Wording) -> str:
    learning = ""
    if header.learning is not None:
        parameters, step = header.learning
        learning = words("learning", step=step, parameters=parameters)
    return words(
        "figures",
        flash=header.flash,
        ram=header.ram,
        learning=learning,
        worst=rounded_up(header.worst),
    )
