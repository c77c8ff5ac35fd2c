"""The reference backend: every operation literally, in the shapes and types it was given."""

import numpy as np
import pytest

from chainrule.errors import InputError
from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Largest, Rename, Symbol, mean, product, total
from chainrule.formulas.functions import exp, tanh
from chainrule.kernels.reference import Execution, as_matrix, named_array
from chainrule.network.architecture import Network
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import differentiate
from chainrule.network.optimizers import SGD, Adam
from chainrule.plans.operations import (
    ComputeExtreme,
    ComputeLayerwise,
    ComputePointwise,
    ComputeTotal,
    General,
    MatrixProduct,
    Reference,
    Spread,
)
from chainrule.plans.plan import Plan, plan

B, I, H, O = Axis("B", -1), Axis("i", 0, "n_i"), Axis("h", 1, "n_h"), Axis("o", 2, "n")


def plan_of(network: Network, optimizer=None) -> Plan:
    return plan(differentiate(network.formulation()), optimizer)


def run_plan(made: Plan, values, **options) -> Execution:
    run = Execution(made, **options)
    run.give(values)
    run.all()
    return run


# -- operations ----------------------------------------------------------------------------------


@pytest.fixture
def run() -> Execution:
    execution = Execution(plan_of(Network.dense([2, 3, 1])))
    execution.values = {
        "X": np.arange(6.0).reshape(2, 3),
        "W": np.arange(12.0).reshape(3, 4) - 5,
        "row": np.array([[1.0, 2.0, 3.0]]),
        "column": np.array([[1.0], [2.0]]),
    }
    execution.sizes = {B: 2, I: 3, H: 4}
    return execution


X, W = Reference("X"), Reference("W")


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (MatrixProduct("t", (B, H), "forward", X, W), lambda v: v["X"] @ v["W"]),
        (
            MatrixProduct("t", (H, B), "forward", W.turned(), X.turned()),
            lambda v: v["W"].T @ v["X"].T,
        ),
        (
            ComputeTotal("t", (None, I), "forward", X, "rows"),
            lambda v: v["X"].sum(0, keepdims=True),
        ),
        (
            ComputeTotal("t", (B, None), "forward", X, "columns"),
            lambda v: v["X"].sum(1, keepdims=True),
        ),
        (
            ComputeTotal("t", (None, B), "forward", X.turned(), "rows"),
            lambda v: v["X"].T.sum(0, keepdims=True),
        ),
        (
            ComputeExtreme("t", (None, I), "forward", X, "rows"),
            lambda v: v["X"].max(0, keepdims=True),
        ),
        (
            ComputeExtreme("t", (B, None), "forward", X, "columns"),
            lambda v: v["X"].max(1, keepdims=True),
        ),
        (Spread("t", (B, I), "forward", Reference("row")), lambda v: np.vstack([v["row"]] * 2)),
        (
            Spread("t", (B, H), "forward", Reference("column")),
            lambda v: np.hstack([v["column"]] * 4),
        ),
        (
            ComputePointwise(
                "t",
                (B, I),
                "forward",
                exp(Symbol("p", (B, I))) * Symbol("q", (I,)) + Symbol("c", (B,)),
                (
                    (Symbol("p", (B, I)), X),
                    (Symbol("q", (I,)), Reference("row")),
                    (Symbol("c", (B,)), Reference("column")),
                ),
            ),
            lambda v: np.exp(v["X"]) * v["row"] + v["column"],
        ),
        (ComputePointwise("t", (B, H), "forward", Symbol("p") * 0 + 2, ((Symbol("p"), X),)), None),
    ],
)
def test_each_operation_is_what_it_says(run, operation, expected):
    if expected is None:
        run.values["X"] = np.array([[3.0]])
        run.step(operation)
        assert run.values["t"].tolist() == [[2.0] * 4] * 2  # spread over the sides
        return
    wanted = expected(run.values)
    run.step(operation)
    np.testing.assert_allclose(run.values["t"], wanted)
    assert run.values["t"].shape == wanted.shape


