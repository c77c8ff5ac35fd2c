"""A report as one HTML file: no script, nothing fetched, light and dark, phone and paper.

Whatever may be wider than a phone is in a box that scrolls sideways (`scrolling_box`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import repeat

from chainrule.documents.html_writer import style_sheet
from chainrule.documents.scrolling_box import scrolling_box
from chainrule.language.phrase_books import phrases_of
from chainrule.language.text_columns import columns_of
from chainrule.network.drawing_elements import Drawing, escaped
from chainrule.reports.report_blocks import Block, Folded, Formulas, Grid, Pictures, Section, Text

__all__ = ["POLICY", "page_of"]

POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'\">"
)
"""By this a browser runs no script and sends no request, whatever the names in a table are."""

_LEAST_WIDTH = re.compile(r"min-width:(\d+)px")
_HALF, _PAGE = 432, 960
"""The pixels of a drawing beside another one, and of the page's column."""
_LONG = 24
"""A cell of more columns has a width at which it is no tower of single words."""
_TAGS = {"en": "en", "zh": "zh-Hans"}


def page_of(
    title: str, sections: Sequence[Section], texts: Mapping[str, str], language: str
) -> str:
    """Return the page of a title and sections."""
    style = "\n".join((style_sheet("page"), style_sheet("document"), _style()))
    links = "".join(
        f'<li><a href="#{section.key}">{escaped(section.title)}</a></li>' for section in sections
    )
    box = scrolling_box(phrases_of("derivation", language)["scroll_sideways"])
    body = "\n".join(_section(section, box) for section in sections)
    return (
        f'<!doctype html>\n<html lang="{_TAGS[language]}">\n<head>\n<meta charset="utf-8">\n'
        f"{POLICY}\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{style}\n</style>\n</head>\n<body>\n"
        f'<main class="chainrule report">\n<h1>{escaped(title)}</h1>\n'
        f'<nav aria-label="{escaped(texts["contents"])}"><ul>{links}</ul></nav>\n'
        f"{body}\n</main>\n</body>\n</html>\n"
    )


def _style() -> str:
    sheet = files("chainrule.reports").joinpath("report.css")
    return sheet.read_text(encoding="utf-8").strip()


def _section(section: Section, box: str) -> str:
    blocks = "\n".join(part for block in section.blocks for part in _block(block, box))
    return (
        f'<section aria-labelledby="{section.key}">\n'
        f'<h2 id="{section.key}">{escaped(section.title)}</h2>\n{blocks}\n</section>'
    )


def _block(block: Block, box: str) -> Iterator[str]:
    """Yield the parts of a block; ``box`` has the attributes of what may be wider than a phone."""
    match block:
        case Text(text, kind):
            yield f'<p class="{kind}">{escaped(text)}</p>'
        case Grid():
            yield f'<div class="wide"{box}>{_table(block)}</div>'
        case Pictures(drawings, captions):
            figures = map(_figure, drawings, captions or ("",) * len(drawings), repeat(box))
            yield f'<div class="pictures">{"".join(figures)}</div>'
        case Formulas(html):
            yield html
        case Folded(title, blocks):
            inside = "\n".join(part for each in blocks for part in _block(each, box))
            yield f"<details><summary>{escaped(title)}</summary>\n{inside}\n</details>"


def _figure(drawing: Drawing, caption: str, box: str) -> str:
    """Return a drawing: a wide one alone in its line, and beyond the text's margins if it must."""
    found = _LEAST_WIDTH.search(drawing.svg)
    least = int(found[1]) if found else 0
    kind = ' class="beyond"' if least > _PAGE else ' class="whole"' if least > _HALF else ""
    below = f"<figcaption>{escaped(caption)}</figcaption>" if caption else ""
    return f"<figure{kind}{box}>{below}{drawing.svg}</figure>"


def _table(grid: Grid) -> str:
    def cell(tag: str, text: str, row: int, column: int) -> str:
        long = tag == "td" and columns_of(text) > _LONG
        kind = ' class="number"' if column in grid.numeric else ' class="long"' if long else ""
        scope = ' scope="col"' if tag == "th" else ""
        shown = escaped(text)
        shown = f"<strong>{shown}</strong>" if (row, column) in grid.bold else shown
        return f"<{tag}{scope}{kind}>{shown}</{tag}>"

    head = "".join(cell("th", text, -1, column) for column, text in enumerate(grid.headings))
    rows = "".join(
        f"<tr>{''.join(cell('td', text, number, column) for column, text in enumerate(row))}</tr>"
        for number, row in enumerate(grid.rows)
    )
    caption = f"<caption>{escaped(grid.caption)}</caption>" if grid.caption else ""
    head = f"<thead><tr>{head}</tr></thead>" if any(grid.headings) else ""
    return f"<table>{caption}{head}<tbody>{rows}</tbody></table>"
