"""A drawing of a network as TikZ, for documents in LaTeX; it needs the package tikz alone."""

import re
from collections.abc import Iterator

from chainrule.formulas.render import LATEX
from chainrule.formulas.render.latex_text import escaped_latex
from chainrule.network.drawing_marks import (
    Box,
    Circle,
    Group,
    Label,
    Mark,
    Name,
    Path,
    Picture,
    Sign,
    Text,
)

__all__ = ["tikz_of"]

_SCALE = 0.6
"""Points of a unit: letters are as wide as the drawing reckons with in footnotesize."""
_STYLES = """\
  x={scale}pt, y=-{scale}pt, font=\\footnotesize,
  cr shape/.style={{
    draw={{rgb,255:red,58;green,95;blue,176}}, fill={{rgb,255:red,238;green,242;blue,251}}}},
  cr given/.style={{cr shape, fill={{rgb,255:red,237;green,246;blue,236}}}},
  cr dot/.style={{fill=gray}},
  cr edge/.style={{draw=gray}},
  cr back/.style={{draw={{rgb,255:red,179;green,38;blue,30}}, dashed}},
  cr text/.style={{anchor=base, inner sep=0pt}},
  cr soft/.style={{cr text, text=darkgray}},
  cr cotangent/.style={{cr text, text={{rgb,255:red,179;green,38;blue,30}}}},
  cr number/.style={{cr text, font=\\scriptsize, fill=white, inner sep=1pt}}"""
"""Names of their own: TikZ has keys such as shape."""
_SIGNS = {"Sum": "+", "Difference": "-", "Product": r"\cdot"}
_HEADS = {"": "", "end": ", ->", "start": ", <-"}
_COMMAND = re.compile(r"([MHLC])([^MHLC]*)")


def tikz_of(picture: Picture) -> str:
    r"""Return the text of a picture, to be put where ``\usepackage{tikz}`` is.

    >>> from chainrule.network.architecture import Network
    >>> print(tikz_of(Network.dense([1, 1]).draw().picture).splitlines()[-2].strip())
    \node[cr text] at (135,26) {$W_{1}$, $b_{1}$};
    """
    lines = [line for mark in picture.marks for line in _mark(mark, given=False)]
    head = "\\begin{tikzpicture}[\n" + _STYLES.format(scale=_SCALE) + "]\n"
    return head + "".join(f"  {line}\n" for line in lines) + "\\end{tikzpicture}\n"


def _mark(mark: Mark, *, given: bool) -> Iterator[str]:
    style = "cr given" if given else "cr shape"
    match mark:
        case Label():
            at = f"[cr {mark.style or 'text'}] at {_point(mark.x, mark.y)}"
            yield rf"\node{at} {{{_text(mark.text)}}};"
        case Circle():
            kind = style if mark.style == "shape" else "cr dot"
            size = f"circle[radius={_SCALE * mark.radius:g}pt]"
            yield rf"\path[{kind}] {_point(mark.x, mark.y)} {size};"
        case Box(x=x, y=y, width=width, height=height):
            corners = f"{_point(x, y)} rectangle {_point(x + width, y + height)}"
            yield rf"\path[{style}, rounded corners=4pt] {corners};"
        case Path():
            yield rf"\path[cr {mark.style}{_HEADS[mark.head]}] {_path(mark.data)};"
        case Sign():
            yield rf"\node at {_point(mark.x, mark.y)} {{${_SIGNS[mark.kind]}$}};"
        case Group():
            for each in mark.marks:
                yield from _mark(each, given=mark.given)


def _text(text: Text) -> str:
    return "".join(
        f"${LATEX.symbol(piece.name)}$" if isinstance(piece, Name) else escaped_latex(piece)
        for piece in text
    )


def _point(x: float, y: float) -> str:
    return f"({round(x, 1):g},{round(y, 1):g})"


def _path(data: str) -> str:
    """Return a path of SVG as a path of TikZ.

    >>> _path("M0 1H5C6 1 7 2 8 2")
    '(0,1) -- (5,1) .. controls (6,1) and (7,2) .. (8,2)'
    """
    found = ""
    y = 0.0
    for command, text in _COMMAND.findall(data):
        values = [float(value) for value in text.split()]
        if command == "H":
            found += f" -- {_point(values[0], y)}"
            continue
        *_, y = values
        if command == "C":
            first, second, end = (_point(*values[at : at + 2]) for at in (0, 2, 4))
            found += f" .. controls {first} and {second} .. {end}"
        else:
            found += f"{' -- ' if command == 'L' else ''}{_point(values[0], y)}"
    return found
