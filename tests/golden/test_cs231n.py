"""Stanford CS231n: the single neuron of its notes, the toy network and Adam of its assignments.

Notes: cs231n.github.io/optimization-2.  Samples in rows.  The assignments draw from NumPy's legacy
generator; penalties there are λ‖W‖² without the half, so that .05 is an ``L2`` of .1 here.
"""

import numpy as np

import chainrule as cr
from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Symbol, product
from chainrule.network.activations import sigmoid
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import differentiate
from chainrule.network.plan import plan
from tests.golden.figures import check
from tests.golden.running import gradients, ready

INPUTS, OUTPUTS = Axis("i", 0), Axis("o", 1)


def test_the_single_neuron() -> None:
    """f = sigmoid(w·x + b) by x and w: the third of the note's three weights is the bias."""
    x, w, b = Symbol("x", (INPUTS,)), Symbol("w", (INPUTS,)), Symbol("b")
    z, f = Symbol("z"), Symbol("f")
    neuron = Formulation(
        equations=(Equation(z, product(x, w, over=[INPUTS]) + b), Equation(f, sigmoid(z))),
        loss=f,
        parameters=(x, w, b),
        inputs=(),
        output=f,
        data_loss=f,
    )
    found = gradients(neuron, {"x": [-1.0, -2.0], "w": [2.0, -3.0], "b": -3.0})
    check(found["x"], ".39322387 -.58983580")
    check(found["w"], "-.19661193 -.39322387")
    check(found["b"], ".19661193")


def test_the_loss_of_the_toy_network() -> None:
    """4-10-3, ReLU, softmax with cross-entropy averaged over 5 samples, penalty .05 ‖W‖²."""
    weights, data = np.random.RandomState(0), np.random.RandomState(1)
    parameters = {
        "W_ih": 0.1 * weights.randn(4, 10),
        "b_ih": np.zeros(10),
        "W_ho": 0.1 * weights.randn(10, 3),
        "b_ho": np.zeros(3),
    }
    X = 10 * data.randn(5, 4)
    Y = np.eye(3)[[0, 1, 2, 2, 1]]
    network = cr.Network.dense([4, 10, 3], ["relu", "softmax"], "log_loss", penalty=cr.L2(0.1))
    loss, _ = cr.loss_and_gradients(network, parameters, X, Y, backend="reference")
    check(loss, "1.30378789133")


def test_one_step_of_adam() -> None:
    """The sixth step (t = 5, incremented before use), its gradient given: Loss = Σ w ⊙ dw."""
    w, dw = Symbol("w", (INPUTS, OUTPUTS)), Symbol("dw", (INPUTS, OUTPUTS))
    loss = Symbol("Loss")
    linear = Formulation(
        equations=(Equation(loss, product(w, dw, over=[INPUTS, OUTPUTS])),),
        loss=loss,
        parameters=(w,),
        inputs=(dw,),
        output=loss,
        data_loss=loss,
    )
    adam = cr.Adam(learning_rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-8)
    spans = {"w": (-0.4, 0.6), "dw": (-0.6, 0.4), "m_w": (0.6, 0.9), "v_w": (0.7, 0.5)}
    arrays = {name: np.linspace(*span, 20).reshape(4, 5) for name, span in spans.items()}
    run = ready(plan(differentiate(linear), adam), {**arrays, **adam.constants, "t": 6})
    run.all()
    check(run.values["w"][0, 0], "-.40094747")
