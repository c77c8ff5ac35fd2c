"""Formulas in print: one writer with a rule per node, one style per medium.

``text(formula)`` is plain Unicode, ``latex(formula)`` LaTeX, ``mathml(formula)`` for web pages.
All take an expression (index notation) or a matrix (matrix notation).
"""

from chainrule.formulas.expressions import Expression
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render.mathml import MATHML
from chainrule.formulas.render.styles import LATEX, TEXT, Style
from chainrule.formulas.render.writer import Writer

__all__ = ["LATEX", "MATHML", "TEXT", "Style", "Writer", "latex", "mathml", "text"]


def text(formula: Expression | Matrix) -> str:
    """Return a formula in plain Unicode.

    >>> from chainrule.formulas.expressions import Symbol
    >>> from chainrule.formulas.functions import exp
    >>> text(1 / (1 + exp(-Symbol("z"))))
    '1/(1 + e^(−z))'
    """
    return Writer(TEXT).write(formula)


def latex(formula: Expression | Matrix) -> str:
    r"""Return a formula in LaTeX, without dollar signs.

    >>> from chainrule.formulas.expressions import Symbol
    >>> from chainrule.formulas.functions import exp
    >>> print(latex(1 / (1 + exp(-Symbol("z_h")))))
    \frac{1}{1 + e^{-z_{h}}}
    """
    return Writer(LATEX).write(formula)


def mathml(formula: Expression | Matrix) -> str:
    """Return a formula in MathML, with its ``<math>`` element.

    >>> from chainrule.formulas.expressions import Symbol
    >>> print(mathml(Symbol("W_ih")))
    <math><msub><mi>W</mi><mrow><mi>i</mi><mi>h</mi></mrow></msub></math>
    """
    return f"<math>{Writer(MATHML).write(formula)}</math>"
