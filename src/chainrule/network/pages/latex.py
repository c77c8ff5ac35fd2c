"""Lines as LaTeX: a document for pdflatex (English) or xelatex (Chinese), or its body alone."""

from collections.abc import Iterable
from itertools import groupby

from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render import LATEX, Writer
from chainrule.network.statements import Equal, Heading, Line, Proved, Sentence, Statement
from chainrule.network.telling import Medium, distinct, left_side, written

_TEXT = {
    "λ": r"$\lambda$",
    "→": r"$\to$",
    "−": r"$-$",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "…": r"\dots{}",
    "“": "``",
    "”": "''",
}


def escaped(text: str) -> str:
    """Return prose with what LaTeX would take for commands escaped."""
    return "".join(_TEXT.get(letter, letter) for letter in text)


MEDIUM = Medium(LATEX, escaped, lambda formula: f"${formula}$")

_PREAMBLE = {
    "en": "\\documentclass{article}\n\\usepackage[T1]{fontenc}\n\\usepackage[utf8]{inputenc}\n",
    "zh": "\\documentclass{ctexart}\n",
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
    out: list[str] = []
    for together, group in groupby(lines, key=lambda line: isinstance(line, Statement)):
        if together:
            out.extend(
                _statements([s for s in group if isinstance(s, Statement)], language, proved)
            )
            continue
        for line in group:
            if isinstance(line, Heading):
                out.append(f"\\{_SECTIONS[line.level]}*{{{MEDIUM.said(line, language)}}}")
            elif isinstance(line, Sentence):
                out.append(MEDIUM.said(line, language) + "\n")
    body = "\n".join(out)
    if not document:
        return body + "\n"
    start = (
        _PREAMBLE[language]
        + "\\usepackage[margin=25mm]{geometry}\n"
        + "\\usepackage{amsmath,amssymb}\n\\allowdisplaybreaks\n\\setlength{\\jot}{6pt}\n"
    )
    return f"{start}\\begin{{document}}\n{body}\n\\end{{document}}\n"


def _statements(group: list[Statement], language: str, proved: Proved | None) -> list[str]:
    """Return statements in one display, interrupted where proofs follow one of them."""
    out: list[str] = []
    rows: list[str] = []
    for statement in group:
        rows.extend(_rows(statement, language))
        proofs = proved(statement) if proved else ()
        if proofs:
            out.append(_aligned(rows))
            rows = []
            out.extend(MEDIUM.said(line, language) + "\n" for line in proofs)
    return [*out, _aligned(rows)] if rows else out


def _aligned(rows: list[str]) -> str:
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


def _rows(statement: Statement, language: str) -> list[str]:
    left = left_side(statement, LATEX)
    sign = LATEX.arrow.strip() if statement.assigns else "="
    rows = []
    for place, equal in enumerate(distinct(statement)):
        formula = written(equal.formula, statement, LATEX, braces=True)
        said = _note(equal, language)
        rows.append(f"{left if place == 0 else ''} &{sign} {formula}{said}")
    return rows


def _note(equal: Equal, language: str) -> str:
    parts = []
    if isinstance(equal.formula, Matrix):
        parts.append(f"${Writer(LATEX).dimensions(*equal.formula.sides)}$")
    if equal.reason:
        parts.append(MEDIUM.phrase(equal.reason, language))
    return f" && \\text{{{'; '.join(parts)}}}" if parts else ""