def test_only_an_update_writes_into_what_was_there(run):
    before = run.values["X"]
    run.step(
        ComputePointwise(
            "X", (B, I), "update", Symbol("p", (B, I)) * 2, ((Symbol("p", (B, I)), X),)
        )
    )
    assert run.values["X"] is before
    assert before[1, 2] == 10.0
    run.step(ComputeTotal("X", (None, I), "forward", X, "rows"))
    assert run.values["X"] is not before


# -- whole plans ---------------------------------------------------------------------------------


def test_a_step_by_hand():
    network = Network.dense([2, 3, 2], ["tanh", "identity"])
    rng = np.random.default_rng(0)
    parameters = {n: rng.normal(size=s) for n, s in network.parameter_shapes.items()}
    x, y = rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    old = {name: array.copy() for name, array in parameters.items()}
    run = run_plan(plan_of(network, SGD(0.1)), {**parameters, "X": x, "Y_t": y, "α": 0.1})
    hidden = np.tanh(x @ old["W_ih"] + old["b_ih"])
    output = hidden @ old["W_ho"] + old["b_ho"]
    delta_o = 2 * (output - y) / y.size
    delta_h = delta_o @ old["W_ho"].T * (1 - hidden**2)
    expected = {
        "W_ih": x.T @ delta_h,
        "b_ih": delta_h.sum(0),
        "W_ho": hidden.T @ delta_o,
        "b_ho": delta_o.sum(0),
    }
    assert float(run.scalar("Loss")) == pytest.approx(np.mean((output - y) ** 2))
    for name, gradient in expected.items():
        # The arrays that were given hold the new parameters, all from the old ones.
        np.testing.assert_allclose(parameters[name], old[name] - 0.1 * gradient, rtol=1e-12)


def test_values_of_the_wrong_shape_are_refused_by_name():
    made = plan_of(Network.dense([2, 3, 1]))
    with pytest.raises(InputError, match="X"):
        Execution(made).give({"X": np.ones(2)})


def test_values_that_nobody_asked_for_are_left_alone():
    run = Execution(plan_of(Network.dense([2, 3, 1])))
    run.give({"weather": 3.0})
    assert "weather" not in run.values


@pytest.mark.parametrize("loss", ["mse", "log_loss", "huber"])
@pytest.mark.parametrize("hidden", ["tanh", "relu", "gelu", "softmax"])
def test_single_precision_stays_single(hidden, loss):
    network = Network.dense([3, 4, 2], [hidden, "softmax"], loss)
    made = plan_of(network, Adam())
    parameters = network.initialize(0, dtype=np.float32)
    rng = np.random.default_rng(0)
    values = {
        **parameters,
        "X": rng.normal(size=(5, 3)),
        "Y_t": rng.dirichlet(np.ones(2), 5),
        **Adam().constants,
        "t": 1.0,
    }
    for symbol in made.memory:
        name = symbol.name.split("_", 1)[1]
        values[symbol.name] = np.zeros(network.parameter_shapes[name])
    run = run_plan(made, values, dtype=np.float32)
    wide = {name for name, array in run.values.items() if array.dtype != np.float32}
    assert not wide


def test_a_rows_prediction_does_not_depend_on_the_others():
    network = Network.dense([3, 4, 3], ["tanh", "softmax"], "log_loss")
    forward = plan_of(network).forward()
    rng = np.random.default_rng(0)
    x, parameters = rng.normal(size=(6, 3)), network.initialize(0)
    whole = run_plan(forward, {**parameters, "X": x}).values[forward.output]
    for place in range(6):
        one = run_plan(forward, {**parameters, "X": x[[place]]}).values[forward.output]
        np.testing.assert_allclose(one[0], whole[place], rtol=1e-14)


def test_far_from_zero_everything_stays_finite():
    network = Network.dense([2, 3, 3], ["sigmoid", "softmax"], "log_loss")
    made = plan_of(network)
    parameters = {n: np.ones(s) for n, s in network.parameter_shapes.items()}
    parameters["W_ho"] = np.array([[900.0, 0, -900]] * 3)
    values = {**parameters, "X": 400 * np.ones((1, 2)), "Y_t": np.array([[0.0, 0, 1]])}
    run = run_plan(made, values)
    assert np.isfinite(run.scalar(made.loss))
    assert float(run.scalar(made.loss)) == pytest.approx(5400)
    assert all(np.all(np.isfinite(run.values[place])) for place in made.gradients.values())


