r"""Long formulas on several lines, in text and in LaTeX.

A formula is broken before a sign of its outermost sum where that suffices, then before other signs
and between the factors of a product, then inside brackets.  Of the divisions that fit, the one with
the lowest cost of breaks is taken.  An index, a fraction or a factor over a brace is not divided.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from chainrule.formulas.render.latex_width import units

_LINE, _DEPTH, _OVERFULL = 40.0, 25.0, 1e4
"""The cost of a line, of a break for each bracket around it, and of each column too many."""


class _Atom(NamedTuple):
    """A piece between two possible breaks; ``cost`` is that of a break before it, or None."""

    text: str
    width: float
    cost: float | None


def broken_text(formula: str, room: int) -> list[str]:
    """Return a text formula in lines of at most ``room`` columns, as far as it can be broken.

    >>> for line in broken_text("a_1 (b − c) + d ⊙ (e + f)", 12):
    ...     print(line)
    a_1 (b − c)
    + d
    ⊙ (e + f)
    """
    tokens = re.findall(r"[^ ]+ *", formula)
    atoms: list[_Atom] = []
    depth, before = 0, ""
    for index, token in enumerate(tokens, start=1):
        cost = None if before == "" else _text_cost(before.strip(), token.strip())
        # The space after a line's last token is removed, so every line has one column more.
        wide = len(token) + (index == len(tokens))
        atoms.append(_Atom(token, wide, None if cost is None else cost + _DEPTH * max(0, depth)))
        depth += sum(token.count(c) for c in "([{") - sum(token.count(c) for c in ")]}")
        before = token
    lines = _lines(atoms, room + 1)
    return ["".join(atom.text for atom in line).rstrip() for line in lines]


_LOOSE = {"+": 0.0, "−": 0.0, "=": 0.0, "←": 4.0, "⊙": 4.0, "⊘": 4.0, "×": 4.0, "else": 0.0}


def _text_cost(before: str, token: str) -> float | None:
    """Return the cost of a break between two words, None where it is not allowed."""
    if before in _LOOSE or before.startswith(("Σ", "max_")) or before in ("if", ">", "<"):
        return None
    if before.endswith(";"):
        return 0.0
    if token in _LOOSE:
        return _LOOSE[token]
    return None if token in (">", "<") else 9.0


_SIGNS = {
    "+": 0.0,
    "-": 0.0,
    "=": 0.0,
    r"\leftarrow": 4.0,
    r"\odot": 4.0,
    r"\oslash": 4.0,
    r"\times": 4.0,
}
_SIGN = re.compile(r"\\(odot|oslash|times|leftarrow)(?![a-z])|[-+=<>,]|\s*$")
"""No break between two factors is allowed before these."""
_BINDS = re.compile(
    r"\\(odot|oslash|times|leftarrow|sum|max|log|tanh|operatorname)(?![a-z])|[-+=<>,]|\s*$"
)
"""Nor after these: signs, sums and functions belong to what follows."""
_OPENS, _CLOSES = re.compile(r"\\left(?![a-z])|[(\[]"), re.compile(r"\\right(?![a-z])|[)\]]")


def broken_latex(formula: str, room: float) -> list[str]:
    r"""Return a LaTeX formula in lines of at most ``room`` points, as far as it can be broken.

    A bracket that closes on another line than it opens gets a fixed size, because ``\left`` and
    ``\right`` must be on one line.

    >>> for line in broken_latex(r"a + \left(\frac{1}{n} b - c\right)", 50):
    ...     print(line)
    a + \Bigl(\frac{1}{n} b
    {} - c\Bigr)
    """
    atoms: list[_Atom] = []
    text, wide, depth, cost = "", 0.0, 0, None
    pieces = units(formula)
    for index, unit in enumerate(pieces):
        spaced = index > 0 and pieces[index - 1].tex.isspace()
        follows = pieces[index + 1].tex if index < len(pieces) - 1 else ""
        before = pieces[index - 2].tex if index > 1 else ""
        found: float | None = None
        if spaced and unit.tex in _SIGNS and follows.isspace():
            found = _SIGNS[unit.tex]
        elif spaced and not _BINDS.match(before) and not _SIGN.match(unit.tex):
            found = 9.0
        if found is not None and text:
            atoms.append(_Atom(text, wide, cost))
            text, wide, cost = "", 0.0, found + _DEPTH * max(0, depth)
        text, wide = text + unit.tex, wide + unit.width
        depth += int(bool(_OPENS.match(unit.tex))) - int(bool(_CLOSES.match(unit.tex)))
    atoms.append(_Atom(text, wide, cost))
    lines = ["".join(atom.text for atom in line).strip() for line in _lines(atoms, room)]
    if len(lines) == 1:
        return [formula]
    return _signed(_sized(lines))


def _signed(lines: list[str]) -> list[str]:
    """Put {} before a sign that begins a line, so that it has the space of a binary sign."""
    rest = (f"{{}} {line}" if line.startswith(tuple(_SIGNS)) else line for line in lines[1:])
    return [lines[0], *rest]


def _sized(lines: list[str]) -> list[str]:
    """Replace ``left`` and ``right`` of brackets on two lines by brackets of a fixed size."""
    joined = "\n".join(lines)
    opened: list[int] = []
    apart: dict[int, str] = {}
    for match in re.finditer(r"\\(left|right)(?![a-z])", joined):
        if match[1] == "left":
            opened.append(match.start())
        elif "\n" in joined[(start := opened.pop()) : match.start()]:
            apart |= {start: r"\Bigl", match.start(): r"\Bigr"}
    for index in sorted(apart, reverse=True):
        rest = re.sub(r"^\\(left|right)", "", joined[index:])
        joined = joined[:index] + apart[index] + rest
    return joined.split("\n")


def _lines(atoms: Sequence[_Atom], room: float) -> list[Sequence[_Atom]]:
    """Return the lines with the lowest cost, by dynamic programming over the last break."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(atoms) + 1):
        wide, choices = 0.0, []
        for start in range(end - 1, -1, -1):
            atom = atoms[start]
            wide += atom.width
            if start and atom.cost is None:
                continue
            over = max(0.0, wide - room)
            cost = _LINE + (atom.cost or 0.0) + (_OVERFULL * (1 + over) if over else 0.0)
            choices.append((best[start][0] + cost, start))
            if over and start < end - 1 and len(choices) > 1:
                break
        best.append(min(choices, key=lambda choice: (choice[0], -choice[1])))  # first lines full
    lines: list[Sequence[_Atom]] = []
    end = len(atoms)
    while end:
        start = best[end][1]
        lines.append(atoms[start:end])
        end = start
    return lines[::-1]
