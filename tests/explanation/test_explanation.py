"""Explanations of random networks: every line agrees, and a wrong one does not."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError, InputTypeError
from chainrule.explanation.evaluated_lines import LineEvaluator
from chainrule.explanation.independent_values import LIMIT, IndependentValues
from chainrule.formulas.arrange import arrange
from chainrule.formulas.expressions import Number, Product, Size, product
from chainrule.formulas.matrices import Matrix, Multiply, Pointwise, Transpose
from chainrule.formulas.positional import MatrixEvaluation
from tests.explanation.cases import OPTIMIZERS, cases, drawn, entry, places, steps
from tests.random_networks import Case
from tests.selection import in_turn, sampled

CASES = cases()
LAYOUTS = ("rows", "columns")


@pytest.mark.parametrize(
    ("case", "optimizer", "layout", "row"),
    in_turn(CASES[::3], OPTIMIZERS, LAYOUTS, (None, None, 0, 0), every=3),
)
def test_every_line_of_a_random_network_agrees(
    case: Case, optimizer: Any, layout: Any, row: int | None
) -> None:
    """For one sample or a batch, in either layout, with every optimizer, each in turn."""
    parameters, X, Y = drawn(case)
    found = cr.explain(case.network, parameters, X, Y, row=row, optimizer=optimizer, layout=layout)
    assert found.passed, [
        (str(line.statement.left), form.mark)
        for line in found.numbered
        for form in line.forms
        if form.passed is False
    ]
    gradients = {f"∂Loss/∂{name}" for name in case.network.trainable_names}
    assert gradients <= set(found.values)
    methods = {mark.method for mark in found.marks if mark.passed}
    assert {"index", "complex", "reference"} <= methods


@pytest.mark.parametrize("case", CASES[::9], ids=str)
def test_values_are_those_of_the_public_surface(case: Case) -> None:
    """Loss, gradients and outputs are what the other functions give, in another way."""
    parameters, X, Y = drawn(case)
    found = cr.explain(case.network, parameters, X, Y)
    loss, gradients = cr.loss_and_gradients(case.network, parameters, X, Y, backend="reference")
    assert np.isclose(float(found.values["Loss"].squeeze()), loss, rtol=1e-12)
    for name, gradient in gradients.items():
        shown = found.values[f"∂Loss/∂{name}"].reshape(gradient.shape)
        assert np.allclose(shown, gradient, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(("case", "optimizer"), in_turn(CASES[::2], OPTIMIZERS, every=4))
def test_shares_and_causes_add_up_to_the_step_of_train(case: Case, optimizer: Any) -> None:
    """One step of ``cr.train`` moves each weight by the sum of its causes, shares by samples."""
    parameters, X, Y = drawn(case)
    network = case.network
    trained = cr.train(
        network,
        X,
        Y,
        parameters=parameters,
        optimizer=optimizer,
        batch_size=None,
        shuffle=False,
        epochs=1,
        backend="reference",
    )
    _, gradients = cr.loss_and_gradients(network, parameters, X, Y, backend="reference")
    for weight in places(network, np.random.default_rng(case.number), 1):
        name = weight.partition("[")[0]
        if 0 < abs(entry(gradients[name], weight)) < 1e-12:
            continue  # 0 in exact arithmetic: the two paths round it differently
        story = cr.explain(network, parameters, X, Y, weight=weight, optimizer=optimizer).weight
        assert story is not None
        moved = entry(trained.parameters[name], weight) - entry(parameters[name], weight)
        rounding = 4e-16 * max(1.0, abs(entry(parameters[name], weight)))
        for sums in (story.step, story.scaled):
            assert sums.adds_up
            assert abs(sum(part.value for part in sums.parts) - moved) <= rounding + 1e-9 * abs(
                moved
            )
        assert story.change == pytest.approx(moved, abs=1e-16)
        gradient = entry(gradients[name], weight)
        share = sum(part.value for part in story.gradient.parts)
        assert share == pytest.approx(gradient, rel=1e-9, abs=1e-15)
        assert story.gradient.adds_up
        assert story.paths.adds_up
        assert story.mark.passed


@pytest.mark.parametrize("optimizer", sampled(OPTIMIZERS, every=3, name=repr))
def test_the_step_after_several_is_explained_from_its_memory(optimizer: Any) -> None:
    network = cr.Network.dense([3, 4, 2], ["tanh", "softmax"], "log_loss", penalty=cr.L2(0.02))
    generator = np.random.default_rng(5)
    X, Y = generator.normal(size=(6, 3)), np.eye(2)[generator.integers(2, size=6)]
    start = network.initialize(seed=3)
    before, memory = steps(network, optimizer, start, X, Y, 4)
    after, _ = steps(network, optimizer, start, X, Y, 5)
    for weight in places(network, generator, 3):
        found = cr.explain(
            network, before, X, Y, weight=weight, optimizer=optimizer, state=memory, step=5
        )
        assert found.passed
        story = found.weight
        assert story is not None
        name = weight.partition("[")[0]
        moved = entry(after[name], weight) - entry(before[name], weight)
        assert story.change == pytest.approx(moved, abs=1e-16)
        causes = {part.label.kind: part.value for part in story.step.parts}
        assert ("memory" in causes) == (optimizer.name != "rmsprop" and bool(memory))
        assert sum(causes.values()) == pytest.approx(moved, rel=1e-10, abs=1e-16)
        assert causes.get("memory", 1.0) != 0


def test_a_single_row_is_told_as_one_sample() -> None:
    network = cr.Network.dense([2, 3, 1])
    parameters = network.initialize(seed=0)
    X, Y = [[0.5, -1.0], [1.0, 2.0], [0.0, 3.0]], [0, 1, 1]
    one = cr.explain(network, parameters, X, Y, row=2)
    assert one.rows == (2,)
    assert "a_h" in one.values
    assert np.array_equal(one.given[0].value, [[0.0, 3.0]])
    two = cr.explain(network, parameters, X, Y, rows=[2, 0])
    assert two.rows == (2, 0)
    assert two.values["A_h"].shape == (2, 3)
    alone = cr.explain(network, parameters, [0.0, 3.0], 1.0 * np.ones(1))
    assert np.array_equal(alone.values["a_h"], one.values["a_h"])
    columns = cr.explain(network, parameters, X, Y, row=2, layout="columns")
    assert np.array_equal(columns.values["a_h"], one.values["a_h"].T)


def test_single_precision_is_explained_in_double() -> None:
    network = cr.Network.dense([2, 3, 1])
    found = cr.explain(network, network.initialize(seed=0, dtype=np.float32), [[1.0, 2.0]], [1])
    assert found.passed
    assert found.values["a_h"].dtype == np.float64


# -- the marks can fail ----------------------------------------------------------------------------


def unchecked(factors: tuple[Matrix, ...]) -> Multiply:
    """A product whose axes need not meet: what a careless writer would put down."""
    made = Multiply.__new__(Multiply)
    object.__setattr__(made, "factors", factors)
    object.__setattr__(made, "walk", ())
    return made


def turned(matrix: Matrix) -> Matrix:
    return matrix.operand if isinstance(matrix, Transpose) else Transpose(matrix)


def two_axes(matrix: Matrix) -> bool:
    return None not in matrix.sides


def mutations(matrix: Matrix) -> Iterator[tuple[str, Matrix]]:
    """Yield what a matrix formula becomes by one slip."""
    operands: list[Any]
    match matrix:
        case Multiply():
            for place, factor in enumerate(matrix.factors):
                if two_axes(factor):
                    flipped = list(matrix.factors)
                    flipped[place] = turned(factor)
                    yield "transpose", unchecked(tuple(flipped))
            if all(map(two_axes, matrix.factors)):
                yield "side", unchecked(matrix.factors[::-1])
        case Pointwise():
            yield "sign", replace(matrix, formula=product(-1, matrix.formula))
            formula = matrix.formula
            if isinstance(formula, Product):
                for position, part in enumerate(formula.factors):
                    rest = (*formula.factors[:position], *formula.factors[position + 1 :])
                    if not isinstance(part, Number) and len(rest) > 0:
                        yield "factor", replace(matrix, formula=product(*rest))
            for place, (symbol, operand) in enumerate(matrix.operands):
                for slip, wrong_operand in mutations(operand):
                    operands = list(matrix.operands)
                    operands[place] = (symbol, wrong_operand)
                    spoiled: Matrix = replace(matrix, operands=tuple(operands))
                    yield slip, spoiled


SQUARE = [
    cr.Network.dense([2, 2, 2], ["tanh", "sigmoid"], "mse"),
    cr.Network.dense([2, 2, 2, 2], ["sigmoid", "softplus", "softmax"], "log_loss"),
    cr.Network.dense([2, 2, 2], ["gelu", "identity"], "half_mse", penalty=cr.L2(0.1)),
]


@pytest.mark.parametrize("network", SQUARE, ids=str)
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_a_wrong_line_is_marked_wrong(network: cr.Network, layout: Any) -> None:
    """All sizes are 2, so that every slip still has the right shape: numbers alone tell."""
    generator = np.random.default_rng(11)
    parameters = {
        name: generator.normal(size=shape) for name, shape in network.parameter_shapes.items()
    }
    X = generator.normal(size=(2, 2))
    Y = (
        generator.dirichlet(np.ones(2), 2)
        if network.form.shares
        else generator.uniform(size=(2, 2))
    )
    found = cr.explain(network, parameters, X, Y, layout=layout, optimizer=cr.SGD(0.5))
    assert found.passed
    witness = IndependentValues(found.batch)
    numbering = LineEvaluator(found.batch, witness, layout)
    caught: dict[str, int] = {}
    for line in found.numbered:
        for place, form in enumerate(line.forms):
            if not isinstance(form.equal.formula, Matrix) or line.value is None:
                continue
            for slip, wrong in mutations(form.equal.formula):
                rights = list(line.statement.rights)
                rights[place] = replace(form.equal, formula=wrong)
                judged = numbering.line(replace(line.statement, rights=tuple(rights)))
                verdict = judged.forms[place].passed  # type: ignore[union-attr]
                if harmless(found.batch, wrong, form.equal.formula):
                    continue
                assert verdict is False, f"{line.statement.left}: {slip} in {form.equal.formula}"
                caught[slip] = caught.get(slip, 0) + 1
    assert min(caught.get(slip, 0) for slip in ("transpose", "side", "sign", "factor")) >= 5, caught


def harmless(batch: Any, wrong: Matrix, right: Matrix) -> bool:
    """Whether a slip gives the same numbers: 1 ⊙ a, a factor that is 1, a symmetric product."""
    evaluate = MatrixEvaluation(batch.named)
    first, second = evaluate(wrong), evaluate(right)
    return first.shape == second.shape and bool(np.allclose(first, second, rtol=1e-12))


def test_a_wrong_derivation_is_caught_by_the_complex_step() -> None:
    """Index form and matrix form agree in a wrong gradient; the complex step does not."""
    network = cr.Network.dense([2, 3, 2], ["tanh", "sigmoid"], "mse")
    found = cr.explain(network, network.initialize(seed=1), [[0.3, -0.7]], [[0.2, 0.9]])
    gradients = found.batch.gradients
    place = next(i for i, e in enumerate(gradients.backward) if e.left.name == "δ_o")
    backward = list(gradients.backward)
    halved = replace(
        backward[place].derived,
        right=product(Number(Fraction(1, 2)), backward[place].derived.right),
    )
    backward[place] = replace(backward[place], derived=halved)
    wrong = replace(found.batch, gradients=replace(gradients, backward=tuple(backward)))
    witness = IndependentValues(wrong)
    line = next(line for line in found.numbered if line.statement.left.name == "δ_o")
    matrix = arrange(halved.right, "rows", line.statement.left.axes)
    mark = witness.mark(matrix, line.statement.left, matrix.sides, wrong.named, update=False)
    assert mark.method == "complex"
    assert mark.passed is False
    assert mark.error == pytest.approx(0.5)


def test_a_lost_size_is_caught() -> None:
    """Losing 1/n or 1/B changes the value by a factor of at least 2."""
    network = cr.Network.dense([2, 3, 2])
    found = cr.explain(
        network, network.initialize(seed=1), [[0.3, -0.7], [1.0, 0.1]], [[0.2, 0.9], [0.0, 1.0]]
    )
    first = next(line for line in found.numbered if line.statement.left.name == "∂Loss/∂A_o")
    (form,) = first.forms
    matrix = form.equal.formula
    assert isinstance(matrix, Pointwise)
    for axis in network.axes[-1:]:
        wrong = replace(matrix, formula=product(Size(axis), matrix.formula))
        mark = IndependentValues(found.batch).mark(
            wrong, first.statement.left, matrix.sides, found.batch.named, update=False
        )
        assert mark.passed is False
        assert mark.error > LIMIT


# -- where nothing can be compared -----------------------------------------------------------------


def test_on_a_kink_the_declared_slope_is_told() -> None:
    """z = 0 exactly: relu has no derivative there, and the declared slope is 0."""
    network = cr.Network.dense([1, 2, 1], ["relu", "identity"], "mse")
    parameters = {
        "W_ih": np.ones((1, 2)),
        "b_ih": np.array([-1.0, 0.5]),
        "W_ho": np.ones((2, 1)),
        "b_ho": np.zeros(1),
    }
    found = cr.explain(network, parameters, [[1.0]], [5.0], weight="W_ih[0,0]")
    assert found.on_kink
    assert found.passed
    assert found.weight is not None
    assert found.weight.gradient.total == 0
    assert found.weight.mark.passed is None
    assert "jumps" in found.to_text()
    assert all(mark.method != "complex" for mark in found.marks)


def test_a_saturated_output_is_told_without_a_verdict() -> None:
    """softmax gives 0 for the true class: −y/a is infinite, A − Y and the loss are not."""
    network = cr.Network.dense([1, 2], ["softmax"], "log_loss")
    parameters = {"W_1": np.array([[1000.0, -1000.0]]), "b_1": np.zeros(2)}
    found = cr.explain(network, parameters, [[1.0]], [[0.0, 1.0]], weight="W_1[0,0]")
    verdicts = {line.statement.left.name: [f.passed for f in line.forms] for line in found.numbered}
    assert verdicts["∂Loss/∂a_1"] == [None]
    assert False not in [verdict for many in verdicts.values() for verdict in many]
    assert found.values["Loss"].item() == pytest.approx(2000.0)
    assert np.allclose(found.values["∂Loss/∂W_1"], [[1.0, -1.0]])
    assert found.weight is not None
    assert found.weight.gradient.total == 1.0
    assert "∞" in found.to_text()


# -- refused ---------------------------------------------------------------------------------------

NETWORK = cr.Network.dense([2, 3, 1])
PARAMETERS = NETWORK.initialize(seed=0)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"row": 2}, InputError, "`row` must be from 0 to 1, got 2: X has 2 rows"),
        ({"row": -1}, InputError, "`row` must be from 0 to 1, got -1"),
        ({"row": 1.5}, InputTypeError, "`row` must be an integer, got 1.5"),
        ({"row": True}, InputTypeError, "`row` must be an integer, got True"),
        ({"rows": []}, InputError, "`rows` must have at least one index, got none"),
        ({"row": 0, "rows": [0]}, InputError, "`row` and `rows` were both given"),
        ({"weight": "W_hi[0,0]"}, InputError, "Did you mean 'W_ih'"),
        ({"weight": "W_ih[2,0]"}, InputError, "index of the input from 0 to 1"),
        ({"weight": 3}, InputTypeError, "`weight` must be a text .*, got 3"),
        ({"optimizer": "adm"}, InputError, "Did you mean 'adam'"),
        ({"layout": "diagonal"}, InputError, "'rows' or 'columns'"),
        ({"step": 0}, InputError, "`step` must be an integer of at least 1, got 0"),
        ({"state": {"v_W_ih": [[0.0]]}}, InputError, "unknown state of sgd 'v_W_ih'"),
        (
            {"optimizer": "adam", "state": {"v_W_ih": [[0.0]]}},
            InputError,
            r"`state\['v_W_ih'\]` must have the shape \(2, 3\) of its parameter, got \(1, 1\)",
        ),
        (
            {"optimizer": "adam", "state": [1]},
            InputTypeError,
            r"`state` must be a mapping .*, got \[1\]",
        ),
        ({"X": [[1.0, 2.0, 3.0]]}, InputError, r"`X` must have the shape \(samples, 2\), got"),
        ({"Y": [1, 2, 3]}, InputError, r"`Y` must have the shape \(2, 1\) or \(2,\), got"),
    ],
)
def test_bad_input_is_refused_in_words(change: dict, error: type, words: str) -> None:
    given = {"X": [[1.0, 2.0], [0.0, 1.0]], "Y": [1, 0], **change}
    with pytest.raises(error, match=words):
        cr.explain(NETWORK, PARAMETERS, given.pop("X"), given.pop("Y"), **given)


def test_an_unknown_language_is_refused() -> None:
    found = cr.explain(NETWORK, PARAMETERS, [[1.0, 2.0]], [1])
    for write in (found.to_text, found.to_latex, found.to_html):
        with pytest.raises(InputError, match="unknown language 'de'"):
            write("de")  # type: ignore[arg-type]


def test_nothing_that_is_given_is_changed() -> None:
    parameters = {name: array.copy() for name, array in PARAMETERS.items()}
    X, Y, state = np.ones((2, 2)), np.ones((2, 1)), {"m_W_ih": np.ones((2, 3))}
    cr.explain(NETWORK, parameters, X, Y, optimizer="adam", state=state, weight="W_ih[0,0]")
    assert all(np.array_equal(parameters[name], PARAMETERS[name]) for name in parameters)
    assert (X == 1).all()
    assert (Y == 1).all()
    assert (state["m_W_ih"] == 1).all()