# -- operations that only other formulations need ------------------------------------------------

M, N, L = Symbol("M", (B, I)), Symbol("W", (I, H)), Symbol("Loss")


def test_what_has_no_matrix_form_is_computed_by_the_names_of_its_axes():
    cube = Symbol("T", (B, I, H))
    Z = Symbol("Z", (B, H))
    stated = Formulation(
        (
            Equation(Z, product(cube, M, over=[I])),
            Equation(L, mean(Z**2, B, H)),
        ),
        L,
        (M,),
        (cube,),
        Z,
        L,
    )
    made = plan(differentiate(stated))
    assert any(isinstance(operation, General) for operation in made.operations)
    rng = np.random.default_rng(0)
    t, m = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3))
    run = run_plan(made, {"T": t, "M": m})
    z = np.einsum("bih,bi->bh", t, m)
    assert float(run.scalar("Loss")) == pytest.approx(np.mean(z**2))
    np.testing.assert_allclose(
        run.values[made.gradients["M"]], np.einsum("bih,bh->bi", t, 2 * z / 8), rtol=1e-12
    )


def test_a_gradient_that_is_constant_along_an_axis_has_its_full_shape():
    cube = Symbol("T", (B, I, H))
    stated = Formulation(
        (Equation(L, total(product(cube, M, over=[I]), B, H)),), L, (M,), (cube,), L, L
    )
    made = plan(differentiate(stated))
    rng = np.random.default_rng(0)
    t, m = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3))
    run = run_plan(made, {"T": t, "M": m})
    np.testing.assert_allclose(run.values[made.gradients["M"]], t.sum(2))


def test_the_largest_and_renamed_axes_run():
    twin = Axis("e", 3, "n_e")
    Z = Symbol("Z", (B, twin))
    tied = Symbol("V", (I, H))
    stated = Formulation(
        (
            Equation(Symbol("A", (B, H)), tanh(product(M, tied, over=[I]))),
            Equation(Z, product(Symbol("A", (B, H)), Rename(tied, I, twin), over=[H])),
            Equation(L, mean(Z**2, B, twin)),
        ),
        L,
        (tied,),
        (M,),
        Z,
        L,
    )
    made = plan(differentiate(stated))
    rng = np.random.default_rng(0)
    m, v = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
    run = run_plan(made, {"M": m, "V": v})
    z = np.tanh(m @ v) @ v.T
    assert float(run.scalar("Loss")) == pytest.approx(np.mean(z**2))
    # The largest entry stands on no way back: the safe form of softmax has one.
    layer = Network.dense([3, 4, 3], "tanh", "log_loss")
    bodies = [op for op in plan_of(layer).operations if isinstance(op, ComputeLayerwise)]
    assert any(isinstance(part, ComputeExtreme) for part in bodies[0].body)
    assert Largest(M, I).axes == (B,)


# -- arrays as they lie --------------------------------------------------------------------------


@pytest.mark.parametrize("axes", [(), (B,), (H,), (B, I), (I, B), (H, O), (O, H), (B, I, H)])
def test_lying_and_named_are_inverse(axes):
    sizes = {B: 2, I: 3, H: 4, O: 5}
    symbol = Symbol("x", axes)
    array = np.random.default_rng(0).normal(size=[sizes[axis] for axis in axes])
    there = as_matrix(array, symbol)
    assert there.ndim == 2 or len(axes) > 2
    np.testing.assert_array_equal(named_array(there, symbol), array)


def test_a_vector_lies_along_its_kind():
    assert as_matrix(np.ones(3), Symbol("b", (H,))).shape == (1, 3)
    assert as_matrix(np.ones(3), Symbol("w", (B,))).shape == (3, 1)
    assert as_matrix(np.ones((5, 4)), Symbol("V", (O, H))).shape == (5, 4)
    assert as_matrix(np.float64(3), Symbol("s")).shape == (1, 1)
