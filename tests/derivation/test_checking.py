"""Every displayed line is checked: no false alarm, and every kind of mistake is caught.

The mistakes are made in what is displayed, the tree of matrices, while the expressions it came from
stay right.  All axes are given one length for them, so that no mistake can fail by its shape: only
numbers tell right from wrong.
"""

import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from chainrule.derivation.check_points import lengths
from chainrule.derivation.checking import Checker
from chainrule.derivation.derivation import derive
from chainrule.documents.elements import ChainFactors, Equal, Partials, Scalar, Statement
from chainrule.formulas.expressions import Add, Apply, Expression, Power, Product, Size, product
from chainrule.formulas.functions import Function
from chainrule.formulas.matrices import (
    Matrix,
    MatrixSymbol,
    Multiply,
    Pointwise,
    Transpose,
)
from chainrule.network.architecture import Network
from chainrule.network.optimizers import ALPHA, SGD, Adam, AdamW, RMSprop
from chainrule.network.penalties import L1, L2
from chainrule.network.scope import SAMPLES
from tests.random_networks import admissible_pairs, random_networks
from tests.selection import in_turn, sampled

SLOW = os.environ.get("CHAINRULE_SLOW") == "1"
OPTIMIZERS = (SGD(), SGD(0.1, 0.9), SGD(0.1, 0.9, nesterov=True), Adam(), AdamW(), RMSprop())


# -- what is right passes ------------------------------------------------------------------------


@pytest.mark.parametrize("detail", ["brief", "full"])
@pytest.mark.parametrize("pair", sampled(admissible_pairs(), every=6, name="-".join))
def test_every_pair_passes(pair, detail):
    last, loss = pair
    network = Network.dense([2, 3, 2], ["tanh", last], loss, penalty=[L1(0.1), L2(0.1)])
    checked = derive(network, detail=detail, optimizer=Adam()).check()
    assert checked.passed, checked
    # Floating point is left for the printed form of a function against the computed one, and for
    # slopes that rest on cases (relu, softsign).
    inexact = [s.left.name for s, _, v in checked if v.method != "exact" and s.part != "function"]
    assert inexact == []


def test_every_equality_has_its_verdict():
    told = derive(Network.dense([2, 3, 1]))
    checked = told.check()
    assert checked.lines == told.lines
    for line, verdicts in zip(checked.lines, checked.results, strict=True):
        assert len(verdicts) == (len(line.rights) if isinstance(line, Statement) else 0)
    assert sum(checked.counts.values()) == sum(len(s.rights) for s in told.statements)
    assert str(checked).startswith("every one of ")


