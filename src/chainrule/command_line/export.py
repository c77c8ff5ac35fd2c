"""``chainrule export``: a trained model as a program or a file of another system."""

from __future__ import annotations

import sys

import click

from chainrule.command_line.output_paths import refuse_inputs
from chainrule.command_line.shared_options import output_option
from chainrule.exports.export_model import FORMATS, export, format_for
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
@output_option("Where to write; - is standard output.")
def command(model: str, to: str | None, output: str) -> None:
    """Write MODEL, a file or run folder, as a program that needs no chainrule."""
    chosen = format_for(to, None if output == "-" else output)
    refuse_inputs(output, model)
    written = export(load(model), chosen)
    data = written.encode("utf-8") if isinstance(written, str) else written
    if output == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
    else:
        write_atomically(output, data)
