"""A learner's own line, marked: right, right but for a convention, or what is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from chainrule.errors import InputError, InputTypeError, shown
from chainrule.formulas.arrange import Layout
from chainrule.language.phrase_books import check_language
from chainrule.language.refusals import Refusal
from chainrule.marking.examples import Situation
from chainrule.marking.mark_equation import EXAMPLES, Case
from chainrule.marking.parser import Reading, read
from chainrule.marking.syntax import Name, Tree, every, renamed
from chainrule.marking.update_equations import KEPT, Updating
from chainrule.marking.verdicts import LineVerdict
from chainrule.marking.vocabulary import Vocabulary, constants, typed
from chainrule.network.architecture import Network
from chainrule.network.optimizers import Optimizer
from chainrule.network.optimizers import find as find_optimizer


def check_line(
    network: Network,
    line: str,
    *,
    batch: bool = False,
    layout: Layout = "rows",
    optimizer: str | Optimizer = "sgd",
    language: str = "en",
) -> LineVerdict:
    """Mark a learner's own line about a network: say that it is right, or what is wrong.

    The line is an equation in NumPy or LaTeX notation, or the two mixed, such as
    ``dW_ho = a_h.T @ delta_o`` or ``W_ho ← W_ho − α ∂Loss/∂W_ho``.  It is judged for one sample, a
    row of length one, unless ``batch=True``, where B is the number of samples; n is the number of
    outputs.  Any right form is right.  Nothing in it is ever run.

    ``optimizer`` says whose update the lines for parameters and for the optimizer's memory are
    (``v_W_ho``, ``m_W_ho``): a name, or one with constants, whose numbers may then stand in the
    line.  A memory on the right of its own line is the old one, elsewhere it is updated already.
    ``language`` ("en" or "zh") is that of the verdict's ``str()`` and of refusals.

    Raises ``InputError`` for a line that cannot be read, with the nearest name for an unknown one.

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
    >>> line = "m_W_ho = beta_1 m_W_ho + dW_ho"
    >>> print(check_line(network, line, optimizer="adam", language="zh"))  # doctest: +ELLIPSIS
    缺少因子 (1 - beta_1)，应为 m_W_ho = beta_1 * m_W_ho + (1 - beta_1) * dW_ho。...
    """
    if not isinstance(network, Network):
        raise InputTypeError(f"network: {shown(network)} came; a chainrule.Network is needed")
    if layout not in ("rows", "columns"):
        raise InputError(f"layout: {layout!r} came; 'rows' or 'columns' is allowed")
    check_language(language)
    found = find_optimizer(optimizer)
    # A learning rate that nobody chose is nobody's number.
    chosen = isinstance(optimizer, Optimizer)
    known = {letter: value for letter, value in found.constants.items() if chosen or letter != "α"}
    try:
        text = Text(network, layout, bool(batch), found, tuple(known.items()))
        return replace(text.verdict(line), language=language)
    except Refusal as refusal:
        if language == "en":
            raise
        raise InputError(refusal.message(language)) from None


@dataclass(frozen=True)
class Text:
    """What one or more lines are judged in, one after the other."""

    network: Network
    layout: Layout
    batch: bool
    optimizer: Optimizer
    constants: tuple[tuple[str, float], ...]

    def judge(self, kept: str = "step") -> "Judge":
        """Return who judges in a convention of what momentum keeps."""
        return _judge(self.network, self.layout, self.batch, self.optimizer, self.constants, kept)

    def verdict(self, line: str) -> LineVerdict:
        """Return the verdict on the first wrong line, or on the last one."""
        vocabulary = Vocabulary(self.network, self.optimizer)
        updating = vocabulary.updating
        moved: dict[str, str] = {}
        assigned: set[str] = set()
        kept = ""
        aside: LineVerdict | None = None
        verdict: LineVerdict | None = None
        for reading in read(line, vocabulary):
            left = reading.left.key
            plain = _with(reading, moved)
            changed = _with(plain, updating.sense(left))
            judge = self.judge(kept or "step")
            memory = {key for tree in changed.rights for key in keys_in(tree, updating)}
            if updating.has_momentum and not kept and (memory or updating.is_memory(left)):
                # The first line that names the momentum's memory settles what is kept in it.
                kept = next((k for k in KEPT if self.judge(k).agrees(changed)), "step")
                judge = self.judge(kept)
                if kept != "step":
                    aside = self.judge().convention(line, changed, kept)
            verdict = judge.verdict(line, changed)
            before = None if memory & assigned else plain
            if not verdict.correct and before is not None and judge.agrees(before):
                verdict = judge.with_old(line, before, memory)
            if not verdict.correct:
                return verdict
            if updating.is_memory(left):
                assigned.add(f"{left.removesuffix(' new')} new")
            elif left[0] in "Wb":
                # What comes after means the parameter after its update.
                moved[left] = f"{left} new"
        assert verdict is not None, "a line that is read has an equation"
        return aside or verdict


def keys_in(tree: Tree, updating: Updating) -> set[str]:
    """Return the keys of the optimizer's memory that a tree names."""
    keys = {node.key for node in every(tree) if isinstance(node, Name)}
    return {key for key in keys if updating.is_memory(key)}


