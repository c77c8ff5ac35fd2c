"""Fences of our own: a block of Python whose last line is shown as mathematics.

    ```derivation
    cr.derive(cr.Network.dense([2, 3, 1]), batch=False)
    ```

A Derivation (a proof, an Explanation) is told whole, in the language of the page; a pair of a
derivation and names is told by those lines only.  A dictionary of formulas (``gradients``,
say) is a list of equations.  ``formula`` is a block of plain text that is read as mathematics.
"""

import ast
from collections.abc import Mapping
from html import escape
from typing import Any

import chainrule as cr
from chainrule.documents.html_writer import html_of as written
from chainrule.formulas.expressions import Symbol
from chainrule.formulas.render import MATHML, Writer

LANGUAGE = "en"
"""That of the page being made; the hooks set it."""


def shown(code: str, language: str) -> str:
    """Run a block and return its last value as HTML."""
    known: dict[str, Any] = {"cr": cr}
    tree = ast.parse(code)
    last = tree.body.pop()
    if not isinstance(last, ast.Expr):
        raise ValueError(f"a derivation block has to end with an expression:\n{code}")
    exec(compile(tree, "<derivation>", "exec"), known)
    value = eval(compile(ast.Expression(last.value), "<derivation>", "eval"), known)
    return html_of(value, language)


def html_of(value: Any, language: str) -> str:
    """Return a derivation or named formulas as HTML."""
    if isinstance(value, Mapping):
        return equations(value)
    if isinstance(value, tuple):
        derivation, names = value
        chosen = [line for line in derivation.statements if line.left.name in names]
        if len(chosen) != len(names):
            raise ValueError(f"not every one of {names} is a line of this derivation")
        whole = written(chosen, language, document=False)
    else:
        whole = value.to_html(language, document=False)
    start, _, rest = whole.partition("<style>")
    body = rest.partition("</style>")[2]  # the sheet is linked once, by every page
    return f"{start.rstrip()}{body}"


def equations(formulas: Mapping[str, Any], prefix: str = "∂Loss/∂") -> str:
    """Return named formulas as equations, one below the other."""
    writer = Writer(MATHML)
    lines = []
    for name, formula in formulas.items():
        left = writer.write(Symbol(f"{prefix}{name}"))
        written = f"{left}{MATHML.equals}{writer.write(formula)}"
        lines.append(f'<div class="formula"><math display="block">{written}</math></div>')
    return f'<div class="chainrule">{"".join(lines)}</div>'


def _derivation(source: str, *_: Any, **__: Any) -> str:
    return shown(source, LANGUAGE)


def _formula(source: str, *_: Any, **__: Any) -> str:
    return f'<pre class="formula-text">{escape(source)}</pre>'


CUSTOM = [
    {"name": "derivation", "class": "derivation", "format": _derivation},
    {"name": "formula", "class": "formula", "format": _formula},
]
