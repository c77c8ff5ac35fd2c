"""Derivations on paper: the same lines as text, LaTeX and HTML, in English and Chinese."""

from chainrule.documents.html_writer import html_of
from chainrule.documents.latex_writer import latex_of
from chainrule.documents.text_writer import text_of

__all__ = ["html_of", "latex_of", "text_of"]
