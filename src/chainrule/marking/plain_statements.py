"""The statements of an answer that is not Python: MATLAB, LaTeX or handwriting, one a line."""

import re
from collections.abc import Iterator

from chainrule.marking.latex_tokens import SPACE_BETWEEN
from chainrule.marking.matlab_lines import computing_lines
from chainrule.marking.python_sources import ReadStatement

_SEPARATOR = re.compile(r"\\\\(?:\[[^\]]*\])?|;|\n")
_SILENT = re.compile(
    r"(?:end|endfunction|clear|clc|function\b.*|def\s+\w+\s*\(.*\)[^()]*:|return\b[\w\s,()]*|\[|\]"
    r"|\\(?:begin|end)\{[a-z*]+\}|\$\$?|\\[\[\]]|```\w*)*",
)
"""Lines that compute nothing."""
_LEFT = re.compile(r"\s*([A-Za-z]\w*)\s*[-+*]?=(?!=)")


def plain_statements(text: str) -> list[ReadStatement]:
    """Return the statements of a text, which end with a line, ``;`` or a LaTeX line break.

    A line goes on in the next one while a bracket is open, and after MATLAB's ``...``.

    >>> [each.equation for each in plain_statements("dW2 = a1' * d2; % half\\nb = (1 + ...\\n 2)")]
    ["dW2 = a1' * d2", 'b = (1 + 2)']
    """
    found: list[ReadStatement] = []
    number, begun, line = 1, "", 1
    plain = computing_lines(text)
    plain = re.sub(r"[ \t]*\.\.\.[ \t]*\n[ \t]*", " \0", plain)
    position = 0
    for start, end, sign in _ends(plain):
        piece = plain[position:start]
        number += piece.count("\0")
        whole = begun + piece.replace("\0", "")
        position = end
        if _is_open(whole) and sign == "\n" and end < len(plain):
            line = line if begun else number
            begun = whole + " "
            number += 1
            continue
        stripped = whole.strip().rstrip("&").strip()
        if stripped and not _SILENT.fullmatch(stripped):
            left = _LEFT.match(stripped)
            found.append(
                ReadStatement(
                    line if begun else number,
                    stripped,
                    left[1] if left else "",
                    stripped,
                    group=len(found),
                )
            )
        begun = ""
        number += sign == "\n"
    return found


def _ends(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where statements end, with the sign there; a space within brackets ends none."""
    begin = 0
    for match in sorted(
        [*_SEPARATOR.finditer(text), *SPACE_BETWEEN.finditer(text)], key=lambda match: match.start()
    ):
        piece = re.sub(r"\\[\[(]", "", text[begin : match.start()])
        is_within = _is_open(piece) or piece.count(r"\begin{cases") > piece.count(r"\end{cases")
        if match.re is SPACE_BETWEEN and is_within:
            continue
        yield match.start(), match.end(), "" if match.re is SPACE_BETWEEN else match[0]
        begin = match.end()
    yield len(text), len(text), "\n"


def _is_open(text: str) -> bool:
    return sum(text.count(sign) for sign in "([") > sum(text.count(sign) for sign in ")]")
