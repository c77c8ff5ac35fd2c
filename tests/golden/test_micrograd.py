"""The expression in the README of micrograd (github.com/karpathy/micrograd), at a = −4, b = 2.

Scalars only, no network: ``pull_back`` alone, with the catalogue's ReLU.  Every intermediate of the
README is used in several places, so what is tested is that contributions add up.
"""

from chainrule.formulas.differentiate import pull_back
from chainrule.formulas.evaluate import evaluate
from chainrule.formulas.expressions import ONE, Symbol
from chainrule.network.activations import relu
from tests.golden.figures import check

AT = {"a": -4.0, "b": 2.0}


def test_the_readme() -> None:
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
    check(evaluate(g, AT), "24.70408163")
    found, _ = pull_back(g, g, ONE, [a, b])
    check(evaluate(found[a], AT), "138.83381924")
    check(evaluate(found[b], AT), "645.57725948")
