"""Stanford CS231n: the single neuron of its notes, the toy network and Adam of its assignments."""

import numpy as np

import chainrule as cr
from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Symbol, product
from chainrule.network.activations import sigmoid
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import differentiate
from chainrule.plans.plan import plan
from examples.published.example import Example
from examples.published.figures import Figure, row
from examples.published.running import gradients, ready

INPUTS, OUTPUTS = Axis("i", 0), Axis("o", 1)
NETWORK = cr.Network.dense([4, 10, 3], ["relu", "softmax"], "log_loss", penalty=cr.L2(0.1))


def the_single_neuron() -> list[Figure]:
    """f = sigmoid(w·x + b), differentiated by x and by w; x = −1, −2, w = 2, −3, b = −3.

    In the note the third of three weights is the bias.
    """
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
    return [
        *row("dx[0] dx[1]", found["x"], ".39322387 -.58983580"),
        *row("dw[0] dw[1]", found["w"], "-.19661193 -.39322387"),
        *row("dw[2]", found["b"], ".19661193"),
    ]


def the_loss_of_the_toy_network() -> list[Figure]:
    """4-10-3, ReLU, softmax with cross-entropy averaged over 5 samples, penalty .05 ‖W‖².

    Weights are .1·randn from seed 0 (first 4×10, then 10×3), inputs 10·randn(5, 4) from seed 1,
    classes 0, 1, 2, 2, 1.
    """
    weights, data = np.random.RandomState(0), np.random.RandomState(1)
    parameters = {
        "W_ih": 0.1 * weights.randn(4, 10),
        "b_ih": np.zeros(10),
        "W_ho": 0.1 * weights.randn(10, 3),
        "b_ho": np.zeros(3),
    }
    X = 10 * data.randn(5, 4)
    Y = np.eye(3)[[0, 1, 2, 2, 1]]
    loss, _ = cr.loss_and_gradients(NETWORK, parameters, X, Y, backend="reference")
    return row("loss", loss, "1.30378789133")


def a_step_of_the_optimizer() -> list[Figure]:
    """The sixth step (t = 5, incremented first) of the assignment's `adam`, given its gradient.

    w, dw, m and v are linspaces of 20 points as (4, 5): from −.4 to .6, −.6 to .4, .6 to .9 and
    .7 to .5; learning rate .01, β₁ = .9, β₂ = .999, ε = 1e-8.
    """
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
    return row("next_w[0,0]", run.values["w"][0, 0], "-.40094747")


EXAMPLE = Example(
    name="cs231n",
    title="CS231n: a neuron, a toy network, a step of Adam",
    source="Stanford CS231n, notes “Backpropagation, Intuitions” and the assignments on "
    "two-layer networks and update rules",
    link="https://cs231n.github.io/optimization-2/",
    story="The course that made the circuit picture of backpropagation popular: each gate "
    "multiplies the gradient that comes from above by its own slope.",
    conventions=(
        "Samples in rows.",
        "Random numbers come from NumPy's legacy generator.",
        "The assignments' penalty is λ‖W‖² without the half: .05 there is `L2(0.1)` here.",
    ),
    parts=(the_single_neuron, the_loss_of_the_toy_network, a_step_of_the_optimizer),
    network=NETWORK,
)