def random_cases(count):
    per_round = len(admissible_pairs())
    return list(random_networks(rounds=-(-count // per_round), seed=7))[:count]


@pytest.mark.slow
@pytest.mark.skipif(not SLOW, reason="CHAINRULE_SLOW=1 runs all 2,000")
def test_no_false_alarm_in_two_thousand_random_networks():
    for case in random_cases(2000):
        checked = derive(case.network, optimizer=Adam()).check(seed=case.number)
        assert checked.passed, (str(case), str(checked))


@pytest.mark.parametrize(
    ("case", "layout", "batch", "optimizer"),
    in_turn(random_cases(60), ("rows", "columns"), (False, True, True), OPTIMIZERS, every=7),
)
def test_no_false_alarm_in_random_networks(case, layout, batch, optimizer):
    found = derive(case.network, layout=layout, batch=batch, optimizer=optimizer)
    checked = found.check(seed=case.number)
    assert checked.passed, str(checked)


# -- mistakes ------------------------------------------------------------------------------------

Mistake = tuple[str, Statement, Equal]


def blind(factors: tuple[Matrix, ...]) -> Multiply:
    """A product that is built without looking whether its axes meet."""
    made = object.__new__(Multiply)
    object.__setattr__(made, "factors", factors)
    return made


def changed(matrix: Matrix) -> Iterator[tuple[str, Matrix, Matrix]]:
    """Yield (kind, node, what it becomes) for one mistake at the node itself."""
    match matrix:
        case Transpose():
            yield "transpose", matrix, matrix.operand
        case MatrixSymbol() if None not in matrix.sides:
            yield "transpose", matrix, Transpose(matrix)
        case Multiply():
            if all(None not in factor.sides for factor in matrix.factors):
                yield "side", matrix, blind(matrix.factors[::-1])
        case Pointwise():
            for kind, formula in changed_formula(matrix.formula):
                yield kind, matrix, replace(matrix, formula=formula)


def changed_formula(tree: Expression) -> Iterator[tuple[str, Expression]]:
    """Yield formulas that lost a factor, or the sign of a term in a factor."""
    if not isinstance(tree, Product) or tree.summed:
        return
    for place, factor in enumerate(tree.factors):
        rest = (*tree.factors[:place], *tree.factors[place + 1 :])
        lost = product(*rest)
        if isinstance(factor, Power) and isinstance(factor.base, Size):
            yield "factor", lost
        elif factor.axes and lost.axes:
            yield "slope", lost
        elif not factor.axes:
            yield "factor", lost
        if isinstance(factor, Add):
            last = product(-1, factor.terms[-1])
            yield "slope", product(*rest, Add((*factor.terms[:-1], last)))


def everywhere(matrix: Matrix) -> Iterator[tuple[str, Matrix]]:
    """Yield the matrix with one mistake anywhere in it."""
    yield from ((kind, after) for kind, _, after in changed(matrix))
    match matrix:
        case Transpose():
            for kind, inner in everywhere(matrix.operand):
                yield kind, Transpose(inner)
        case Multiply():
            for place, factor in enumerate(matrix.factors):
                for kind, inner in everywhere(factor):
                    factors = (*matrix.factors[:place], inner, *matrix.factors[place + 1 :])
                    yield kind, blind(factors)
        case Pointwise():
            for place, (symbol, operand) in enumerate(matrix.operands):
                for kind, inner in everywhere(operand):
                    rest = matrix.operands[place + 1 :]
                    operands = (*matrix.operands[:place], (symbol, inner), *rest)
                    yield kind, replace(matrix, operands=operands)


def updated(matrix: Matrix, told) -> Iterator[Matrix]:
    """Yield the matrix with an already updated weight in place of the old one."""
    match matrix:
        case MatrixSymbol() if matrix.symbol in told.formulation.parameters:
            cotangent = MatrixSymbol(told.formulation.cotangent(matrix.symbol), *matrix.sides)
            formula = matrix.symbol - ALPHA * cotangent.symbol
            operands = ((matrix.symbol, matrix), (cotangent.symbol, cotangent))
            yield Pointwise(formula, operands, *matrix.sides)
        case Transpose():
            yield from map(Transpose, updated(matrix.operand, told))
        case Multiply():
            for place, factor in enumerate(matrix.factors):
                for inner in updated(factor, told):
                    yield blind((*matrix.factors[:place], inner, *matrix.factors[place + 1 :]))
        case Pointwise():
            for place, (symbol, operand) in enumerate(matrix.operands):
                for inner in updated(operand, told):
                    rest = matrix.operands[place + 1 :]
                    others = (*matrix.operands[:place], (symbol, inner), *rest)
                    yield replace(matrix, operands=others)


def mistakes(told) -> Iterator[Mistake]:
    """Yield every mistake in the matrices that a derivation displays."""
    for statement in told.statements:
        for equal in statement.rights:
            if isinstance(equal.formula, Matrix):
                for kind, wrong in everywhere(equal.formula):
                    yield kind, statement, replace(equal, formula=wrong)
                if statement.stage == "backward":
                    for wrong in updated(equal.formula, told):
                        yield "sequential", statement, replace(equal, formula=wrong)


KINDS = ("transpose", "side", "factor", "slope", "sequential")


def checker(told, sizes):
    return Checker(told.parts, sizes, told.layout, told.optimizer)


def one_length(told, length=3):
    return dict.fromkeys(lengths((*told.network.axes, SAMPLES)), length)


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_every_mistake_in_one_network_is_caught(layout):
    told = derive(Network.dense([3, 3, 3], "sigmoid"), layout=layout)
    found = dict.fromkeys(KINDS, 0)
    judge = checker(told, one_length(told))
    for kind, statement, wrong in mistakes(told):
        assert not judge.result(statement, wrong).passed, (kind, statement.left, wrong.reason)
        found[kind] += 1
    assert min(found.values()) >= 2, found


def networks_with_mistakes():
    """No shared bias: 1ᵀ δ 1 is 1ᵀ δᵀ 1, so that a transpose in it is no mistake.

    One hidden layer at least: otherwise no line has a weight whose update could come first.
    """
    return [
        case
        for case in random_cases(480)
        if len(case.network.layers) > 2 and "shared" not in (case.network.trainable or {}).values()
    ][:220]


def mistakes_by_kind(derivation):
    grouped: dict[str, list] = {kind: [] for kind in KINDS}
    for kind, statement, wrong in mistakes(derivation):
        grouped[kind].append((statement, wrong))
    return grouped


@pytest.mark.parametrize(
    ("case", "layout"), in_turn(networks_with_mistakes(), ("rows", "columns"), every=21)
)
def test_one_mistake_of_each_kind_in_random_networks_is_caught(case, layout):
    derivation = derive(case.network, layout=layout)
    generator = np.random.default_rng([5, case.number])
    both = (one_length(derivation), lengths((*derivation.network.axes, SAMPLES)))
    checkers = [checker(derivation, sizes) for sizes in both]
    for kind, found in mistakes_by_kind(derivation).items():
        if found:
            statement, wrong = found[generator.integers(len(found))]
            for each in checkers:
                result = each.result(statement, wrong)
                assert not result.passed, (kind, statement.left, wrong.formula)


@pytest.mark.slow
def test_most_networks_have_mistakes_of_every_kind():
    counts = dict.fromkeys(KINDS, 0)
    for case in networks_with_mistakes():
        left = set(KINDS)
        for kind, _, _ in mistakes(derive(case.network)):
            left.discard(kind)
            if not left:
                break
        for kind in set(KINDS) - left:
            counts[kind] += 1
    assert min(counts.values()) >= 200, counts


def test_a_wrong_function_is_caught():
    told = derive(Network.dense([2, 3, 2], ["tanh", "sigmoid"]), detail="full")
    judge = checker(told, one_length(told))
    tried = 0
    for statement in told.statements:
        for equal in statement.rights:
            match equal.formula:
                case Scalar(expression=right):
                    wrongs = [Scalar(right + 1), Scalar(2 * right), Scalar(right * right)]
                case ChainFactors(factors=factors):
                    wrongs = [ChainFactors(factors[1:]), ChainFactors(factors[:-1])]
                case Partials(ways=ways):
                    wrongs = [replace(equal.formula, ways=ways * 2)]
                case _:
                    continue
            for wrong in wrongs:
                if wrong.__class__ is Scalar and str(wrong.expression) == str(right):
                    continue
                assert not judge.result(statement, replace(equal, formula=wrong)).passed, (
                    statement.left,
                    wrong,
                )
                tried += 1
    assert tried > 100


def test_applying_another_function_is_caught():
    told = derive(Network.dense([2, 3, 2], ["tanh", "sigmoid"]))
    swap = {
        function.name: other
        for function, other in zip(
            told.network.activations, reversed(told.network.activations), strict=True
        )
    }
    for statement in told.statements:
        (first, *_) = statement.rights
        formula = first.formula
        if isinstance(formula, Pointwise) and isinstance(formula.formula, Apply):
            function = formula.formula.function
            assert isinstance(function, Function)
            other = Apply(swap[function.name], formula.formula.arguments)
            wrong = replace(first, formula=replace(formula, formula=other))
            assert not checker(told, one_length(told)).result(statement, wrong).passed


# -- a failure is shown --------------------------------------------------------------------------


def test_a_step_that_fails_is_shown_as_failed(monkeypatch):
    """A derivation with one wrong matrix: text, LaTeX and HTML mark that step and no other."""
    told = derive(Network.dense([2, 3, 2]))
    statement = next(s for s in told.statements if s.left.name == "∂Loss/∂W_ho")
    last = statement.rights[-1]
    assert isinstance(last.formula, Multiply)
    left, right = last.formula.factors
    assert isinstance(right, MatrixSymbol)
    other = MatrixSymbol(replace(right.symbol, name="Y_t"), *right.sides)
    wrong = replace(last, formula=replace(last.formula, factors=(left, other)))
    broken = replace(statement, rights=(*statement.rights[:-1], wrong))
    lines = tuple(broken if line == statement else line for line in told.lines)
    monkeypatch.setitem(told.__dict__, "lines", lines)
    checked = told.check()
    assert not checked.passed
    assert checked.failures == ((broken, wrong),)
    assert "1 of" in str(checked)
    for language, said in (("en", "FAILED"), ("zh", "未通过检验")):
        for page in (told.to_text, told.to_latex, told.to_html):
            assert page(language).count(said) == 1, page
    right = derive(Network.dense([2, 3, 2]))
    assert "FAILED" not in right.to_text() + right.to_latex() + right.to_html()
