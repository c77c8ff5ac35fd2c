"""Layer normalization of one row, the figures of minitorch."""

from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Symbol, mean, power, product, square_root
from chainrule.network.formulation import Formulation
from examples.published.example import Example
from examples.published.figures import Figure, row
from examples.published.running import gradients

FEATURES = Axis("k", 0)


def the_gradient_of_the_inputs() -> list[Figure]:
    """Four features; the upstream gradient 1, 0, 0, 0 comes in as Loss = Σ g y."""
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
    found = gradients(normalization, values)["x"]
    return row("dx[0] dx[1] dx[2] dx[3]", found, "2.683282 -3.577709 -.894427 1.788854")


EXAMPLE = Example(
    name="minitorch",
    title="minitorch: layer normalization",
    source="minitorch, a teaching library of Cornell Tech",
    link="https://minitorch.github.io/",
    story="There is no node, rule or operation of layer normalization in chainrule: it is a "
    "formula, y = γ (x − mean x) / √(var x + ε) + β, and the gradient follows.",
    conventions=(
        "x = 1, 2, 3, 4; γ = 10, 20, 30, 40; β = 0; the upstream gradient is 1, 0, 0, 0.",
        "The variance is divided by the number of features. The figures are for ε → 0: ε = 0 is "
        "given.",
    ),
    parts=(the_gradient_of_the_inputs,),
)
