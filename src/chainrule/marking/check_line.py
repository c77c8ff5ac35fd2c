"""Mark a line that a learner derived: right, right except for a convention, or what is wrong."""

from dataclasses import replace

from chainrule.errors import InputError
from chainrule.formulas.arrange import Layout
from chainrule.language.phrase_books import check_language
from chainrule.language.refusals import Refusal
from chainrule.marking.check_answer import program_verdicts
from chainrule.marking.line_marker import LineMarker, line_marker
from chainrule.marking.stated_conventions import Convention
from chainrule.marking.stated_conventions import find as find_convention
from chainrule.marking.verdicts import LineVerdict
from chainrule.network.architecture import Network
from chainrule.network.optimizers import Optimizer


def check_line(
    network: Network,
    line: str,
    *,
    batch: bool = False,
    layout: Layout | None = None,
    optimizer: str | Optimizer = "sgd",
    convention: str | Convention | None = None,
    language: str = "en",
) -> LineVerdict:
    """Mark a line that a learner derived for a network: right, or what is wrong with it.

    The line is an equation in NumPy or LaTeX notation, or the two mixed, such as
    ``dW_ho = a_h.T @ delta_o`` or ``W_ho ← W_ho − α ∂Loss/∂W_ho``.  It is marked for one sample, a
    row of length 1, or with ``batch=True`` for a batch of B samples; n is the number of outputs.
    Every mathematically equal form is right.  No part of the line is ever executed.

    ``optimizer`` selects the update for lines that compute parameters or the optimizer's memory
    (``v_W_ho``, ``m_W_ho``): a name, or an ``Optimizer`` whose constants may occur in the line as
    numbers.  On the right of its own line, memory has its value before the step; elsewhere it is
    updated already.

    ``convention`` is what the line's names mean where that is not what `derive` means: a name
    (nielsen, ng, goodfellow, bishop, cs231n, xigua, nndl, matlab) or a ``Convention``.  Under it a
    line is right that is right there.  ``layout`` is by default that of the convention, else
    "rows".  ``language`` ("en" or "zh") is that of the verdict's ``str()`` and of errors.

    Raises ``InputError`` for a line that cannot be parsed, with the nearest name for an unknown
    one, and ``InputTypeError`` for arguments of other types.

    >>> network = Network.dense([2, 3, 1])
    >>> check_line(network, "dW_ho = a_h.T @ delta_o").correct
    True
    >>> verdict = check_line(network, "dW_ho = a_h @ delta_o")
    >>> verdict.kind, verdict.repaired
    ('transpose', 'dW_ho = a_h.T @ delta_o')
    >>> from chainrule.network.optimizers import SGD
    >>> lines = "v_W_ho = mu v_W_ho - alpha dW_ho; W_ho = W_ho - v_W_ho"
    >>> check_line(network, lines, optimizer=SGD(momentum=0.9)).repaired
    'W_ho = W_ho + v_W_ho'
    >>> line = "dZ2 = A2 - Y"
    >>> network = Network.dense([2, 3, 1], loss="log_loss")
    >>> check_line(network, line, batch=True, layout="columns").kind
    'convention'
    >>> check_line(network, line, batch=True, convention="ng").kind
    'right'
    >>> line = "m_W_ho = beta_1 m_W_ho + dW_ho"
    >>> print(check_line(network, line, optimizer="adam", language="zh"))  # doctest: +ELLIPSIS
    缺少因子 (1 - beta_1)，应为 m_W_ho = beta_1 * m_W_ho + (1 - beta_1) * dW_ho。...
    """
    check_language(language)
    marker = line_marker(network, layout, batch, optimizer, find_convention(convention))
    try:
        return replace(_verdict(marker, line), language=language)
    except Refusal as refusal:
        if language == "en":
            raise
        raise InputError(refusal.message(language)) from None


def _verdict(marker: LineMarker, line: str) -> LineVerdict:
    """Return the verdict on a line, which is read as a program where it is no equation."""
    try:
        return marker.verdict(line)
    except Refusal:
        verdicts = program_verdicts(marker, line)
        if not verdicts:
            raise
    return next((each for each in verdicts if not each.correct), verdicts[-1])
