"""``chainrule check FOLDER``: a folder of hand-ins as a table with points."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.command_line.check_files import SUFFIXES, is_read, statements_in
from chainrule.errors import InputError, one_line
from chainrule.language.refusals import Refusal, in_language

if TYPE_CHECKING:
    from chainrule.marking.answer_verdicts import AnswerVerdict

_NOT_HANDED_IN = ("__pycache__", "__MACOSX", "desktop.ini", "Thumbs.db")
"""What systems and Python put into folders."""
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "en": ("file", "right", "wrong", "not_read", "points", "missing", "first_fault", "error"),
    "zh": ("文件", "正确", "错误", "未读懂", "分数", "缺少的梯度", "第一处错误", "未能批改的原因"),
}


@dataclass(frozen=True)
class Row:
    """The result of one hand-in.

    The points are the share of right statements, in percent, among those that are right, wrong or
    not read and the gradients that are missing; a file that cannot be read has none, but the
    reason, ``error``.
    """

    file: str
    right: int = 0
    wrong: int = 0
    not_read: int = 0
    points: int | None = None
    missing: tuple[str, ...] = ()
    first_fault: str = ""
    error: str = ""


def hand_ins(folder: Path, table: Path | None = None) -> list[Path]:
    """Return the files of a folder and of its folders, by name, without the table written there.

    Raises ``Refusal`` where none is of a kind that is read.
    """
    hidden = (".", *_NOT_HANDED_IN)
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(hidden) for part in path.relative_to(folder).parts)
        and not (table is not None and table.exists() and path.samefile(table))
    )
    if not any(map(is_read, found)):
        raise Refusal("folder_empty", text=str(folder), endings=", ".join(SUFFIXES))
    return found


def rows_of(
    folder: Path,
    check: Callable[[Sequence[str]], AnswerVerdict],
    language: str = "en",
    encoding: str | None = None,
    table: Path | None = None,
) -> tuple[list[Row], int]:
    """Return a row for each file of a folder, with reasons in ``language``, and the exit code."""
    rows: list[Row] = []
    code = 0
    for path in hand_ins(folder, table):
        name = path.relative_to(folder).as_posix()
        try:
            found = check(statements_in(path, encoding))
        except InputError as error:
            rows.append(Row(name, error=one_line(in_language(error, language))))
            code = 2
            continue
        right, wrong, unread = (found.count(each) for each in ("right", "wrong", "unread"))
        expected = right + wrong + unread + len(found.missing)
        points = round(100 * right / max(1, expected))
        faults = (each for each in found.statements if each.outcome in ("wrong", "unread"))
        first = next((f"{each.number}: {each.message()}" for each in faults), "")
        rows.append(Row(name, right, wrong, unread, points, found.missing, first))
        code = max(code, found.exit_code)
    return rows, code


def as_csv(rows: Sequence[Row], language: str) -> str:
    """Return rows as a table (CSV) with a header in a language."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(_HEADERS[language])
    for row in rows:
        cells = [" ".join(each) if isinstance(each, tuple) else each for each in astuple(row)]
        writer.writerow([_safe(each) if isinstance(each, str) else each for each in cells])
    return written.getvalue()


def records(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Return rows for JSON, whose names are the same in each language."""
    return [asdict(row) for row in rows]


def _safe(text: str) -> str:
    """Return a text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
