"""``chainrule explain``: one step of training on rows of a table, with every number."""

from __future__ import annotations

import json
from typing import Literal

import click

from chainrule.command_line.document_output import (
    document_options,
    write_document,
    write_text,
)
from chainrule.command_line.output_paths import refuse_inputs
from chainrule.command_line.shared_options import (
    layout_option,
    text_encoding_option,
)
from chainrule.command_line.translated_help import TranslatedHelp
from chainrule.data import TableFile
from chainrule.errors import InputError
from chainrule.files import written_path
from chainrule.network import optimizers
from chainrule.table_models.model_files import load
from chainrule.table_models.table_model import TableModel

__all__ = ["command"]


@click.command(
    "explain",
    cls=TranslatedHelp,
    epilog="Rows count from 0, the header not counted.  A weight is named by its array and its "
    "indices, input and output from 0, or by the names of columns and classes: W_ih[0,2], "
    "W_ih[age,2], b_ho[1].  The step starts at the model's parameters with the optimizer's "
    "memory zero.  The exit code is 1 where a formula does not agree with its check.",
)
@click.argument("model", metavar="MODEL")
@click.argument("data", metavar="DATA")
@text_encoding_option
@click.option(
    "--row",
    "rows",
    type=int,
    metavar="N",
    multiple=True,
    default=[0],
    show_default=True,
    help="The row to explain; several make a batch.",
)
@click.option("--weight", metavar="NAME[I,J]", help="Follow one weight or bias to the end.")
@click.option(
    "--optimizer",
    metavar="NAME",
    show_default="the model's own",
    help=f"The optimizer of the step: {', '.join(optimizers.CATALOGUE)}.",
)
@click.option(
    "--learning-rate",
    type=float,
    metavar="F",
    help="Replaces the optimizer's own.",
)
@layout_option
@click.option("--json", "as_json", is_flag=True, help="Print all of it as one JSON object.")
@document_options
@click.pass_context
def command(
    context: click.Context,
    model: str,
    data: str,
    text_encoding: str | None,
    rows: tuple[int, ...],
    weight: str | None,
    optimizer: str | None,
    learning_rate: float | None,
    layout: Literal["rows", "columns"],
    language: Literal["en", "zh"],
    form: str | None,
    fragment: bool,
    as_json: bool,
    output: str,
) -> None:
    """Explain what one step of training does with MODEL on rows of DATA (CSV, Parquet or -)."""
    trained = load(model)
    if not isinstance(trained, TableModel):
        raise InputError(
            f"{written_path(model)}: contains a network without the preprocessing of a table; "
            "give a model that `chainrule train` wrote, or use cr.explain"
        )
    refuse_inputs(output, data, model)
    from chainrule.explanation.table_rows import explain_table

    explanation = explain_table(
        trained,
        TableFile(data, text_encoding),
        rows=rows,
        weight=weight,
        optimizer=optimizer,
        learning_rate=learning_rate,
        layout=layout,
    )
    if as_json:
        write_text(f"{json.dumps(explanation.to_dict())}\n", output)
    else:
        write_document(explanation, output, form=form, fragment=fragment, language=language)
    if not explanation.passed:
        context.exit(1)
