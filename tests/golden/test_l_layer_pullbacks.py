"""The backward pass of an L-layer network, from the test of a widely used course assignment.

Columns are samples (two of them); ReLU, then sigmoid with binary cross-entropy, averaged over the
samples.  The assignment's cached values are drawn at random (NumPy's legacy generator, seed 3) and
do not belong to one forward pass: A2 is not ReLU(Z1), AL is not sigmoid(Z2).  So each formula is
pulled back by itself, at the cached values, and the slope of an activation is taken from its Z.
The hidden layer's output is called A2 there, the inputs A1.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from chainrule.formulas.axes import SAMPLES_POSITION, Axis
from chainrule.formulas.differentiate import pull_back
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import ONE, Expression, Size, Symbol, power, product
from chainrule.network import losses
from chainrule.network.activations import relu, sigmoid
from tests.golden.figures import check

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


@pytest.fixture(scope="module")
def found() -> dict[str, NDArray[np.float64]]:
    """The gradients, by the symbol they belong to, with that symbol's axes."""
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


def test_the_output_layer(found: dict[str, NDArray[np.float64]]) -> None:
    check(found["W2"], "-.39202432 -.13325855 -.04601089")
    check(found["b2"], ".15187861")


def test_the_hidden_layer(found: dict[str, NDArray[np.float64]]) -> None:
    check(found["W1"][0], ".41010002 .07807203 .13798444 .10502167")
    check(found["b1"], "-.22007063 0 -.02835349")
