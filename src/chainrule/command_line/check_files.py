"""``chainrule check FILE``: the statements in a learner's file, a folder of hand-ins as a table."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.errors import InputError, one_line
from chainrule.language.refusals import Refusal, in_language

if TYPE_CHECKING:
    from chainrule.marking.answer_verdicts import AnswerVerdict

SUFFIXES = (".py", ".m", ".tex", ".md", ".ipynb", ".txt")
"""The files that are read."""
MAX_BYTES = 2_000_000
"""The largest file."""
_FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.M | re.S)
_DISPLAYED = re.compile(
    r"\$\$(.+?)\$\$|\\\[(.+?)\\\]"
    r"|\\begin\{(equation|align|gather|multline|eqnarray)\*?\}(.+?)\\end\{\3\*?\}",
    re.S,
)
_MAGIC = re.compile(r"^[ \t]*[%!].*$", re.M)
"""Lines of a notebook for the notebook itself."""


def is_file_argument(argument: str) -> bool:
    """Return whether an argument names a file or a folder, rather than being a line.

    Raises ``Refusal`` for the name of a file that does not exist.
    """
    if not argument.strip() or "=" in argument or len(argument) > 1000:
        return False
    try:
        found = Path(argument).exists()
    except (OSError, ValueError):
        return False
    if not found and Path(argument).suffix in SUFFIXES:
        raise Refusal("file_absent", text=argument)
    return found


def statements_in(path: Path) -> str:
    """Return what a file states: code, or the displayed equations and code of a document.

    Other text stays as empty lines, so that the lines keep their numbers (not in a notebook).
    Raises ``Refusal`` for a file that cannot be read.
    """
    if path.suffix not in SUFFIXES:
        raise Refusal("file_ending", text=path.name, endings=", ".join(SUFFIXES))
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Refusal("file_size", text=path.name, limit=f"{MAX_BYTES:,}")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal("file_unread", text=path.name, reason=one_line(str(error))) from None
    match path.suffix:
        case ".tex":
            return _only(text, _DISPLAYED)
        case ".md":
            return _only(text, _FENCED) if _FENCED.search(text) else _only(text, _DISPLAYED)
        case ".ipynb":
            return _cells(path, text)
    return text


def _only(text: str, pattern: re.Pattern[str]) -> str:
    """Return the text with all lines empty but those inside of the matches."""
    found = list(re.sub(r"[^\n]", " ", text))
    for match in pattern.finditer(text):
        group = next(index for index, part in enumerate(match.groups(), 1) if part and index != 3)
        found[match.start(group) : match.end(group)] = match[group]
    return "".join(found)


def _cells(path: Path, text: str) -> str:
    """Return the cells of a notebook that are code, one after the other."""
    try:
        cells = json.loads(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        code = ["".join(source) for source in sources]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refusal("file_notebook", text=path.name) from None
    return "\n".join(_MAGIC.sub("", each) for each in code)


def hand_ins(folder: Path) -> list[Path]:
    """Return the files of a folder that can be checked, by name; also those in its folders."""
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not found:
        raise Refusal("folder_empty", text=str(folder), endings=", ".join(SUFFIXES))
    return found


def table_of(
    folder: Path, check: Callable[[str], AnswerVerdict], language: str = "en"
) -> tuple[str, int]:
    """Return a table (CSV) with a row for each hand-in, and the exit code.

    The points are the share of right statements, in percent, among those that are right, wrong or
    not read and the gradients that are missing; a file that cannot be read has none, and the
    reason in ``language``.
    """
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    columns = ("file", "right", "wrong", "not_read", "points", "missing", "first_fault", "error")
    writer.writerow(columns)
    code = 0
    for path in hand_ins(folder):
        name = _safe(path.relative_to(folder).as_posix())
        try:
            found = check(statements_in(path))
        except InputError as error:
            writer.writerow(
                [name, 0, 0, 0, "", "", "", _safe(one_line(in_language(error, language)))]
            )
            code = 2
            continue
        counts = [found.count("right"), found.count("wrong"), found.count("unread")]
        points = round(100 * counts[0] / max(1, sum(counts) + len(found.missing)))
        faults = (each for each in found.statements if each.outcome in ("wrong", "unread"))
        first = next((f"{each.number}: {each.message()}" for each in faults), "")
        writer.writerow([name, *counts, points, " ".join(found.missing), _safe(first), ""])
        code = max(code, found.exit_code)
    return rows.getvalue(), code


def _safe(text: str) -> str:
    """Return a text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
