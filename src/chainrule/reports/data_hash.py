"""A hash of a table's cells: reports have it, so that the table of a training can be recognized."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from chainrule.data import Table
from chainrule.language.phrase_books import LANGUAGES, phrases_of
from chainrule.table_models.run_folders import REPORT_NAME
from chainrule.table_models.table_model import TableModel

__all__ = ["hash_of", "is_training_table"]

_DIGITS = re.compile(r"<td>([0-9a-f]{16})</td>")


def is_training_table(model: TableModel, path: str, table: Table) -> bool:
    """Return whether a run folder's report has the hash of a table, as the model reads it.

    Without a report, or where the training left columns out of the table, it is not known: False.
    """
    report = Path(path) / REPORT_NAME
    if not report.is_file():
        return False
    page = report.read_text(encoding="utf-8", errors="replace")
    seconds = (phrases_of("report", language)["seconds"] for language in LANGUAGES)
    if not any(f"<td>{text}</td>" in page for text in seconds):
        return False  # a page about a table that was given later
    found = _DIGITS.findall(page)
    return bool(found) and hash_of(model.read(table, targets=True)) in found


def hash_of(table: Table) -> str:
    """Return the first 16 digits of a SHA-256 of a table's cells as they were read.

    The same table gives the same digits, in whatever format it is stored.

    >>> import polars
    >>> one = Table.from_frame(polars.DataFrame({"x": [1, 2]}))
    >>> two = Table.from_frame(polars.DataFrame({"x": [1.0, 2.0]}))
    >>> hash_of(one) == hash_of(two), len(hash_of(one))
    (True, 16)
    """
    digest = hashlib.sha256()
    for series in table.frame.get_columns():
        digest.update(series.name.encode("utf-8", "surrogatepass") + b"\0")
        digest.update(series.is_null().to_numpy().tobytes())
        if series.dtype.is_numeric():
            digest.update(series.fill_null(0.0).to_numpy().tobytes())
        else:
            for cell in series.fill_null("").to_list():
                digest.update(cell.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:16]
