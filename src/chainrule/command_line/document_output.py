"""Derivations and explanations as text, LaTeX or HTML: the options, and where they are written."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any, Literal, Protocol

import click

from chainrule.command_line.shared_options import Command, output_option, together
from chainrule.command_line.shown_language import language_option
from chainrule.errors import InputError
from chainrule.files import write_atomically, written_path

__all__ = ["document_format", "document_options", "write_document", "write_text"]

ENDINGS = {".txt": "text", ".tex": "latex", ".html": "html", ".htm": "html"}
"""The formats of documents by the endings of their files."""
NARROWEST, WIDEST = 40, 120
"""Columns of a text: it fits the terminal, but longer lines are hard to read."""


class Document(Protocol):
    """A derivation or an explanation."""

    def to_text(self, language: Any, width: int | None) -> str: ...

    def to_latex(self, language: Any, *, document: bool) -> str: ...

    def to_html(self, language: Any, *, document: bool) -> str: ...


def document_options(command: Command) -> Command:
    """Add --language, --format, --fragment and --output."""
    return together(
        language_option,
        click.option(
            "--format",
            "form",
            type=click.Choice(["text", "latex", "html"]),
            show_default="that of the ending of --output (.txt, .tex, .html), else text",
        ),
        click.option(
            "--fragment",
            is_flag=True,
            help="LaTeX or HTML without its head, to be put into a document of yours; in LaTeX "
            "every equation has a label, such as eq:chainrule:forward:Z_h.",
        ),
        output_option("Where to write, in UTF-8."),
    )(command)


def write_document(
    document: Document,
    output: str,
    *,
    form: str | None,
    fragment: bool,
    language: Literal["en", "zh"],
) -> None:
    """Write a document as the options of `document_options` state."""
    chosen = document_format(form, output)
    if chosen == "text":
        if fragment:
            raise InputError("--fragment requires --format latex or html; text has no head")
        write_text(document.to_text(language, _width(output)), output)
        return
    write = document.to_latex if chosen == "latex" else document.to_html
    write_text(write(language, document=not fragment), output)


def write_text(text: str, output: str) -> None:
    """Write a text to a file, in UTF-8, or to standard output."""
    if output == "-":
        click.echo(text, nl=False)
    else:
        write_atomically(output, text.encode("utf-8"))


def document_format(stated: str | None, output: str) -> str:
    """Return the format of a document: as stated, else by the ending of the path, else text.

    Raises InputError where both are known and differ, and for an ending of no format.

    >>> document_format(None, "page.html"), document_format(None, "-")
    ('html', 'text')
    """
    suffix = os.path.splitext(output)[1].lower()
    ending = ENDINGS.get(suffix)
    if stated is None and suffix and ending is None:
        raise InputError(
            f"{written_path(output)}: its ending is of no format; give one of "
            f"{', '.join(ENDINGS)}, or --format"
        )
    if stated is not None and ending is not None and stated != ending:
        raise InputError(
            f"{written_path(output)}: is the name of a file of the format {ending}, but --format "
            f"is {stated}; leave --format out, or give another name"
        )
    return stated or ending or "text"


def _width(output: str) -> int | None:
    """Return the columns of the terminal that the output goes to, None where it goes elsewhere."""
    if output != "-" or not sys.stdout.isatty():
        return None
    return min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)
