"""What has no matrix form runs in the core as well, in loops over named axes."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import NotFused
from chainrule.formulas.arrange import orient
from chainrule.formulas.axes import SAMPLES_POSITION, Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Largest, Rename, Symbol, mean, product, total
from chainrule.formulas.functions import tanh
from chainrule.formulas.matrices import Indexed
from chainrule.kernels import compiled
from chainrule.kernels.reference import Execution, as_matrix
from chainrule.kernels.runner import Runner
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import differentiate
from chainrule.plans import plan as lowering
from chainrule.plans.operations import General
from chainrule.plans.plan import plan
from chainrule.verification import relative_error
from tests.random_networks import random_networks

B, I, H, TWIN = Axis("B", SAMPLES_POSITION), Axis("i", 0), Axis("h", 1), Axis("e", 2)
X, W, LOSS = Symbol("X", (B, I)), Symbol("W", (I, H)), Symbol("Loss")


def in_core(made, values, data, dtype=np.float64):
    rows = len(next(iter(data.values())))
    runner = Runner(made, [made.loss, *made.gradients.values()], values, data, dtype, rows)
    return runner


def steps_agree(stated, values, data, steps=10):
    """Train a formulation in the core and by the reference; last batches are shorter."""
    made = plan(differentiate(stated), cr.SGD(0.05))
    values = {**values, "α": 0.05}
    runner = in_core(made, values, data)
    reference = Execution(made)
    reference.give({name: np.array(value) for name, value in values.items()})
    for step in range(steps):
        count = len(data["X"]) - 2 * (step % 2)
        reference.give({name: array[:count] for name, array in data.items()})
        assert runner.step(0, count)
        reference.all()
        assert runner.scalar("Loss") == pytest.approx(reference.scalar("Loss"), rel=1e-12)
    for symbol in stated.parameters:
        found = np.zeros(np.shape(values[symbol.name]))
        runner.read_parameter(symbol.name, found)
        expected = reference.values[symbol.name]
        np.testing.assert_allclose(as_matrix(found, symbol), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("inputs", [2, 5, 24])
def test_a_renamed_axis_trains_in_the_core(inputs):
    """Tied weights: the way back uses W with its inputs under another name."""
    A, Z = Symbol("A", (B, H)), Symbol("Z", (B, TWIN))
    stated = Formulation(
        (
            Equation(A, tanh(product(X, W, over=[I]))),
            Equation(Z, product(A, Rename(W, I, TWIN), over=[H])),
            Equation(LOSS, mean((Z - Rename(X, I, TWIN)) ** 2, B, TWIN)),
        ),
        LOSS,
        (W,),
        (X,),
        Z,
        LOSS,
    )
    random = np.random.default_rng(inputs)
    values = {"W": random.normal(size=(inputs, 3)) / 2}
    steps_agree(stated, values, {"X": random.normal(size=(9, inputs))})


def test_a_sum_inside_a_sum_over_the_same_axis_has_a_counter_of_its_own():
    """Σ_i x_i (Σ_i x_i²): the inner index is another one."""
    twice = Rename(X, I, TWIN)
    inner = total(twice**2, TWIN)
    Z = Symbol("Z", (B,))
    stated = Formulation(
        (
            Equation(Z, total(tanh(X * Symbol("v", (I,))) * inner, I)),
            Equation(LOSS, mean(Z**2, B)),
        ),
        LOSS,
        (Symbol("v", (I,)),),
        (X,),
        Z,
        LOSS,
    )
    random = np.random.default_rng(0)
    steps_agree(stated, {"v": random.normal(size=4)}, {"X": random.normal(size=(7, 4)) / 2})


@pytest.fixture
def everything_in_loops(monkeypatch):
    """Plans in which no equation has a matrix form."""

    def indexed(tree, layout="rows", axes=None):
        return Indexed(tree, *orient(tree.axes if axes is None else axes, layout))

    monkeypatch.setattr(lowering, "arrange", indexed)


CASES = [case for case in random_networks(rounds=1) if not case.weighted][::3]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_whole_networks_in_loops_have_the_references_gradients(case, everything_in_loops):
    """The same derivation, every equation of it entry by entry."""
    network = case.network
    made = plan(differentiate(network.formulation()))
    assert all(isinstance(operation, General) for operation in made.operations)
    random = np.random.default_rng(case.number)
    X = random.normal(size=(case.samples, network.layers[0]))
    Y = random.uniform(0.05, 0.95, size=(case.samples, network.layers[-1]))
    Y = Y / Y.sum(axis=1, keepdims=True) if network.form.shares else Y
    parameters = network.initialize(1)
    loss, gradients = cr.loss_and_gradients(network, parameters, X, Y, backend="reference")
    data = {"X": X, network.names.target: Y}
    found, theirs = compiled.loss_and_gradients(
        made, {**parameters, **network.strengths}, data, np.float64
    )
    assert found == pytest.approx(loss, rel=1e-12)
    for name, gradient in gradients.items():
        assert relative_error(theirs[name], gradient, loss) <= 1e-12


def test_the_largest_entry_in_loops():
    """max over i of x, per sample, on the way forward."""
    stated = Formulation(
        (
            Equation(Symbol("M", (B,)), Largest(product(X, Rename(X, I, TWIN)), I).__class__(X, I)),
            Equation(LOSS, mean(Symbol("M", (B,)) * Symbol("c"), B)),
        ),
        LOSS,
        (Symbol("c"),),
        (X,),
        Symbol("M", (B,)),
        LOSS,
    )
    made = plan(differentiate(stated))
    data = np.random.default_rng(0).normal(size=(5, 4))
    runner = in_core(made, {"c": 2.0}, {"X": data})
    runner.step(0, 5)
    assert runner.scalar("Loss") == pytest.approx(2 * data.max(axis=1).mean())


def test_arrays_with_three_axes_are_refused_by_name():
    cube = Symbol("T", (B, I, H))
    M = Symbol("M", (I,))
    Z = Symbol("Z", (B, H))
    stated = Formulation(
        (Equation(Z, product(cube, M, over=[I])), Equation(LOSS, mean(Z**2, B, H))),
        LOSS,
        (M,),
        (cube,),
        Z,
        LOSS,
    )
    with pytest.raises(NotFused, match="T has 3 axes"):
        in_core(plan(differentiate(stated)), {"M": np.ones(3)}, {"T": np.ones((2, 3, 4))})
