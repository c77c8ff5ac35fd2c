"""Mutated lines of derivations: none that is called right differs on a fresh network in PyTorch.

Lines of every activation and loss, in both layouts, with one or two random changes.  The marking is
correct if each changed line that it calls right has, on random networks of other sizes and
magnitudes, the value that PyTorch's autograd gives.  Trees are evaluated here by a few lines of
NumPy, apart from the evaluator of the marking.
"""

import random

import numpy as np
import pytest
from scipy import special

from chainrule.formulas.render import TEXT
from chainrule.marking.check_line import check_line
from chainrule.marking.evaluator import Computation
from chainrule.marking.examples import Example
from chainrule.marking.marking_contexts import MarkingContext
from chainrule.marking.parser import parse
from chainrule.marking.quantities import Role
from chainrule.marking.syntax import (
    Binary,
    Call,
    Comparison,
    Constant,
    Name,
    Negative,
    PartialDerivative,
    Raised,
    Reduction,
    Transposed,
    Vector,
    nodes,
    replaced,
    written,
)
from chainrule.marking.vocabulary import Vocabulary
from chainrule.network import activations, losses
from chainrule.network.architecture import Network
from tests.catalogue import oracles
from tests.marking.test_generated import lines_of

CLASSES = ["softmax"]
CASES = [
    *((name, "identity", "mse") for name in activations.CATALOGUE if name not in CLASSES),
    *(("tanh", name, "half_mse") for name in activations.CATALOGUE if name not in CLASSES),
    *(("sigmoid", "identity", name) for name in ("mae", "huber", "quantile")),
    ("sigmoid", "sigmoid", "log_loss"),
    ("tanh", "softmax", "log_loss"),
    ("softplus", "exponential", "poisson"),
    ("relu", "exponential", "gamma"),
]
MODES = [(layout, batch) for layout in ("rows", "columns") for batch in (True, False)]
LENGTHS = ((5, 7, 4, 6), (4, 3, 6, 9))
"""Samples, inputs, hidden units and outputs of the fresh networks."""
MAGNITUDES = (0.4, 1.0, 2.5)
NUMBERS = {
    **{"e": np.e, "π": np.pi, "λ_s": oracles.SELU_SCALE},
    "α_s": oracles.SELU_ALPHA,
}


# -- the truth, by PyTorch -------------------------------------------------------------------------


def fresh_values(case, layout, batch, number):
    """Return the values of a random network by the names of the quantities, as matrices."""
    import torch

    hidden, last, loss = case
    samples, inputs, units, results = LENGTHS[number % 2]
    samples = samples if batch else 1
    size = MAGNITUDES[number % 3] if "exponential" not in case else 0.4
    generator = np.random.default_rng(number)

    def drawn(*shape):
        value = size * generator.normal(size=shape)
        return torch.tensor(value, dtype=torch.float64, requires_grad=True)

    x, alpha = drawn(samples, inputs), float(generator.uniform(0.01, 1))
    parameters = {
        **{"W_ih": drawn(inputs, units), "b_ih": drawn(1, units)},
        **{"W_ho": drawn(units, results), "b_ho": drawn(1, results)},
    }
    names = oracles.torch_activations()
    z_h = x @ parameters["W_ih"] + parameters["b_ih"]
    a_h = names[hidden](z_h)
    z_o = a_h @ parameters["W_ho"] + parameters["b_ho"]
    a_o = names[last](z_o)
    y = torch.tensor(targets_of(loss, last, a_o.detach().numpy(), generator))
    total = loss_of(loss, last, z_o, a_o, y)
    values = {"X": x, "z_h": z_h, "a_h": a_h, "z_o": z_o, "a_o": a_o, **parameters}
    slopes = torch.autograd.grad(total, list(values.values()))
    slopes = dict(zip(values, slopes, strict=True))
    found = {name: value.detach().numpy() for name, value in values.items()}
    found |= {f"{name}_new": found[name] - alpha * slopes[name].numpy() for name in parameters}
    found |= {f"∂Loss/∂{name}": slope.numpy() for name, slope in slopes.items()}
    found["δ_h"], found["δ_o"] = found["∂Loss/∂z_h"], found["∂Loss/∂z_o"]
    found["Y"] = y.numpy()
    if layout == "columns":
        found = {name: value.T for name, value in found.items()}
    counts = {"α": alpha, "n": results, "B": samples, "Loss": total.item(), **NUMBERS}
    return found | {name: np.asarray(float(value)) for name, value in counts.items()}


