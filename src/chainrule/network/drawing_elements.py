"""The elements of a drawing in SVG: style, arrows, texts with indices, escaped."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from chainrule.files import write_atomically
from chainrule.language.text_columns import columns_of

LETTER = 7.2
"""The width of a letter of a label, estimated: there is no font to measure with."""
_WIDE = frozenset("<>=+−~^@%#&mwMWQOGDHNU…∅→↓")
"""Letters that are wider than most."""
_WIDER = 4.2
_LEAST_WIDTH = 300.0
_LEAST_SCALE = 0.7
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML does not have."""


@dataclass(frozen=True)
class Drawing:
    """A picture, such as a drawn network or curves: ``svg`` is its text; a notebook shows it."""

    svg: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the drawing to a file such as ``network.svg``, which is replaced as a whole.

        Raises ``InputError`` where the path cannot be written.
        """
        write_atomically(path, self.svg.encode())

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x:auto">{self.svg}</div>'

    def __repr__(self) -> str:
        return f"<Drawing of {len(self.svg):,} characters>"


STYLE = """\
.chainrule-drawing{font:13px system-ui,sans-serif;--ink:#1b1c1f;--paper:#ffffff;--soft:#55575f;\
--line:#8b8d98;--fill:#eef2fb;--edge:#3a5fb0;--input:#edf6ec;--back:#b3261e;background:var(--paper)}
@media (prefers-color-scheme:dark){.chainrule-drawing{--ink:#e7e7ea;--paper:#17181a;--soft:#a9a9b2;\
--line:#7d7f8a;--fill:#232a3a;--edge:#8fb0f5;--input:#22301f;--back:#ff8a80}}
.chainrule-drawing text{fill:var(--ink);text-anchor:middle;stroke:none}
.chainrule-drawing .soft{fill:var(--soft)}
.chainrule-drawing .shape{fill:var(--fill);stroke:var(--edge);stroke-width:1.4}
.chainrule-drawing .given .shape{fill:var(--input)}
.chainrule-drawing .sign{stroke:var(--edge);stroke-width:1.8;fill:none}
.chainrule-drawing .dot{fill:var(--soft)}
.chainrule-drawing .edge{fill:none;stroke:var(--line);stroke-width:1.3}
.chainrule-drawing .tip{fill:var(--line)}
.chainrule-drawing .back{fill:none;stroke:var(--back);stroke-width:1.5;stroke-dasharray:5 3}
.chainrule-drawing .back-tip{fill:var(--back)}
.chainrule-drawing text.cotangent{fill:var(--back)}
.chainrule-drawing text.number{font-size:11px;paint-order:stroke;stroke:var(--paper);stroke-width:4}
"""


def escaped(text: str) -> str:
    """Return a text for XML: escaped, without the characters that XML does not have.

    >>> escaped("<script>\\x00")
    '&lt;script&gt;\ufffd'
    """
    return escape(_UNPRINTABLE.sub("\ufffd", text))


def text_width(text: str) -> float:
    """Return the width of a text, estimated for wide fonts: no less than that of `LETTER` each.

    >>> round(text_width("abc"), 1), round(text_width("<W>"), 1), round(text_width("损失"), 1)
    (21.6, 34.2, 28.8)
    """
    return LETTER * columns_of(text) + sum(_WIDER for letter in text if letter in _WIDE)


def shortened(text: str, most: int) -> str:
    """Return a text of at most ``most`` letters, with an ellipsis if it was longer.

    >>> shortened("PiecewiseLinear(2 columns)", 12)
    'PiecewiseLi…'
    """
    if columns_of(text) <= most:
        return text
    short = text[: most - 1]
    while columns_of(short) > most - 1:
        short = short[:-1]
    return f"{short}…"


def shortened_inside(text: str, most: int) -> str:
    """Return a text of at most ``most`` letters, with an ellipsis inside if it was longer.

    Names that begin alike stay apart: those of the parts of one date, for example.

    >>> shortened_inside("date_of_sale.day_of_week", 16)
    'date_of_s…f_week'
    """
    if columns_of(text) <= most:
        return text
    end = text[-(most // 3 + 1) :]
    while columns_of(end) > most // 3 + 1:
        end = end[1:]
    return shortened(text, most - columns_of(end)) + end


def fitted(text: str, room: float) -> str:
    """Return a text that is at most ``room`` wide, with an ellipsis if it was longer."""
    most = int(room / LETTER) + 1
    while most > 1 and text_width(shortened(text, most)) > room:
        most -= 1
    return shortened(text, most)


def label(
    x: float, y: float, text: str, style: str = "", *, anchor: str = "", tip: str = ""
) -> str:
    """Return a text centered at x."""
    css = f' class="{style}"' if style else ""
    at = f' style="text-anchor:{anchor}"' if anchor else ""
    title = f"<title>{escaped(tip)}</title>" if tip else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{css}{at}>{title}{text}</text>'


def symbol(name: str) -> str:
    """Return a name with its index below the line: W_ih.

    >>> symbol("W_ih")
    'W<tspan dy="3" font-size="75%">ih</tspan><tspan dy="-3">\u200b</tspan>'
    """
    stem, _, index = name.rpartition("_")
    if not stem:
        return escaped(name)
    return (
        f'{escaped(stem)}<tspan dy="3" font-size="75%">{escaped(index)}</tspan>'
        '<tspan dy="-3">\u200b</tspan>'
    )


def document(
    width: float, height: float, title: str, description: str, parts: Iterable[str], mark: str
) -> str:
    """Return the text of a drawing with arrows; ``mark`` ends the ids, which a page has once."""
    heads = "".join(
        f'<marker id="{kind}-{mark}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto-start-reverse"><path class="{kind}" '
        'd="M0 0L8 4L0 8Z"/></marker>'
        for kind in ("tip", "back-tip")
    )
    # A wide drawing shrinks until its texts are still legible; then the page scrolls it.
    least = min(width, max(_LEAST_WIDTH, _LEAST_SCALE * width))
    inside = [f"<defs>{heads}</defs>", *parts]
    return framed(
        (width, height), (least, width), title, description, inside, mark, "drawing", STYLE
    )


def framed(
    size: tuple[float, float],
    shown: tuple[float, float],
    title: str,
    description: str,
    parts: Iterable[str],
    mark: str,
    kind: str,
    style: str,
) -> str:
    """Return an SVG of a size, ``shown`` at least and at most so wide, with texts for readers."""
    width, height = size
    least, most = shown
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chainrule-{kind}" role="img" '
        f'aria-labelledby="title-{mark} description-{mark}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'style="width:100%;max-width:{most:.0f}px;min-width:{least:.0f}px;height:auto">'
        f'<title id="title-{mark}">{escaped(title)}</title>'
        f'<desc id="description-{mark}">{escaped(description)}</desc>'
        f"<style>{style}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )
