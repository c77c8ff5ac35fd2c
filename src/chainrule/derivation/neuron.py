"""One output neuron in scalars: the chain rule cut into its factors, before any index or matrix."""

from collections.abc import Iterator

from chainrule.documents.elements import Equal, Scalar, Statement
from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import Equation, derivative
from chainrule.formulas.expressions import Expression, Size, Symbol, add, power, substitute
from chainrule.network import losses
from chainrule.network.architecture import Network
from chainrule.network.formulation import Formulation
from chainrule.network.loss_equations import DATA_LOSS, LOSS

_X, _W, _B, _Z, _A, _Y = map(Symbol, "xwbzay")


def neuron(network: Network) -> Formulation | None:
    """Return one output neuron with one of its weights, all scalars: z = x w + b, a = f(z).

    ``x`` is what comes in through the weight ``w``; the loss is this neuron's share.  None where
    the outputs are coupled (softmax): one output alone has no slope of its own.

    >>> for equation in neuron(Network.dense([2, 3, 1])).equations:
    ...     print(equation.left, "=", equation.right)
    z = x w + b
    a = sigmoid(z)
    Loss = (1/n)(y − a)²
    """
    activation = network.activations[-1]
    if not activation.elementwise:
        return None
    share: Expression = substitute(network.form.value, {losses.y: _Y, losses.a: _A})
    if network.form.averaged:
        share = power(Size(_outputs(network)), -1) * share
    equations = [Equation(_Z, _X * _W + _B), Equation(_A, activation(_Z))]
    if network.penalties:
        added = [penalty.of(_W) for penalty in network.penalties]
        equations += [Equation(DATA_LOSS, share), Equation(LOSS, add(DATA_LOSS, *added))]
    else:
        equations.append(Equation(LOSS, share))
    return Formulation(
        equations=tuple(equations),
        loss=LOSS,
        parameters=(_W, _B, _X),
        inputs=(_Y, *(penalty.symbol for penalty in network.penalties)),
        output=_A,
        data_loss=DATA_LOSS if network.penalties else LOSS,
        deltas=frozenset({_Z}),
    )


def _outputs(network: Network) -> Axis:
    return network.axes[-1]


def factors(network: Network) -> Iterator[Statement]:
    """Yield the two inner factors of the chain, ∂a/∂z and ∂z/∂w, each by itself."""
    slope = network.activations[-1].slope
    assert slope is not None, "elementwise functions only"
    yield _factor("∂a/∂z", slope, "reason_slope_of_activation")
    yield _factor("∂z/∂w", derivative(_X * _W + _B, _W), "reason_factor_alone")


def _factor(name: str, right: Expression, reason: str) -> Statement:
    equal = Equal(Scalar(right), reason, right)
    return Statement(Symbol(name), (equal,), True, part="neuron", stage="backward")
