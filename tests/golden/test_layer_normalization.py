"""Layer normalization of one row, the figures of minitorch (minitorch.github.io).

y = γ (x − mean x) / √(var x + ε) + β over the features, the variance divided by their number; the
figures are for ε → 0, so ε = 0 is given.  The upstream gradient g comes in as Loss = Σ g y.  There
is no node, rule or operation of layer normalization: it is a formula.
"""

from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Symbol, mean, power, product, square_root
from chainrule.network.formulation import Formulation
from tests.golden.figures import check
from tests.golden.running import gradients

FEATURES = Axis("k", 0)


def test_the_gradient_of_the_inputs() -> None:
    x, gamma, beta, upstream, centered, y = (
        Symbol(name, (FEATURES,)) for name in ("x", "γ", "β", "g", "c", "y")
    )
    epsilon, scale, loss = Symbol("ε"), Symbol("s"), Symbol("Loss")
    normalization = Formulation(
        equations=(
            Equation(centered, x - mean(x, FEATURES)),
            Equation(scale, power(square_root(mean(centered**2, FEATURES) + epsilon), -1)),
            Equation(y, gamma * centered * scale + beta),
            Equation(loss, product(upstream, y, over=[FEATURES])),
        ),
        loss=loss,
        parameters=(x, gamma, beta),
        inputs=(upstream, epsilon),
        output=y,
        data_loss=loss,
    )
    values = {
        "x": [1.0, 2.0, 3.0, 4.0],
        "γ": [10.0, 20.0, 30.0, 40.0],
        "β": [0.0] * 4,
        "g": [1.0, 0.0, 0.0, 0.0],
        "ε": 0.0,
    }
    check(gradients(normalization, values)["x"], "2.683282 -3.577709 -.894427 1.788854")