def targets_of(loss, last, outputs, generator):
    if last == "softmax":
        return generator.dirichlet(np.ones(outputs.shape[1]), outputs.shape[0])
    if loss == "log_loss":
        return generator.uniform(size=outputs.shape)
    if loss in ("poisson", "gamma"):
        return generator.exponential(size=outputs.shape)
    return outputs + 2 * generator.normal(size=outputs.shape)


def loss_of(loss, last, z, a, y):
    import torch

    if last == "softmax":
        return -(y * torch.log(a)).sum(1).mean()
    if loss == "log_loss":
        return torch.nn.functional.binary_cross_entropy(a, y, reduction="none").sum(1).mean()
    settings = losses.CATALOGUE[loss]().settings
    return oracles.torch_losses()[loss](z, a, y, last, **settings).mean()


# -- the value of a line, apart from the package ---------------------------------------------------


class Ones:
    """Ones of a length that the other factor determines, times a number."""

    def __init__(self, scale, row):
        self.scale, self.row = scale, row


FUNCTIONS = {
    **{"exp": np.exp, "log": np.log, "tanh": np.tanh, "sqrt": np.sqrt, "abs": np.abs},
    **{"sign": np.sign, "square": np.square, "maximum": np.maximum, "minimum": np.minimum},
    **{"erf": special.erf, "expm1": np.expm1, "log1p": np.log1p},
    "where": lambda condition, one, other: np.where(condition != 0, one, other),
}
COMPARISONS = {">": np.greater, "<": np.less, ">=": np.greater_equal, "<=": np.less_equal}


def value_of(tree, values, layout):
    """Return the value of a tree; ``ValueError`` and ``KeyError`` where it has none."""

    def value(part):
        return value_of(part, values, layout)

    match tree:
        case Constant():
            return np.asarray(tree.value)
        case Name():
            return values[str(tree.quantity)]
        case Vector():
            return Ones(1.0, tree.row)
        case Negative():
            inside = value(tree.operand)
            return Ones(-inside.scale, inside.row) if isinstance(inside, Ones) else -inside
        case Transposed():
            inside = value(tree.operand)
            return Ones(inside.scale, not inside.row) if isinstance(inside, Ones) else inside.T
        case Raised():
            return value(tree.base) ** value(tree.exponent)
        case Comparison():
            return COMPARISONS[tree.sign](value(tree.left), value(tree.right)).astype(float)
        case Call() if tree.function in FUNCTIONS and not tree.derivative:
            return FUNCTIONS[tree.function](*map(value, tree.arguments))
        case Call():
            return applied(tree, value(tree.arguments[0]), layout)
        case Reduction():
            inside, samples = value(tree.operand), 0 if layout == "rows" else 1
            axis = {"samples": samples, "units": 1 - samples}.get(tree.axis, tree.axis)
            axis = axis if inside.ndim else None
            reduce = np.mean if tree.mean else np.sum
            return reduce(inside, axis=axis, keepdims=tree.keepdims and axis is not None)
        case Binary():
            return combined(tree.operation, value(tree.left), value(tree.right))
    raise KeyError(type(tree).__name__)


def applied(tree, argument, layout):
    """Return an activation by SciPy; its derivative by PyTorch."""
    flipped = layout == "columns" and tree.function == "softmax"
    if not tree.derivative:
        function = oracles.SCIPY_ACTIVATIONS[tree.function]
        return function(argument.T).T if flipped else function(argument)
    import torch

    z = torch.tensor(argument, requires_grad=True)
    oracles.torch_activations()[tree.function](z).sum().backward()
    return z.grad.numpy()


def combined(operation, left, right):
    if isinstance(left, Ones) or isinstance(right, Ones):
        if isinstance(left, Ones) and isinstance(right, Ones):
            raise ValueError("ones times ones")
        ones, other = (left, right) if isinstance(left, Ones) else (right, left)
        if np.ndim(other) == 0:
            return Ones(
                ones.scale / other if operation == "divide" else ones.scale * other, ones.row
            )
        return ones.scale * np.sum(other, axis=0 if ones is left else 1, keepdims=True)
    match operation:
        case "add":
            return left + right
        case "subtract":
            return left - right
        case "divide":
            return left / right
        case "entrywise":
            return left * right
        case "matrix":
            return left @ right
    if left.ndim and right.ndim and left.shape[-1] == right.shape[0]:
        return left @ right
    if left.ndim and right.ndim and left.shape != right.shape:
        raise ValueError("no product")
    return left * right


