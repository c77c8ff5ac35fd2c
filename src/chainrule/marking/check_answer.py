"""Mark a whole answer: a pasted block or function, statement by statement and as a whole."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

from chainrule.errors import InputError, InputTypeError, shown
from chainrule.formulas.arrange import Layout
from chainrule.language.phrase_books import check_language
from chainrule.language.refusals import Refusal
from chainrule.marking.answer_run import AnswerRun
from chainrule.marking.answer_verdicts import AnswerVerdict, joined
from chainrule.marking.layer_lists import explicit_tables
from chainrule.marking.line_marker import LineMarker, line_marker
from chainrule.marking.plain_statements import plain_statements
from chainrule.marking.python_sources import ReadStatement, parsed_program, syntax_fault
from chainrule.marking.python_statements import read_or_refused, statements_of
from chainrule.marking.quantities import cotangent
from chainrule.marking.recognized_conventions import recognized
from chainrule.marking.recognized_layouts import in_columns
from chainrule.marking.stated_conventions import OWN, Convention
from chainrule.marking.stated_conventions import find as find_convention
from chainrule.marking.usual_names import Meanings, meanings_in
from chainrule.marking.verdicts import LineVerdict
from chainrule.network.architecture import Network
from chainrule.network.optimizers import Optimizer

MAX_LENGTH = 20_000
"""The most characters of an answer."""
_INDEXED = re.compile(r"\w\[\s*[^\]:'\"]*\w[^\]:'\"]*\]")
"""An entry of a list: where the first one is, is to be found out."""


def check_answer(
    network: Network,
    text: str,
    *,
    batch: bool = True,
    layout: Layout | None = None,
    optimizer: str | Optimizer = "sgd",
    convention: str | Convention | None = None,
    language: str = "en",
) -> AnswerVerdict:
    """Mark a block or a function of several statements, each one and the whole.

    ``text`` is Python (functions, loops over layers, tables such as ``grads["W2"]``, attributes
    such as ``self.W2``, lists such as ``W[-1]``, masks such as ``dh[z_h <= 0] = 0``), or statements
    in MATLAB's or LaTeX's notation, one a line.  No part of it is ever executed.  Each statement
    is judged with true values of what the others compute, so that one mistake counts once; what
    has a name of its own (``tmp = a_o - Y``) counts where it is used.  A statement that cannot be
    read is not right: it has the reason.

    Where no ``convention`` is stated, an answer in another one is recognized: δ = t − o with the
    signs of the updates that belong to it, f′(a), 1/m in dW instead of in δ.  It is marked in
    that one, and the summary says so.  Where no ``layout`` is stated either, an answer that is
    right as a whole with samples in columns is marked so; the summary also says if most of it is.

    The other arguments are those of `check_line`, but an answer is for a batch unless
    ``batch=False``.

    Raises ``InputError`` for a text that is empty, too long or too deep, and ``InputTypeError``
    for arguments of other types.

    >>> answer = '''
    ... def backward(self, X, Y):
    ...     delta = 2 * (self.a2 - Y) / Y.size * self.a2 * (1 - self.a2)
    ...     dh = delta @ self.W2.T
    ...     grads = {"W2": self.a1.T @ delta, "b2": delta.sum(axis=1)}
    ...     return grads
    ... '''
    >>> found = check_answer(Network.dense([2, 3, 1]), answer)
    >>> found
    <AnswerVerdict: 2 right, 1 wrong, 0 unread>
    >>> found.missing
    ('dW_ih', 'db_ih')
    >>> print(found.statements[-1].message())  # doctest: +ELLIPSIS
    The sum is over the wrong axis: db2 = sum(...
    """
    check_language(language)
    if not isinstance(text, str):
        raise InputTypeError(f"`text` must be a string of statements, got {shown(text)}")
    return check_texts(
        network,
        (text,),
        batch=batch,
        layout=layout,
        optimizer=optimizer,
        convention=convention,
        language=language,
    )


def check_texts(
    network: Network,
    texts: Sequence[str],
    *,
    batch: bool = True,
    layout: Layout | None = None,
    optimizer: str | Optimizer = "sgd",
    convention: str | Convention | None = None,
    language: str = "en",
) -> AnswerVerdict:
    """Mark the texts of one answer, as its code and its formulas, whose lines count together.

    Each has variables of its own.  One without statements is left out, unless all are.
    """
    check_language(language)
    marker = line_marker(network, layout, batch, optimizer, find_convention(convention))
    found: list[AnswerVerdict] = []
    empty: Refusal | None = None
    try:
        for text in texts:
            try:
                found.append(_verdict_on(marker, text, layout, language))
            except Refusal as refusal:
                if refusal.key != "answer_empty":
                    raise
                empty = refusal
        if not found and empty is not None:
            raise empty
    except Refusal as refusal:
        if language == "en":
            raise
        raise InputError(refusal.message(language)) from None
    return joined(found)


def _verdict_on(
    marker: LineMarker, text: str, layout: Layout | None, language: str
) -> AnswerVerdict:
    """Return the verdict on one text."""
    run = _best(marker, text)
    verdicts, keys = run.verdicts(), tuple[str, ...]()
    other = recognized(marker, text, verdicts, partial(_best, text=text))
    if other is not None:
        run, verdicts, keys = other.run, [*other.verdicts], other.keys
    is_stated = layout is not None or marker.convention != OWN
    run_of = partial(_best, text=text)
    columns = None if is_stated else in_columns(marker, text, verdicts, run_of)
    if columns is not None and columns.whole is not None:
        whole = columns.whole
        run, verdicts, keys, columns = whole.run, [*whole.verdicts], whole.keys, None
    if sum(each.outcome == "wrong" for each in verdicts) > 1:
        run = run.with_given_variables()
        verdicts = run.verdicts()
    known = marker.vocabulary(("a", "a"))
    missing = tuple(
        cotangent(parameter).typed
        for parameter in known.parameters
        if not {cotangent(parameter), parameter, parameter.updated} & run.computed
    )
    statements = tuple(replace(each, language=language) for each in verdicts)
    given = sorted(quantity.typed for quantity in (run.used - run.computed) | run.assumed)
    right = 0 if columns is None else columns.right
    computed = frozenset(quantity.typed for quantity in run.computed)
    return AnswerVerdict(statements, missing, tuple(given), language, keys, right, computed)


def program_verdicts(marker: LineMarker, text: object) -> list[LineVerdict]:
    """Return the verdicts on the statements of a short program, none if one is not read.

    A program with variables of its own is an answer, not a line.
    """
    try:
        if not isinstance(text, str) or parsed_program(text) is None:
            return []
        found = _best(marker, text).verdicts()
    except InputError:
        return []
    if any(each.outcome in ("unread", "own") for each in found):
        return []  # a name that is spelled wrong would be a variable that nothing uses
    return [each.verdict for each in found if each.verdict is not None]


@dataclass(frozen=True)
class _Reading:
    """One reading of an answer: the meaning of loose names, and where lists begin."""

    statements: Sequence[ReadStatement]
    meanings: Meanings

    def run(self, marker: LineMarker) -> AnswerRun:
        vocabulary = marker.vocabulary(self.meanings)
        return AnswerRun(marker.sequence(vocabulary), vocabulary, self.statements)


def _best(marker: LineMarker, text: str) -> AnswerRun:
    """Return the run of the reading, the same one throughout, that makes most of it right."""
    readings = list(_readings(marker, text))
    if not readings[0].statements:
        raise Refusal("answer_empty")
    if len(readings) > 1:
        scores = [reading.run(marker).score() for reading in readings]
        readings.insert(0, readings[scores.index(max(scores))])
    return readings[0].run(marker)


def _readings(marker: LineMarker, text: str) -> Iterator[_Reading]:
    samples = marker.layout if marker.batch else None
    if len(text) > MAX_LENGTH:
        raise Refusal("answer_long", count=str(len(text)), limit=str(MAX_LENGTH))
    is_matlab = marker.convention.matlab == "whole"
    program = None if is_matlab else parsed_program(text)
    firsts = (0, 1) if _INDEXED.search(text) and program is not None else (0,)
    for first, meanings in product(firsts, meanings_in(text)):
        if program is None:
            yield _Reading(_with_fault(plain_statements(text), syntax_fault(text)), meanings)
            continue
        lists, tree = marker.lists(first, explicit_tables(text)), program
        yield _Reading(read_or_refused(lambda: statements_of(tree, text, lists, samples)), meanings)  # noqa: B023 - called at once


def _with_fault(
    statements: Sequence[ReadStatement], fault: ReadStatement | None
) -> Sequence[ReadStatement]:
    """Return the statements with the line that is not Python in place of what it was read as."""
    if fault is None:
        return statements
    before = [each for each in statements if each.number < fault.number]
    after = [each for each in statements if each.number > fault.number]
    last = max((each.group for each in statements), default=0)
    return [*before, replace(fault, group=last + 1), *after]
