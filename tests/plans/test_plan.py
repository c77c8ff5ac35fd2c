"""The Plan: computable in its order, nothing too much, nothing twice, updates last."""

import numpy as np
import pytest

from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Symbol, product, total
from chainrule.formulas.functions import log, tanh
from chainrule.kernels.reference import Execution
from chainrule.network.activations import softmax
from chainrule.network.architecture import Network
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import differentiate
from chainrule.network.optimizers import SGD, Adam, RMSprop
from chainrule.network.penalties import L1, L2
from chainrule.plans.operations import ComputeLayerwise, General, MatrixProduct, names_used
from chainrule.plans.plan import Plan, plan

NETWORKS = {
    "no hidden layer": Network.dense([2, 1]),
    "source page": Network.dense([2, 3, 1]),
    "softmax": Network.dense([2, 3, 4], "relu", "log_loss"),
    "softmax, mse": Network.dense([2, 3, 4], ["tanh", "softmax"], "mse"),
    "softmax inside": Network.dense([2, 3, 4, 2], ["softmax", "softmax", "identity"]),
    "deep": Network.dense([2, 3, 4, 5, 2], "gelu", "huber"),
    "penalties": Network.dense([2, 3, 1], penalty=[L2(0.1), L1(0.2)]),
    "shared": Network.dense([2, 3, 1], trainable={"b_ih": "shared", "b_ho": False}),
}
OPTIMIZERS = [None, SGD(0.1), SGD(0.1, 0.9), SGD(0.1, 0.9, nesterov=True), Adam(), RMSprop()]


def plan_of(network: Network, optimizer=None, **options) -> Plan:
    return plan(differentiate(network.formulation(**options)), optimizer)


CASES = pytest.mark.parametrize(
    ("name", "optimizer"),
    [(name, optimizer) for name in NETWORKS for optimizer in OPTIMIZERS],
    ids=lambda value: str(value),
)


@CASES
def test_every_value_is_known_before_it_is_used(name, optimizer):
    made = plan_of(NETWORKS[name], optimizer)
    given = {symbol.name for symbol in (*made.inputs, *made.memory)}
    known = set(given)
    for operation in made.operations:
        assert set(names_used((operation,))) <= known, operation
        if operation.stage != "update":
            assert operation.target not in known, f"computed twice: {operation}"
        known.add(operation.target)
    assert {made.loss, made.data_loss, made.output, *made.gradients.values()} <= known


@CASES
def test_what_is_to_be_given_is_given_and_not_computed(name, optimizer):
    made = plan_of(NETWORKS[name], optimizer)
    computed = {operation.target for operation in made.operations if operation.stage != "update"}
    memory = {symbol.name for symbol in made.memory}
    assert not {symbol.name for symbol in made.inputs} & (computed | memory)
    assert len(made.inputs) == len(set(made.inputs))


@CASES
def test_all_gradients_come_before_the_first_update(name, optimizer):
    made = plan_of(NETWORKS[name], optimizer)
    stages = [operation.stage for operation in made.operations]
    assert stages == sorted(stages, key=["forward", "backward", "update"].index)
    trained = {symbol.name for symbol in made.formulation.parameters}
    assert trained == set(NETWORKS[name].trainable_names)
    assert made.gradients.keys() == trained
    updated = {operation.target for operation in made.operations if operation.stage == "update"}
    kept = {symbol.name for symbol in made.memory}
    assert updated == (trained | kept if optimizer else set())


@CASES
def test_every_operation_serves_a_result(name, optimizer):
    made = plan_of(NETWORKS[name], optimizer)
    results = {made.loss, made.data_loss, made.output, *made.gradients.values()}
    for place, operation in enumerate(made.operations):
        later = set(names_used(made.operations[place + 1 :]))
        assert operation.stage == "update" or operation.target in later | results, operation


@pytest.mark.parametrize("name", NETWORKS)
def test_equal_matrices_are_computed_once(name):
    made = plan_of(NETWORKS[name])
    formulas = [
        (operation.formula_text, operation.sides, type(operation)) for operation in made.operations
    ]
    assert len(formulas) == len(set(formulas)), str(made)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_dense_network_needs_nothing_but_matrices(name):
    made = plan_of(NETWORKS[name])
    assert not any(isinstance(operation, General) for operation in made.operations)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_step_takes_three_matrix_products_a_layer_less_one(depth):
    made = plan_of(Network.dense([3] * (depth + 1), "tanh"))
    products = [op for op in made.operations if isinstance(op, MatrixProduct)]
    # forward, ∂W, and ∂X for all layers but the first
    assert len(products) == 3 * depth - 1
    assert "∂Loss/∂X" not in {operation.target for operation in made.operations}


def test_only_keeps_what_the_wanted_value_needs():
    made = plan_of(NETWORKS["source page"], SGD(0.1))
    one = made.only("∂Loss/∂W_ho")
    targets = [operation.target for operation in one.operations]
    assert targets[-1] == "∂Loss/∂W_ho"
    assert "∂Loss/∂W_ih" not in targets
    assert made.loss not in targets
    assert made.only().operations == ()
    assert made.only(made.output, made.loss).operations == made.only(made.loss).operations


