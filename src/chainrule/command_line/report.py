"""``chainrule report``: the report of a run, and a page that compares several."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from chainrule.command_line.output_paths import refuse_inputs
from chainrule.command_line.shared_options import text_encoding_option
from chainrule.command_line.shown_language import language_option
from chainrule.command_line.translated_help import TranslatedHelp
from chainrule.data import TableFile
from chainrule.errors import InputError
from chainrule.files import written_path
from chainrule.table_models.run_folders import REPORT_NAME, RUN_FILES

__all__ = ["command"]

COMPARISON = "comparison.html"


@click.command(
    "report",
    cls=TranslatedHelp,
    epilog="RUN is a run folder that chainrule train or tune wrote; one has its report beside its "
    "model, with what was measured on rows that training did not see.  A report that is made from "
    f"DATA measures on DATA.  Of several runs the page is {COMPARISON}.  Nothing is fetched by a "
    "page.",
)
@click.argument("runs", metavar="RUN [RUN ...]", nargs=-1, required=True)
@click.option(
    "--data",
    metavar="DATA",
    help="A table with the target, on which the report measures: CSV, Parquet, Excel or -.",
)
@language_option
@text_encoding_option
@click.option(
    "--output",
    metavar="FILE",
    show_default=f"{REPORT_NAME} in the run folder, of several runs {COMPARISON}",
    help="Where the page is written.",
)
@click.pass_context
def command(
    context: click.Context,
    runs: tuple[str, ...],
    data: str | None,
    language: Literal["en", "zh"],
    text_encoding: str | None,
    output: str | None,
) -> None:
    """Show where the report of a run is, make it, or compare runs on one page."""
    if len(runs) > 1:
        if data is not None:
            raise InputError(
                "--data is for one run: runs are compared by the scores of their trainings. To "
                "compare models on a table, use chainrule evaluate"
            )
        from chainrule.reports.comparison import comparison_of

        page, path = comparison_of(runs, language), Path(output or COMPARISON)
    else:
        (run,) = runs
        stored = Path(run) / REPORT_NAME
        stated = context.get_parameter_source("language") is not click.core.ParameterSource.DEFAULT
        asked = data is not None or output is not None or stated
        if not asked and stored.is_file():
            click.echo(written_path(stored))
            return
        path = _path(run, stored, output)
        from chainrule.reports.make_report import report_on
        from chainrule.reports.subject import Subject

        page = report_on(
            Subject.of_folder(run, None if data is None else TableFile(data, text_encoding)),
            language,
        )
    stored_files = [
        str(Path(run) / name) for run in runs for name in RUN_FILES if name != REPORT_NAME
    ]
    refuse_inputs(str(path), *runs, *stored_files, *([] if data is None else [data]))
    page.save(path)
    click.echo(written_path(path))


def _path(run: str, stored: Path, output: str | None) -> Path:
    """Return where the report of a run is written, never over one that knows more."""
    if output is not None:
        return Path(output)
    if stored.is_file():
        raise InputError(
            f"{written_path(stored)}: there is a report already, and that of a training knows "
            "which rows it has not seen; name another file for this one (--output FILE)"
        )
    if not Path(run).exists():
        raise InputError(f"{written_path(run)}: no such run folder; check the path")
    if not Path(run).is_dir():
        raise InputError(f"{written_path(run)}: is no run folder; name the page (--output FILE)")
    return stored
