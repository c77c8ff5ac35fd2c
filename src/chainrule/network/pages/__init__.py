"""Derivations on paper: the same lines as text, LaTeX and HTML, in English and Chinese."""

from chainrule.network.pages.html import html_of
from chainrule.network.pages.latex import latex_of
from chainrule.network.pages.text import text_of

__all__ = ["html_of", "latex_of", "text_of"]
