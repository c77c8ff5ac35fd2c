"""Fusion: what runs together, what is kept, and that parameters are read before they change."""

import cProfile
from dataclasses import replace

import numpy as np
import pytest

import chainrule as cr
from chainrule.formulas.axes import SAMPLES_POSITION, Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Symbol, mean, product, square_root, total
from chainrule.formulas.functions import tanh
from chainrule.kernels.plan_cache import training_plan
from chainrule.kernels.reference import Execution, as_matrix
from chainrule.kernels.runner import Runner
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import differentiate
from chainrule.plans.fusion.fuse import checked, fuse
from chainrule.plans.fusion.step_plan import StepPlan
from chainrule.plans.plan import plan


def fused(network, optimizer):
    whole = training_plan(network, optimizer)
    return fuse(whole, [whole.loss, whole.data_loss])


def test_what_runs_together_in_a_step():
    network = cr.Network.dense([2, 3, 1])
    kernels = fused(network, cr.SGD(0.1)).kernels
    forward = kernels[0]
    assert str(forward.bias) == "b_ih"
    assert forward.stored == ["A_h"]
    backward = next(k for k in kernels if "δ_h" in k.makes)
    assert backward.makes == {"∂Loss/∂A_h", "δ_h"}
    assert backward.stored == ["δ_h"]


@pytest.mark.parametrize("optimizer", [cr.SGD(0.1), cr.Adam(0.1), cr.SGD(0.1, momentum=0.9)])
def test_a_gradient_that_only_its_update_reads_is_never_kept(optimizer):
    for kernel in fused(cr.Network.dense([4, 5, 6, 3], penalty=cr.L2(0.1)), optimizer).kernels:
        assert not [name for name in kernel.stored if name.startswith("∂Loss/∂W")]
        if kernel.updates:
            assert kernel.producer is not None


def test_an_update_before_a_reader_is_refused():
    good = fused(cr.Network.dense([4, 5, 3]), cr.SGD(0.1))
    checked(good)
    reader = next(k for k in good.kernels if "δ_h" in k.makes)
    update = next(k for k in good.kernels if "W_ho" in k.updates)
    order = [k for k in good.kernels if k is not update]
    order.insert(order.index(reader), update)
    with pytest.raises(AssertionError, match="W_ho changed before"):
        checked(replace(good, kernels=tuple(order)))


def test_softmax_and_its_loss_share_what_both_compute():
    kernels = fused(cr.Network.dense([4, 3], loss="log_loss"), cr.SGD(0.1)).kernels
    exponentials = [k for k in kernels if "e^" in str(k)]
    assert len(exponentials) == 1


def test_the_printed_plan_says_kernels_operations_and_bytes():
    plan = cr.derive(cr.Network.dense([4, 16, 3]), optimizer="sgd").plan()
    lines = str(plan).splitlines()
    # 2·4·16 for X W, 16 for b and 16 for σ; X and A_h, then W_ih and b_ih, four bytes each.
    assert lines[0] == "kernel 1: 160 B operations, 80 B + 320 bytes"
    assert lines[1:3] == ["  Z_h = X W_ih + b_ih", "  A_h = sigmoid(Z_h)"]
    assert lines[-1].startswith("total:")
    numbers = plan.to_text(batch_size=32, dtype="float64").splitlines()
    assert numbers[0] == "kernel 1: 5,120 operations, 5,760 bytes"


def test_every_operation_of_the_plan_is_in_the_printed_kernels():
    plan = cr.derive(cr.Network.dense([4, 16, 3], loss="log_loss"), optimizer="adam").plan()
    text = str(plan)
    for operation in plan.operations.operations:
        if operation.stage == "update" or operation.target.startswith(("δ", "A_")):
            assert f"  {operation.target} " in text


def test_a_plan_without_kernels_says_what_runs_it():
    samples, units, inner = Axis("B", SAMPLES_POSITION), Axis("u", 0), Axis("v", 1)
    cube, Y = Symbol("T", (samples, units, inner)), Symbol("Y", (samples, units))
    W, A, loss = Symbol("W", (inner,)), Symbol("A", (samples, units)), Symbol("Loss")
    equations = (
        Equation(A, product(cube, W, over=[inner])),
        Equation(loss, mean(total((Y - A) ** 2, units), samples)),
    )
    formulation = Formulation(equations, loss, (W,), (cube, Y), A, loss)
    text = StepPlan(plan(differentiate(formulation)), {units: 2, inner: 3}).to_text()
    assert "run by the NumPy reference" in text


def residual_block():
    """a₁ = x W, normalized over its units, then tanh, added to x: formulas only."""
    samples, units = Axis("B", SAMPLES_POSITION), Axis("u", 0)
    inner = Axis("v", 1)
    X, Y = Symbol("X", (samples, units)), Symbol("Y", (samples, units))
    W, V = Symbol("W", (units, inner)), Symbol("V", (inner, units))
    gain, shift = Symbol("g", (inner,)), Symbol("s", (inner,))
    S, M, D = Symbol("S", (samples, inner)), Symbol("M", (samples,)), Symbol("D", (samples, inner))
    Q, H, A = Symbol("Q", (samples,)), Symbol("H", (samples, inner)), Symbol("A", (samples, units))
    loss = Symbol("Loss")
    equations = (
        Equation(S, product(X, W, over=[units])),
        Equation(M, mean(S, inner)),
        Equation(D, S - M),
        Equation(Q, mean(D**2, inner)),
        Equation(H, tanh(gain * D / square_root(Q + 0.001) + shift)),
        Equation(A, X + product(H, V, over=[inner])),
        Equation(loss, mean(total((A - Y) ** 2, units), samples)),
    )
    return Formulation(equations, loss, (W, V, gain, shift), (X, Y), A, loss)


@pytest.mark.parametrize("width", [2, 24])
def test_a_residual_block_with_layer_normalization_trains_in_the_core(width):
    whole = plan(differentiate(residual_block()), cr.SGD(0.05))
    random = np.random.default_rng(0)
    values = {
        "W": random.normal(size=(5, width)),
        "V": random.normal(size=(width, 5)) / width,
        "g": np.ones(width),
        "s": np.zeros(width),
        "α": 0.05,
    }
    data = {"X": random.normal(size=(33, 5)), "Y": random.normal(size=(33, 5))}
    runner = Runner(whole, [whole.loss], values, data, np.float64, 33)
    reference = Execution(whole)
    reference.give({**{k: np.array(v) for k, v in values.items()}, **data})
    for _ in range(20):
        assert runner.step(0, 33)
        reference.all()
        assert abs(runner.scalar("Loss") - reference.scalar("Loss")) <= 1e-12
    for symbol in whole.formulation.parameters:
        found = np.zeros(np.shape(values[symbol.name]))
        runner.read_parameter(symbol.name, found)
        expected = reference.values[symbol.name]
        assert np.abs(as_matrix(found, symbol) - expected).max() <= 1e-11


def test_the_work_of_a_first_fit_grows_as_the_depth():
    """Calls are counted, not seconds: the same on every machine."""

    def calls(depth):
        network = cr.Network.dense([3, *[2] * depth, 1])
        profile = cProfile.Profile()
        profile.runcall(lambda: fused(network, cr.Adam(0.1)))
        return sum(entry.callcount for entry in profile.getstats())

    calls(2)  # what is computed once in a process
    shallow, deep = calls(40), calls(80)
    assert deep < 2.2 * shallow
