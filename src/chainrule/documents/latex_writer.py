"""Lines as LaTeX: a document for pdflatex (English) or xelatex (Chinese), or its body alone."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from chainrule.documents.elements import (
    Equal,
    Formula,
    Heading,
    Line,
    Proved,
    Sentence,
    Statement,
)
from chainrule.documents.wording import Medium, distinct, left_side, spoken, written
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render import LATEX
from chainrule.formulas.render.breaking import broken_latex
from chainrule.formulas.render.latex_width import units, width

_TEXT = {
    "λ": r"$\lambda$",
    "→": r"$\to$",
    "−": r"$-$",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "…": r"\dots{}",
    "✗": r"$\times$",
    "“": "``",
    "”": "''",
}


def escaped(text: str) -> str:
    """Return prose with what LaTeX would take for commands escaped."""
    return "".join(_TEXT.get(letter, letter) for letter in text)


def medium(language: str) -> Medium:
    """Return how LaTeX is written in a language."""
    return Medium(spoken(LATEX, language), language, escaped, lambda formula: f"${formula}$")


_PREAMBLE = {
    # Without Latin Modern, T1 fonts may come as bitmaps.
    "en": "\\documentclass[fleqn]{article}\n"
    "\\usepackage[T1]{fontenc}\n\\usepackage[utf8]{inputenc}\n"
    "\\IfFileExists{lmodern.sty}{\\usepackage{lmodern}}{}\n",
    "zh": "\\documentclass[fleqn]{ctexart}\n",
}
_SECTIONS = {1: "section", 2: "subsection", 3: "subsubsection"}


def latex_of(
    lines: Iterable[Line],
    language: str,
    proved: Proved | None = None,
    *,
    document: bool = True,
) -> str:
    """Return lines as LaTeX, a whole document or its body."""
    way = medium(language)
    out: list[str] = []
    for kind, group in groupby(lines, key=type):
        if kind is Statement:
            statements = [line for line in group if isinstance(line, Statement)]
            out.extend(_statements(statements, way, proved))
        elif kind is Heading:
            headings = (line for line in group if isinstance(line, Heading))
            out.extend(f"\\{_SECTIONS[line.level]}*{{{way.said(line)}}}" for line in headings)
        else:
            out.extend(_sentences((s for s in group if isinstance(s, Sentence)), way, "\n"))
    body = "\n".join(out)
    return document_of(body, language) if document else body + "\n"


def document_of(body: str, language: str) -> str:
    """Return a whole document with this body."""
    start = (
        _PREAMBLE[language]
        + "\\usepackage[margin=25mm]{geometry}\n"
        + "\\usepackage{amsmath,amssymb}\n\\allowdisplaybreaks\n\\setlength{\\jot}{6pt}\n"
        # A line may be set wider where a formula in it would stand out of the margin.
        + "\\setlength{\\emergencystretch}{3em}\n"
    )
    return f"{start}\\begin{{document}}\n{body}\n\\end{{document}}\n"


def _statements(group: list[Statement], way: Medium, proved: Proved | None) -> list[str]:
    """Return statements in one display, interrupted where proofs follow one of them."""
    out: list[str] = []
    rows: list[str] = []
    room = room_beside((left_side(statement, way.style) for statement in group), way.language)
    for statement in group:
        rows.extend(_rows(statement, way, room))
        proofs = proved(statement) if proved else ()
        if proofs:
            out.append(_aligned(rows))
            rows = []
            out.extend(_proof(proofs, way))
    return [*out, _aligned(rows)] if rows else out


def _aligned(rows: list[str]) -> str:
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


_ROOM = {"en": 425.0, "zh": 400.0}
"""Points between the indentation of a display and the margin; Chinese is set in larger letters."""
_SIGN, _HANGING = 14.0, 20.0


def room_beside(lefts: Iterable[str], language: str) -> float:
    """Return the points that a display leaves beside the widest of its left sides."""
    return _ROOM[language] - max(map(width, lefts), default=0.0) - _SIGN


def formula_lines(statement: Statement, formula: Formula, way: Medium, room: float) -> list[str]:
    """Return a formula in lines that fit a display; one without braces where a brace is too wide.

    A factor over a brace cannot be broken; its dimensions are told at the end of the line.
    """
    braced = written(formula, statement, way.style, braces=True)
    if width(braced) <= room:
        return [braced]
    if max(unit.width for unit in units(braced)) > room - _HANGING:
        return hanging(written(formula, statement, way.style), room)
    return hanging(braced, room)


def hanging(formula: str, room: float) -> list[str]:
    """Return a formula in lines of a display, the second and those below it set in."""
    if width(formula) <= room:
        return [formula]
    first, *rest = broken_latex(formula, room - _HANGING)
    return [first, *(rf"&\qquad {line}" for line in rest)]


def _rows(statement: Statement, way: Medium, room: float) -> list[str]:
    left = left_side(statement, way.style)
    sign = LATEX.arrow.strip() if statement.assigns else "="
    rows = []
    for place, equal in enumerate(distinct(statement)):
        first, *rest = formula_lines(statement, equal.formula, way, room)
        rows.extend([f"{left if place == 0 else ''} &{sign} {first}", *rest])
        rows[-1] += _note(equal, way)
    return rows


def _note(equal: Equal, way: Medium) -> str:
    """Return dimensions and reason at the right margin, or below where the formula is too long."""
    parts = []
    if isinstance(equal.formula, Matrix):
        parts.append(f"${way.writer.dimensions(*equal.formula.sides)}$")
    if equal.reason:
        parts.append(way.phrase(equal.reason))
    if equal.holds is False:
        parts.append(rf"\textbf{{{way.phrase('step_failed')}}}")
    return f" \\tag*{{\\small {'; '.join(parts)}}}" if parts else ""


def _proof(lines: Sequence[Sentence], way: Medium) -> Iterator[str]:
    yield "\\begin{quote}\\small\\setlength{\\parindent}{0pt}"
    yield from _sentences(lines, way, "\\par")
    yield "\\end{quote}"


def _sentences(lines: Iterable[Sentence], way: Medium, end: str) -> Iterator[str]:
    for item, group in groupby(lines, key=lambda line: line.item):
        if item:
            yield "\\begin{itemize}\\setlength{\\itemsep}{0pt}"
            yield from (f"\\item {way.said(line)}" for line in group)
            yield "\\end{itemize}"
        else:
            yield from (way.said(line) + end for line in group)
