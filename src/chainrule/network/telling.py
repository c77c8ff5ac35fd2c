"""Derivations on paper: statements to text and LaTeX, in English and Chinese."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from itertools import groupby

from chainrule.errors import unknown_name
from chainrule.formulas.matrices import Matrix, Multiply
from chainrule.formulas.render import LATEX, TEXT, Style, Writer
from chainrule.network.statements import (
    Equal,
    Formula,
    Heading,
    Line,
    Partials,
    Scalar,
    Sentence,
    Statement,
    Times,
)

LANGUAGES = ("en", "zh")


@cache
def phrases(language: str) -> Mapping[str, str]:
    """Return every phrase of a language by its key.

    >>> phrases("zh")["forward"]
    '前向传播'
    """
    if language not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES)
    stored = files("chainrule.network").joinpath("phrases", f"{language}.toml")
    return tomllib.loads(stored.read_text(encoding="utf-8"))


def said(heading: Heading, language: str) -> str:
    """Return a heading in words."""
    known = phrases(language)
    given = {
        name: value if isinstance(value, str) else known[value[0]].format(number=value[1])
        for name, value in heading.given.items()
    }
    return known[heading.phrase].format(**given)


def written(formula: Formula, statement: Statement, style: Style) -> str:
    """Return one formula of a statement."""
    writer = Writer(style)
    match formula:
        case Partials():
            ways = (
                style.times.join(
                    style.symbol(f"∂{above.name}/∂{below.name}")
                    for above, below in zip((formula.loss, *way), way, strict=False)
                    if above != below
                )
                for way in formula.ways
            )
            return " + ".join(ways)
        case Times():
            return writer.chain(formula.factors)
        case Scalar():
            whole = writer.equation(statement.left, formula.expression)
            return whole.split(style.equals, 1)[1]
        case Matrix():
            return writer.write(formula)
    raise TypeError(f"no rule writes {type(formula).__name__}")


def left_side(statement: Statement, style: Style) -> str:
    """Return the left side of a statement."""
    if statement.indexed:
        return Writer(style).equation(statement.left, statement.left).split(style.equals, 1)[0]
    return style.symbol(statement.left.name)


def dimensions(formula: Formula) -> str:
    """Return the dimensions of a matrix, of a product factor by factor: (h×B)(B×o) = (h×o)."""
    if not isinstance(formula, Matrix):
        return ""

    def size(matrix: Matrix) -> str:
        rows, columns = ("1" if axis is None else axis.name for axis in matrix.sides)
        return f"({rows}×{columns})"

    factors = formula.factors if isinstance(formula, Multiply) else ()
    multiplied = "".join(map(size, factors))
    return f"{multiplied} = {size(formula)}" if factors else size(formula)


_WIDTH = 76


def text_of(lines: Iterable[Line], language: str) -> str:
    """Return lines as text."""
    known = phrases(language)
    out: list[str] = []
    for line in lines:
        match line:
            case Heading():
                heading = said(line, language)
                if out:
                    out.append("")
                out.append(heading)
                if line.phrase == "title":
                    out.append("═" * _columns(heading))
            case Sentence():
                out.append("  " + known[line.phrase].replace("$", ""))
            case Statement():
                out.extend(_text_statement(line, known))
    return "\n".join(out) + "\n"


def _text_statement(statement: Statement, known: Mapping[str, str]) -> list[str]:
    left = left_side(statement, TEXT)
    sign = TEXT.arrow if statement.assigns else TEXT.equals
    rows = []
    for place, equal in enumerate(_distinct(statement, TEXT)):
        start = f"    {left}" if place == 0 else " " * (4 + len(left))
        body = f"{start}{sign}{written(equal.formula, statement, TEXT)}"
        size = dimensions(equal.formula)
        reason = known[equal.reason].replace("$", "") if equal.reason else ""
        note = "   ".join(part for part in (size, reason) if part)
        rows.append(f"{body:<{_WIDTH}}  {note}".rstrip())
    return rows


def _distinct(statement: Statement, style: Style) -> list[Equal]:
    """Leave out a formula that reads like the one before it."""
    kept: list[Equal] = []
    before = None
    for equal in statement.rights:
        now = written(equal.formula, statement, style)
        if now != before:
            kept.append(equal)
        before = now
    return kept


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: Chinese characters take two."""
    return sum(2 if "\u2e80" <= letter <= "\uffef" else 1 for letter in text)


_PREAMBLE = {
    "en": "\\documentclass{article}\n\\usepackage[T1]{fontenc}\n\\usepackage[utf8]{inputenc}\n",
    "zh": "\\documentclass{ctexart}\n",
}


def latex_of(lines: Iterable[Line], language: str, *, document: bool = True) -> str:
    """Return lines as LaTeX, a whole document or its body."""
    known = phrases(language)
    out: list[str] = []
    for together, group in groupby(lines, key=lambda line: isinstance(line, Statement)):
        if together:
            rows = [row for line in group for row in _latex_rows(line, known)]
            out.append("\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}")
            continue
        for line in group:
            if isinstance(line, Heading):
                command = "section" if line.phrase == "title" else "subsection"
                out.append(f"\\{command}*{{{_latex_text(said(line, language))}}}")
            elif isinstance(line, Sentence):
                out.append(_latex_text(known[line.phrase]) + "\n")
    body = "\n".join(out)
    if not document:
        return body + "\n"
    start = (
        _PREAMBLE[language]
        + "\\usepackage{amsmath,amssymb}\n\\allowdisplaybreaks\n\\setlength{\\jot}{6pt}\n"
    )
    return f"{start}\\begin{{document}}\n{body}\n\\end{{document}}\n"


def _latex_rows(line: Line, known: Mapping[str, str]) -> list[str]:
    assert isinstance(line, Statement)
    left = left_side(line, LATEX)
    sign = LATEX.arrow.strip() if line.assigns else "="
    rows = []
    for place, equal in enumerate(_distinct(line, LATEX)):
        formula = written(equal.formula, line, LATEX)
        reason = f" && \\text{{{_latex_text(known[equal.reason])}}}" if equal.reason else ""
        rows.append(f"{left if place == 0 else ''} &{sign} {formula}{reason}")
    return rows


_LATEX_MATH = {
    "⊙": r"\odot ",
    "⊘": r"\oslash ",
    "ᵀ": r"{}^{\top}",
    "×": r"\times ",
    "δ": r"\delta ",
    "α": r"\alpha ",
    "…": r"\dots ",
}
_LATEX_TEXT = {"λ": r"$\lambda$", "→": r"$\to$", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#"}


def _latex_text(text: str) -> str:
    """Return a phrase in LaTeX; what stands between dollar signs is mathematics."""
    parts = text.split("$")
    for place, part in enumerate(parts):
        table = _LATEX_MATH if place % 2 else _LATEX_TEXT
        parts[place] = "".join(table.get(letter, letter) for letter in part)
    return "$".join(parts)
