"""``chainrule report``: the report of a run, and a page that compares several."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from chainrule.command_line.output_paths import refuse_inputs
from chainrule.command_line.shared_options import text_encoding_option
from chainrule.data import TableFile
from chainrule.errors import InputError
from chainrule.files import written_path
from chainrule.table_models.run_folders import REPORT_NAME, RUN_FILES

__all__ = ["command"]

COMPARISON = "comparison.html"


@click.command(
    "report",
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
@text_encoding_option
@click.option(
    "--language",
    type=click.Choice(["en", "zh"]),
    show_default="en",
    help="That of the page that is made.",
)
@click.option(
    "--output",
    metavar="FILE",
    show_default=f"{REPORT_NAME} in the run folder, of several runs {COMPARISON}",
    help="Where the page is written.",
)
def command(
    runs: tuple[str, ...],
    data: str | None,
    text_encoding: str | None,
    language: Literal["en", "zh"] | None,
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

        page, path = comparison_of(runs, language or "en"), Path(output or COMPARISON)
    else:
        (run,) = runs
        stored = Path(run) / REPORT_NAME
        asked = data is not None or output is not None or language is not None
        if not asked and stored.is_file():
            click.echo(written_path(stored))
            return
        path = _path(run, stored, output)
        from chainrule.reports.make_report import report_on
        from chainrule.reports.subject import Subject

        page = report_on(
            Subject.of_folder(run, None if data is None else TableFile(data, text_encoding)),
            language or "en",
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