@pytest.mark.parametrize("name", NETWORKS)
def test_the_forward_part_predicts_and_asks_for_no_targets(name):
    network = NETWORKS[name]
    forward = plan_of(network, Adam()).forward()
    assert {operation.stage for operation in forward.operations} == {"forward"}
    assert network.names.target not in set(names_used(forward.operations))
    run = Execution(forward)
    rng = np.random.default_rng(0)
    parameters = network.initialize(0)
    run.give({**parameters, "X": rng.normal(size=(5, network.layers[0]))})
    run.all()
    assert run.values[forward.output].shape == (5, network.layers[-1])


def test_the_plan_reads_like_the_derivation():
    made = plan_of(Network.dense([2, 3, 1], "sigmoid"), SGD(0.1))
    lines = str(made).splitlines()
    assert [line for line in lines if line.endswith(":")] == ["forward:", "backward:", "update:"]
    for line in (
        "  A_h = sigmoid(Z_h)",
        "  δ_h = ∂Loss/∂A_h ⊙ A_h ⊙ (1 − A_h)",
        "  ∂Loss/∂W_ih = Xᵀ δ_h",
        "  ∂Loss/∂b_ih = 1ᵀ δ_h",
        "  ∂Loss/∂A_h = δ_o W_hoᵀ",
        "  W_ih ← W_ih − α ∂Loss/∂W_ih",
        "  b_ho ← b_ho − α ∂Loss/∂b_ho",
    ):
        assert line in lines, str(made)


# -- any formulation -----------------------------------------------------------------------------

B, I, H = Axis("B", -1), Axis("i", 0, "n_i"), Axis("h", 1, "n_h")
X, W, b, Y = Symbol("X", (B, I)), Symbol("W", (I, H)), Symbol("b", (H,)), Symbol("Y", (B, H))
A, L = Symbol("A", (B, H)), Symbol("Loss")


def formulation(*equations: Equation, parameters, inputs) -> Formulation:
    return Formulation(tuple(equations), L, tuple(parameters), tuple(inputs), L, L)


def run_plan(made: Plan, values, **more) -> Execution:
    run = Execution(made)
    run.give({**values, **more})
    run.all()
    return run


def test_softmax_may_be_applied_to_a_whole_formula():
    stated = formulation(
        Equation(A, softmax(product(X, W, over=[I]) + b)),
        Equation(L, -total(Y * log(A), B, H)),
        parameters=[W, b],
        inputs=[X, Y],
    )
    rng = np.random.default_rng(0)
    x, w, c = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
    y = rng.dirichlet(np.ones(4), 2)
    run = run_plan(plan(differentiate(stated)), {"X": x, "W": w, "b": c, "Y": y})
    z = x @ w + c
    logs = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    assert float(run.scalar("Loss")) == pytest.approx(-np.sum(y * logs), rel=1e-13)
    np.testing.assert_allclose(run.values["∂Loss/∂W"], x.T @ (np.exp(logs) - y), rtol=1e-10)


def test_no_name_inside_a_function_of_a_layer_is_a_name_outside():
    made = plan_of(NETWORKS["softmax inside"])
    outside = {operation.target for operation in made.operations}
    bodies = [op.body for op in made.operations if isinstance(op, ComputeLayerwise)]
    assert bodies
    inside = [
        part.target
        for operation in made.operations
        if isinstance(operation, ComputeLayerwise)
        for part in operation.body
        if part.target != operation.target
    ]
    assert len(inside) == len(set(inside))
    assert not outside & set(inside)


def test_a_parameter_that_nothing_depends_on_stays():
    stated = formulation(Equation(L, total(W**2, I, H)), parameters=[W, b], inputs=[])
    values = {"W": np.ones((2, 3)), "b": np.arange(3.0), "α": 0.25}
    run = run_plan(plan(differentiate(stated), SGD(0.25)), values)
    assert run.values["b"].ravel().tolist() == [0, 1, 2]
    assert np.all(run.values["W"] == 0.5)


def test_a_parameter_that_the_loss_is_linear_in_moves():
    s = Symbol("s")
    stated = formulation(Equation(L, s + total(W**2, I, H)), parameters=[W, s], inputs=[])
    made = plan(differentiate(stated), SGD(0.25))
    assert made.gradients.keys() == {"W", "s"}
    run = run_plan(made, {"W": np.ones((2, 3)), "s": 1.0, "α": 0.25})
    assert float(run.scalar("s")) == 0.75


def test_an_equation_that_only_renames_a_value_computes_nothing():
    twin = Symbol("C", (B, H))
    stated = formulation(
        Equation(A, tanh(product(X, W, over=[I]))),
        Equation(twin, A),
        Equation(L, total(twin**2, B, H)),
        parameters=[W],
        inputs=[X],
    )
    made = plan(differentiate(stated))
    assert "C" not in {operation.target for operation in made.operations}
    run = run_plan(made, {"X": np.ones((2, 3)), "W": np.full((3, 4), 0.1)})
    assert float(run.scalar("Loss")) == pytest.approx(8 * np.tanh(0.3) ** 2)


def test_a_parameter_stored_against_the_order_of_its_axes_is_updated_in_its_own_shape():
    turned = Symbol("W", (H, I))
    stated = formulation(
        Equation(A, product(X, turned, over=[I])),
        Equation(L, total(A**2, B, H)),
        parameters=[turned],
        inputs=[X],
    )
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 3)), rng.normal(size=(4, 3))
    start = w.copy()
    run_plan(plan(differentiate(stated), SGD(0.1)), {"X": x, "W": w, "α": 0.1})
    # Updates are written into the array that was given.
    np.testing.assert_allclose(w, start - 0.1 * 2 * (x @ start.T).T @ x, rtol=1e-12)
