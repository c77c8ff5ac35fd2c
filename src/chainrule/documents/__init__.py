"""Documents: one set of elements, and one writer each for text, LaTeX and HTML."""

from chainrule.documents.html_writer import html_of
from chainrule.documents.latex_fragment import latex_fragment_of
from chainrule.documents.latex_writer import latex_of
from chainrule.documents.text_writer import text_of

__all__ = ["html_of", "latex_fragment_of", "latex_of", "text_of"]
