"""A learner's own line, marked: right, right but for a convention, or what is wrong with it."""

from dataclasses import replace
from functools import lru_cache

from chainrule.errors import InputError, InputTypeError, shown
from chainrule.formulas.arrange import Layout
from chainrule.network.architecture import Network
from chainrule.network.lines.cases import EXAMPLES, Case
from chainrule.network.lines.examples import Situation
from chainrule.network.lines.names import Vocabulary, constants
from chainrule.network.lines.reading import Reading, read
from chainrule.network.lines.trees import renamed
from chainrule.network.lines.verdicts import LineVerdict
from chainrule.network.refusals import Refusal, check_language


def check_line(
    network: Network,
    line: str,
    *,
    batch: bool = False,
    layout: Layout = "rows",
    language: str = "en",
) -> LineVerdict:
    """Mark a learner's own line about a network: say that it is right, or what is wrong.

    The line is an equation in NumPy or LaTeX notation, or the two mixed, such as
    ``dW_ho = a_h.T @ delta_o`` or ``W_ho ← W_ho − α ∂Loss/∂W_ho``.  It is judged for one sample, a
    row of length one, unless ``batch=True``, where B is the number of samples; n is the number of
    outputs.  Any right form is right.  Nothing in it is ever run.

    Raises ``InputError`` for a line that cannot be read, with the nearest name for an unknown one.

    >>> network = Network.dense([2, 3, 1])
    >>> check_line(network, "dW_ho = a_h.T @ delta_o").correct
    True
    >>> verdict = check_line(network, "dW_ho = a_h @ delta_o")
    >>> verdict.kind, verdict.repaired
    ('transpose', 'dW_ho = a_h.T @ delta_o')
    """
    if not isinstance(network, Network):
        raise InputTypeError(f"network: {shown(network)} came; a chainrule.Network is needed")
    if layout not in ("rows", "columns"):
        raise InputError(f"layout: {layout!r} came; 'rows' or 'columns' is allowed")
    check_language(language)
    try:
        return replace(_checked(network, line, bool(batch), layout), language=language)
    except Refusal as refusal:
        if language == "en":
            raise
        raise InputError(refusal.message(language)) from None


def _checked(network: Network, line: str, batch: bool, layout: Layout) -> LineVerdict:
    readings = read(line, Vocabulary(network))
    judge = _judge(network, layout, bool(batch))
    moved: dict[str, str] = {}
    verdict: LineVerdict | None = None
    for reading in readings:
        changed = replace(reading, rights=tuple(renamed(t, moved) for t in reading.rights))
        verdict = judge.verdict(line, changed)
        if not verdict.correct:
            return verdict
        if reading.left.key[0] in "Wb":
            # What comes after means the parameter after its update.
            moved[reading.left.key] = f"{reading.left.key} new"
    assert verdict is not None, "a line that is read has an equation"
    return verdict


@lru_cache(maxsize=16)
def _judge(network: Network, layout: Layout, batch: bool) -> "Judge":
    return Judge(Situation(network, layout, batch))


class Judge:
    """Judges equations of one network in one situation."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.examples = [situation.example(situation.different(n), n) for n in range(EXAMPLES)]

    def verdict(self, line: str, reading: Reading) -> LineVerdict:
        """Return what becomes of one equation: the first of its right sides that is wrong."""
        target = self._target(reading)
        verdict: LineVerdict | None = None
        for tree in reading.rights:
            verdict = Case(self.examples, line, reading, target, tree).verdict()
            if not verdict.correct:
                break
        assert verdict is not None, "an equation has a right side"
        return verdict

    def _target(self, reading: Reading) -> str:
        key = reading.left.key
        values = self.examples[0].setting.values
        given = [number.name for number in constants(self.situation.network)]
        if key in ("X", "Y", "α", "n", "B", "e", "π", *given, *self.situation.network.strengths):
            raise Refusal("given", text=reading.left.text)
        updated = f"{key} new" if key[0] in "Wb" and not key.endswith(" new") else key
        if updated not in values:
            raise Refusal("no_value", text=reading.left.text)
        return updated
