"""Tables of HTML for notebooks: what objects show of themselves, in one style.

The style follows the light or dark scheme, a wide table scrolls in its own box, and every text is
escaped.
"""

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = (
    ".chainrule-tables{overflow-x:auto;color:#1b1c1f;background:#fff;padding:.5em}"
    ".chainrule-tables table{border-collapse:collapse;font-size:.9em;color:inherit;margin:0 0 .6em}"
    ".chainrule-tables caption{text-align:left;font-weight:600;padding:.2em .6em}"
    ".chainrule-tables :is(th,td){text-align:left;padding:.2em .6em;border-bottom:1px solid #ccd;"
    "background:none;overflow-wrap:anywhere}"
    ".chainrule-tables th{overflow-wrap:normal}"
    ".chainrule-tables .count{text-align:right;font-variant-numeric:tabular-nums;"
    "overflow-wrap:normal}"
    "@media (prefers-color-scheme:dark){.chainrule-tables{color:#e7e7ea;background:#17181a}"
    ".chainrule-tables :is(th,td){border-color:#3c3d44}}"
)


def block(*parts: str) -> str:
    """Return tables and pictures below each other, in the style of tables."""
    return f'<div class="chainrule-tables"><style>{_STYLE}</style>{"".join(parts)}</div>'


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    caption: str = "",
    numeric: Sequence[str] = (),
    foot: str = "",
) -> str:
    """Return a table; ``numeric`` names the headings of columns that are aligned to the right.

    >>> table(["a", "b"], [["1", "<2>"]], numeric=["b"]).partition("<tbody>")[2]
    '<tr><td>1</td><td class="count">&lt;2&gt;</td></tr></tbody></table>'
    """
    head = "".join(
        f'<th scope="col"{_alignment(name, numeric)}>{escape(name)}</th>' for name in headings
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_alignment(name, numeric)}>{escape(text)}</td>"
            for name, text in zip(headings, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    end = ""
    if foot:
        lines = escape(foot).replace("\n", "<br>")
        end = f'<tfoot><tr><td colspan="{len(headings)}">{lines}</td></tr></tfoot>'
    return (
        f"<table>{_caption(caption)}<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{end}"
        "</table>"
    )


def facts(pairs: Iterable[tuple[str, str]], *, caption: str = "") -> str:
    """Return a table of names and values, a line each; pairs without a value are left out.

    >>> facts([("rows", "4"), ("held out", "")])
    '<table><tbody><tr><th scope="row">rows</th><td>4</td></tr></tbody></table>'
    """
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in pairs
        if value
    )
    return f"<table>{_caption(caption)}<tbody>{lines}</tbody></table>"


def _caption(text: str) -> str:
    return f"<caption>{escape(text)}</caption>" if text else ""


def _alignment(heading: str, numeric: Sequence[str]) -> str:
    return ' class="count"' if heading in numeric else ""
