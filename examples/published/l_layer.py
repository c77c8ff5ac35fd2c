"""The backward pass of an L-layer network, from the test of a widely used course assignment."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.formulas.axes import SAMPLES_POSITION, Axis
from chainrule.formulas.differentiate import pull_back
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import ONE, Expression, Size, Symbol, power, product
from chainrule.network import losses
from chainrule.network.activations import relu, sigmoid
from examples.published.example import Example
from examples.published.figures import Figure, row

B, I, H, O = Axis("B", SAMPLES_POSITION), Axis("i", 0), Axis("h", 1), Axis("o", 2)

# In the order in which the assignment draws them.
AL, A1 = Symbol("AL", (O, B)), Symbol("A1", (I, B))
W1, b1, Z1 = Symbol("W1", (H, I)), Symbol("b1", (H,)), Symbol("Z1", (H, B))
A2, W2 = Symbol("A2", (H, B)), Symbol("W2", (O, H))
b2, Z2 = Symbol("b2", (O,)), Symbol("Z2", (O, B))
DRAWN = (AL, A1, W1, b1, Z1, A2, W2, b2, Z2)
LENGTHS = {B: 2, I: 4, H: 3, O: 1}
Y = Symbol("Y", (O, B))


def pulled(tree: Expression, cotangent: Expression, *wanted: Symbol) -> dict[Symbol, Expression]:
    """Carry a cotangent through one formula; its value is known by the formula itself."""
    found, _ = pull_back(tree, tree, cotangent, wanted)
    return found


def gradients() -> dict[str, NDArray[Any]]:
    """Return the gradients, by the symbol they belong to, with that symbol's axes."""
    binary = losses.find("log_loss").form_for(sigmoid.range)
    assert binary is not None
    cost = binary.over(Y, AL, O, power(Size(B), -1), samples=B)
    back = pulled(cost, ONE, AL)
    back |= pulled(sigmoid(Z2), back[AL], Z2)
    back |= pulled(product(W2, A2, over=[H]) + b2, back[Z2], W2, b2, A2)
    back |= pulled(relu(Z1), back[A2], Z1)
    back |= pulled(product(W1, A1, over=[I]) + b1, back[Z1], W1, b1)

    generator = np.random.RandomState(3)
    values = {}
    for symbol in DRAWN:
        shape = [LENGTHS[axis] for axis in symbol.axes]
        # A bias is drawn as a column: the same numbers.
        values[symbol.name] = generator.randn(*shape)
    values["Y"] = np.array([[1.0, 0.0]])
    named = Evaluation(values).measure([*DRAWN, Y])
    return {symbol.name: named.spread(tree, symbol.axes) for symbol, tree in back.items()}


def the_output_layer() -> list[Figure]:
    """Sigmoid and binary cross-entropy, pulled back to W2 and b2."""
    found = gradients()
    return [
        *row("dW2[0,0] dW2[0,1] dW2[0,2]", found["W2"], "-.39202432 -.13325855 -.04601089"),
        *row("db2", found["b2"], ".15187861"),
    ]


def the_hidden_layer() -> list[Figure]:
    """ReLU, pulled back to the first row of W1 and to b1; the second unit is off."""
    found = gradients()
    names = "dW1[0,0] dW1[0,1] dW1[0,2] dW1[0,3]"
    return [
        *row(names, found["W1"][0], ".41010002 .07807203 .13798444 .10502167"),
        *row("db1[0] db1[1] db1[2]", found["b1"], "-.22007063 0 -.02835349"),
    ]


EXAMPLE = Example(
    name="l-layer",
    title="A course assignment: pullbacks of an L-layer network",
    source="the test of `L_model_backward` in a widely used deep learning course",
    link="https://www.coursera.org/specializations/deep-learning",
    story="The assignment's cached values are drawn at random and do not belong to one forward "
    "pass: A2 is not ReLU(Z1), AL is not sigmoid(Z2). So each formula is pulled back by itself, at "
    "the cached values, and the slope of an activation is taken from its Z. A test of "
    "differentiation alone.",
    conventions=(
        "Columns are samples (two of them); W is (outputs, inputs).",
        "ReLU, then sigmoid with binary cross-entropy, averaged over the samples; Y = 1, 0.",
        "NumPy's legacy generator, seed 3, in the order AL, A1, W1, b1, Z1, A2, W2, b2, Z2. The "
        "hidden layer's output is called A2 there, the inputs A1.",
    ),
    parts=(the_output_layer, the_hidden_layer),
)
