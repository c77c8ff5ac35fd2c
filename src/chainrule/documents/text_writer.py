"""Lines as text for a terminal of 80 columns, as far as the formulas allow.

Sentences are wrapped.  A formula stands on one line of up to a hundred columns, so that it can be
copied, and a longer one on several; what is said about it stands beside it where there is room,
below it where there is none.
"""

import re
from collections.abc import Iterable

from chainrule.documents.elements import Equal, Heading, Line, Proved, Sentence, Statement
from chainrule.documents.wording import Medium, distinct, left_side, multiplied, spoken, written
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render import TEXT, Writer
from chainrule.formulas.render.breaking import broken_text

_NO_BREAK = "\u00a0"
WIDTH, LONGEST = 80, 100
"""How wide a terminal is, and how long a formula's line may be before it is broken."""
_NOTES = 46
"""Where notes begin if the formula leaves room."""


def medium(language: str) -> Medium:
    """Return how text is written in a language; formulas inside sentences are kept together."""
    return Medium(
        spoken(TEXT, language), language, str, lambda formula: formula.replace(" ", _NO_BREAK)
    )


def text_of(lines: Iterable[Line], language: str, proved: Proved | None = None) -> str:
    """Return lines as text; ``proved`` gives the lines that prove a statement's products."""
    way = medium(language)
    out: list[str] = []
    for line in lines:
        match line:
            case Heading():
                out.extend(_heading(line, way, first=not out))
            case Sentence():
                out.extend(_sentence(line, way, "  "))
            case Statement():
                out.extend(_statement(line, way))
                for proof in proved(line) if proved else ():
                    out.extend(_sentence(proof, way, "      " if proof.item else "        "))
    return "\n".join(out) + "\n"


def _heading(line: Heading, way: Medium, *, first: bool) -> list[str]:
    said = wrapped(way.said(line), "")
    rule = {1: "═", 2: "─"}.get(line.level)
    under = [rule * min(WIDTH, max(map(columns, said)))] if rule else []
    return [*([] if first else [""]), *said, *under]


def _sentence(line: Sentence, way: Medium, indent: str) -> list[str]:
    if not line.item:
        return wrapped(way.said(line), indent)
    said = wrapped(way.said(line), indent + "  ")
    return [f"{indent}• {said[0].lstrip()}", *said[1:]]


def _statement(statement: Statement, way: Medium) -> list[str]:
    left = left_side(statement, way.style)
    sign = TEXT.arrow if statement.assigns else TEXT.equals
    rows = []
    for place, equal in enumerate(distinct(statement)):
        start = f"    {left}" if place == 0 else " " * (4 + len(left))
        formula = written(equal.formula, statement, way.style)
        *before, body = formula_lines(start + sign, formula)
        rows.extend([*before, *_noted(body, note(equal, way))])
    return rows


def formula_lines(start: str, formula: str) -> list[str]:
    """Return a formula behind its start, on lines that fit the terminal if one would be too long.

    The lines below the first are set in, behind the sign.
    """
    if len(start) + len(formula) <= LONGEST:
        return [start + formula]
    indent = len(start) + 2
    first, *rest = broken_text(formula, WIDTH - indent)
    return [start + first, *(" " * indent + line for line in rest)]


def note(equal: Equal, way: Medium) -> str:
    """Return what is said about one formula: its dimensions and the rule it follows by."""
    reason = way.phrase(equal.reason) if equal.reason else ""
    failed = way.phrase("step_failed") if equal.holds is False else ""
    said = "   ".join(part for part in (_dimensions(equal), reason, failed) if part)
    return said.replace(_NO_BREAK, " ")


def _noted(body: str, said: str) -> list[str]:
    room = WIDTH - columns(said)
    if not said:
        return [body]
    if len(body) + 2 <= room:
        return [f"{body:<{max(len(body) + 2, min(_NOTES, room))}}{said}"]
    return [body, " " * max(8, min(_NOTES, room)) + said]


def _dimensions(equal: Equal) -> str:
    """Return the dimensions of a matrix, of a product factor by factor: (h×B)(B×o) = (h×o)."""
    formula = equal.formula
    if not isinstance(formula, Matrix):
        return ""
    writer = Writer(TEXT)
    whole = f"({writer.dimensions(*formula.sides)})"
    product = multiplied(formula)
    if product is None:
        return whole
    return "".join(f"({writer.dimensions(*f.sides)})" for f in product.factors) + f" = {whole}"


_WIDE = "\u2e80-\u9fff\uff00-\uffef"
_TOKEN = re.compile(rf"[（“]*(?:[{_WIDE}]|[^ {_WIDE}]+)[，。；：、）”！？]*| +")


def wrapped(text: str, indent: str) -> list[str]:
    """Break prose into lines, between words or Chinese characters, never before punctuation."""
    lines, line = [], ""
    for token in _TOKEN.findall(text):
        if columns(line) + columns(token.rstrip()) > WIDTH - len(indent):
            lines.append(line.rstrip())
            line = ""
        line += token if line else token.lstrip(" ")
    return [(indent + each).replace(_NO_BREAK, " ") for each in (*lines, line.rstrip()) if each]


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: Chinese characters take two."""
    return sum(2 if re.match(f"[{_WIDE}]", letter) else 1 for letter in text)
