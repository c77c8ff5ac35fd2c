"""``chainrule check FILE``: the code and the formulas in a learner's file."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from chainrule.data.text_encodings import checked_encoding, seems_chinese
from chainrule.errors import one_line
from chainrule.language.refusals import Refusal

SUFFIXES = (".py", ".m", ".tex", ".md", ".ipynb", ".txt")
"""The files that are read."""
MAX_BYTES = 2_000_000
"""The largest file."""
_FENCED = re.compile(
    r"^ {0,3}(?P<fence>```+|~~~+)[ \t]*(?P<kind>[^\n]*)\n(?P<inside>.*?)"
    r"(?:^ {0,3}(?P=fence)|\Z)",
    re.M | re.S,
)
_KINDS_OF_FORMULAS = ("math", "latex", "tex", "katex")
"""What the first word behind a fence is where formulas follow."""
_INLINE = re.compile(r"(?<![\\$])\$(?![\s$])([^$\n]*[^$\s\\])\$(?![\d$])")
_CODE_IN_LINE = re.compile(r"`[^`\n]+`")
_EQUATION = re.compile(r"[^=]*[^=<>!\s]\s*=[^=]*[A-Za-z]")
"""An inline formula that states more than the number of something."""
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


def statements_in(path: Path, encoding: str | None = None) -> tuple[str, ...]:
    """Return what a file states: its code, and the formulas of a document as a text of their own.

    Other text stays as empty lines, so that the lines keep their numbers (in a notebook, those of
    its cells with code or formulas, one after the other).  The file is in UTF-8 or in ``encoding``.
    Raises ``Refusal`` for a file that cannot be read.
    """
    if not is_read(path):
        raise Refusal("file_ending", text=path.name, endings=", ".join(SUFFIXES))
    text = _decoded(path, encoding)
    match path.suffix.lower():
        case ".tex":
            return (_only(text, _spans(_DISPLAYED, text)),)
        case ".md":
            return _stated([(text, True)])
        case ".ipynb":
            return _stated(_cells(path, text))
    return (text,)


def is_read(path: Path) -> bool:
    """Return whether a file is of a kind that is read."""
    return path.suffix.lower() in SUFFIXES


def _decoded(path: Path, encoding: str | None) -> str:
    """Return the text of a file, in UTF-8 or in ``encoding``: a folder may have files of both."""
    codec = None if encoding is None else checked_encoding(encoding)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Refusal("file_size", text=path.name, limit=f"{MAX_BYTES:,}")
        data = path.read_bytes()
    except OSError as error:
        raise Refusal("file_unread", text=path.name, reason=one_line(str(error))) from None
    # In some encodings all bytes are ASCII, and in UTF-16 many are 0.
    may_be_other = codec is not None and (data.isascii() or b"\0" in data)
    for each in (codec,) if may_be_other else ("utf-8-sig", codec):
        with suppress(UnicodeError):
            if each is not None:
                return re.sub(r"\r\n?", "\n", data.decode(each))
    if encoding is not None:
        raise Refusal("file_not_in", text=path.name, encoding=encoding)
    raise Refusal("file_chinese" if seems_chinese(data) else "file_not_utf8", text=path.name)


def _stated(parts: Sequence[tuple[str, bool]]) -> tuple[str, ...]:
    """Return the code and the formulas of parts that are Markdown or, where that is false, code."""
    code: list[str] = []
    formulas: list[str] = []
    for text, is_markdown in parts:
        of_code, of_formulas = _spans_of(text) if is_markdown else ([(0, len(text))], [])
        if of_code or of_formulas:
            code.append(_only(text, of_code))
            formulas.append(_only(text, of_formulas, ";"))
    texts = ["\n".join(each) for each in (code, formulas)]
    return tuple(each for each in texts if each.strip()) or ("",)


def _spans_of(text: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return where the code of Markdown is, and where its formulas are."""
    code: list[tuple[int, int]] = []
    formulas: list[tuple[int, int]] = []
    for block in _FENCED.finditer(text):
        words = block["kind"].strip("{}. \t").lower().split()
        is_formula = bool(words) and words[0] in _KINDS_OF_FORMULAS
        (formulas if is_formula else code).append(block.span("inside"))
    outside = _without(text, _FENCED)
    formulas += _spans(_DISPLAYED, outside)
    inline = _INLINE.finditer(_without(_without(outside, _DISPLAYED), _CODE_IN_LINE))
    formulas += [each.span(1) for each in inline if _EQUATION.match(each[1])]
    return code, formulas


def _without(text: str, pattern: re.Pattern[str]) -> str:
    """Return a text with spaces in place of what matches, whose lines stay."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _spans(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    """Return where the inside of each match is."""
    return [
        match.span(
            next(index for index, part in enumerate(match.groups(), 1) if part and index != 3)
        )
        for match in pattern.finditer(text)
    ]


def _only(text: str, spans: Sequence[tuple[int, int]], end: str = "") -> str:
    """Return the text with all lines empty but those inside of the spans, which end with a sign."""
    found = list(re.sub(r"[^\n]", " ", text))
    for first, last in spans:
        found[first:last] = text[first:last]
        found[last : last + len(end)] = end
    return re.sub(r"[ \t]+$", "", "".join(found), flags=re.M)


def _cells(path: Path, text: str) -> list[tuple[str, bool]]:
    """Return the cells of a notebook that are code or Markdown, and whether it is Markdown."""
    try:
        cells = [
            ("".join(cell["source"]), cell["cell_type"] == "markdown")
            for cell in json.loads(text)["cells"]
            if cell["cell_type"] in ("code", "markdown")
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refusal("file_notebook", text=path.name) from None
    return [(each if is_text else _MAGIC.sub("", each), is_text) for each, is_text in cells]
