"""Docstrings as Markdown: examples become code blocks, literal blocks too."""

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"(?:^>>> .*\n?(?:^(?!\s*$).*\n?)*(?:\n(?=>>> ))?)+", re.MULTILINE)
_LITERAL = re.compile(r"^::\n\n((?:    .*\n|\n)+)", re.MULTILINE)


def markdown(docstring: str) -> str:
    """Return a docstring as Markdown."""
    fenced = _EXAMPLE.sub(lambda found: f"```pycon\n{found.group().rstrip()}\n```\n", docstring)
    literal = _LITERAL.sub(lambda found: found.group(1), fenced)
    return literal.rstrip()


class Docstrings(griffe.Extension):
    """Rewrites every docstring that is collected."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite one."""
        if obj.docstring is not None:
            obj.docstring.value = markdown(obj.docstring.value)