def agrees(tree, target, case, layout, batch):
    """Return whether a tree has the true value on every fresh network."""
    for number in range(6):
        values = fresh_values(case, layout, batch, number)
        with np.errstate(all="ignore"):
            found = np.asarray(value_of(tree, values, layout))
        truth = values[target]
        if found.shape != truth.shape or not np.all(np.isfinite(truth)):
            return found.size == truth.size == 1 and np.allclose(found.ravel(), truth.ravel())
        if not np.allclose(found, truth, rtol=1e-6, atol=1e-8 * np.max(np.abs(truth))):
            return False
    return True


# -- mutations -------------------------------------------------------------------------------------


def mutated(tree, names, generator):
    """Return the tree with one random change."""
    node = generator.choice([n for n in nodes(tree) if not isinstance(n, Vector)] or [tree])
    choices = [Negative(node), Binary("product", Constant(2.0, "2"), node)]
    match node:
        case Transposed():
            choices = [node.operand]
        case Binary(operation="add" | "subtract"):
            other = "subtract" if node.operation == "add" else "add"
            choices = [Binary(other, node.left, node.right), node.left, node.right]
        case Binary(operation="divide"):
            choices = [node.left, Binary("divide", node.right, node.left)]
        case Binary():
            swapped = Binary(node.operation, node.right, node.left)
            other = "entrywise" if node.operation == "matrix" else "matrix"
            choices = [swapped, Binary(other, node.left, node.right), node.left, node.right]
        case Raised():
            choices = [node.base]
        case Constant():
            choices = [Constant(each, f"{each:g}") for each in (2.0, 3.0, 0.5, 1.0)]
        case Name():
            others = [q for q in names.spellings.values() if q.role is node.quantity.role]
            others += [q for q in names.spellings.values() if q.role is not Role.UPDATED_WEIGHT]
            quantity = generator.choice(others)
            choices = [Name(quantity, str(quantity)), Transposed(node), Negative(node)]
        case Comparison():
            choices = [Comparison("<=" if node.sign == ">" else ">", node.left, node.right)]
        case Call(function="where", arguments=(condition, one, other)):
            choices = [one, other, Call("where", (condition, other, one))]
        case Call():
            choices += list(node.arguments)
        case Reduction():
            choices = [node.operand, Reduction(node.operand, 0), Reduction(node.operand, 1)]
    return replaced(tree, node, generator.choice(choices))


def lines_to_mutate(case, layout, batch):
    """Return (left side, tree) of the lines of a derivation that are not chains of derivatives."""
    hidden, last, loss = case
    network = Network.dense([2, 3, 2], [hidden, last], loss)
    names, context = Vocabulary(network), MarkingContext(network, layout, batch)
    computation = Computation(Example(context, context.distinct_lengths(0), 0).values)
    found = []
    for line in lines_of(network, layout, batch, TEXT):
        (equation,) = parse(line, names)
        tree = equation.rights[0]
        if not any(isinstance(node, PartialDerivative) for node in nodes(tree)):
            left = line.split(" = ")[0].split(" ← ")[0]
            found.append((left, computation.with_explicit_products(tree)))
    return network, names, found


@pytest.mark.parametrize(
    "count", [200, pytest.param(5000, marks=pytest.mark.long)], ids=["short", "long"]
)
def test_no_mutated_line_that_is_called_right_differs_in_pytorch(count):
    pytest.importorskip("torch")
    generator = random.Random(count)
    known = {}
    right = wrong = 0
    while right + wrong < count:
        case, mode = generator.choice(CASES), generator.choice(MODES)
        if (case, mode) not in known:
            known[case, mode] = lines_to_mutate(case, *mode)
        network, names, lines = known[case, mode]
        left, tree = generator.choice(lines)
        for _ in range(generator.choice([0, 1, 1, 1, 2])):
            tree = mutated(tree, names, generator)
        line = f"{left} = {written(tree, 'mathematics')}"
        layout, batch = mode
        try:
            verdict = check_line(network, line, layout=layout, batch=batch)
        except ValueError:
            continue  # refused
        if not verdict.correct:
            wrong += 1
            continue
        (equation,) = parse(line, names)
        quantity = equation.left.quantity
        target = str(quantity.updated if quantity.is_parameter else quantity)
        right += 1
        assert agrees(equation.rights[0], target, case, layout, batch), (case, mode, line)
    assert right > count / 10
    assert wrong > count / 3