def _with(reading: Reading, keys: Mapping[str, str]) -> Reading:
    return replace(reading, rights=tuple(renamed(tree, keys) for tree in reading.rights))


@lru_cache(maxsize=16)
def _judge(
    network: Network,
    layout: Layout,
    batch: bool,
    optimizer: Optimizer,
    constants: tuple[tuple[str, float], ...],
    kept: str,
) -> "Judge":
    return Judge(Situation(network, layout, batch, optimizer, kept), dict(constants))


class Judge:
    """Judges equations of one network in one situation."""

    def __init__(self, situation: Situation, constants: Mapping[str, float]) -> None:
        self.situation, self.constants = situation, constants
        self.examples = [situation.example(situation.different(n), n) for n in range(EXAMPLES)]

    def verdict(self, line: str, reading: Reading) -> LineVerdict:
        """Return what becomes of one equation: the first of its right sides that is wrong."""
        target = self._target(reading)
        verdict: LineVerdict | None = None
        for case in self._cases(line, reading, target):
            verdict = case.verdict()
            if not verdict.correct:
                break
        assert verdict is not None, "an equation has a right side"
        return verdict

    def agrees(self, reading: Reading) -> bool:
        """Whether every right side is the truth, numbers in it taken for constants."""
        cases = self._cases("", reading, self._target(reading))
        return all(case.agrees(case.tree) or case.with_constants() is not None for case in cases)

    def convention(self, line: str, reading: Reading, kept: str) -> LineVerdict:
        """Say that a line is right where momentum keeps something else."""
        (*_, case) = self._cases(line, reading, self._target(reading))
        return case.convention(kept)

    def with_old(self, line: str, reading: Reading, memory: Iterable[str]) -> LineVerdict:
        """Say that a line is right with the memory from before the step."""
        (*_, case) = self._cases(line, reading, self._target(reading))
        names = " | ".join(sorted(typed(key.removesuffix(" new")) for key in memory))
        return case.right("right_old", names=names)

    def _cases(self, line: str, reading: Reading, target: str) -> list[Case]:
        given = (self.examples, line, reading, target)
        return [Case(*given, tree, self.constants) for tree in reading.rights]

    def _target(self, reading: Reading) -> str:
        key = reading.left.key
        values = self.examples[0].setting.values
        given = [number.name for number in constants(self.situation.network)]
        given += [*self.situation.updating.letters, *self.situation.network.strengths]
        if key in ("X", "Y", "α", "n", "B", "e", "π", *given):
            raise Refusal("given", text=reading.left.text)
        changes = key[0] in "Wb" or f"{key} new" in values
        updated = f"{key} new" if changes and not key.endswith(" new") else key
        if updated not in values:
            raise Refusal("no_value", text=reading.left.text)
        return updated
