"""The expression in the README of micrograd, at a = −4, b = 2."""

from chainrule.formulas.differentiate import pull_back
from chainrule.formulas.evaluate import evaluate
from chainrule.formulas.expressions import ONE, Symbol
from chainrule.network.activations import relu
from examples.published.example import Example
from examples.published.figures import Figure, row

AT = {"a": -4.0, "b": 2.0}


def the_value_and_its_derivatives() -> list[Figure]:
    """Its value, and its derivatives by a and b."""
    a, b = Symbol("a"), Symbol("b")
    # As the README has it, line by line.
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + relu(b + a)
    d += 3 * d + relu(b - a)
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    found, _ = pull_back(g, g, ONE, [a, b])
    return [
        *row("g", evaluate(g, AT), "24.70408163"),
        *row(["∂g/∂a"], evaluate(found[a], AT), "138.83381924"),
        *row(["∂g/∂b"], evaluate(found[b], AT), "645.57725948"),
    ]


EXAMPLE = Example(
    name="micrograd",
    title="micrograd: the expression of its README",
    source="Andrej Karpathy, micrograd",
    link="https://github.com/karpathy/micrograd",
    story="Scalars only, no network. Every intermediate is used in several places, so what is "
    "tested is that contributions add up.",
    conventions=("a = −4, b = 2.", "The expression is that of the README, line by line."),
    parts=(the_value_and_its_derivatives,),
)
