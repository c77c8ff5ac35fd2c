"""Generated lines: those of derivations, rewritten into equal forms, and mutated.

Every displayed line must be right as printed, in text and in LaTeX, and in every equal form; every
single mutation must be wrong, with the kind of the mutation.  Mutations without an effect do not
occur: all axes have different lengths, and factors of ones are not removed.
"""

import os
import random

import pytest

from chainrule.derivation.derivation import derive
from chainrule.formulas.render import LATEX, TEXT
from chainrule.marking.check_line import check_line
from chainrule.marking.evaluator import Computation
from chainrule.marking.examples import Example
from chainrule.marking.marking_contexts import MarkingContext
from chainrule.marking.parser import parse
from chainrule.marking.printed_lines import printed_lines
from chainrule.marking.quantities import Role
from chainrule.marking.syntax import (
    Binary,
    Call,
    Constant,
    Name,
    Negative,
    Raised,
    Reduction,
    Transposed,
    Vector,
    children,
    nodes,
    replaced,
    with_children,
    written,
)
from chainrule.marking.vocabulary import Vocabulary
from chainrule.network import activations
from chainrule.network.architecture import Network
from chainrule.network.optimizers import CATALOGUE, SGD, find
from chainrule.network.penalties import L1, L2
from tests.selection import in_turn, sampled

MODES = [(layout, batch) for layout in ("rows", "columns") for batch in (False, True)]


def lines_of(network, layout, batch, style, optimizer="sgd", stages=()):
    """Yield the lines that a derivation displays as matrices, of some stages or of all."""
    derived = derive(network, layout=layout, batch=batch, optimizer=optimizer)
    for statement, line in printed_lines(derived, style):
        if statement.part != "function" and (not stages or statement.stage in stages):
            yield line


# -- as displayed --------------------------------------------------------------------------------

DISPLAYED = [
    *(Network.dense([2, 3, 2], name) for name in activations.CATALOGUE if name != "softmax"),
    Network.dense([2, 3, 3], ["softmax", "softmax"]),
    Network.dense([2, 3, 3], ["relu", "softmax"], "log_loss"),
    Network.dense([2, 3, 4, 2], "tanh", penalty=[L1(0.1), L2(0.1)]),
    Network.dense([3, 2], "sigmoid", "log_loss"),
    Network.dense([2, 3, 1], "softplus", "poisson"),
    Network.dense([2, 3, 1], ["gelu", "exponential"], "gamma"),
    Network.dense([2, 3, 2], "tanh", "huber"),
    Network.dense([2, 3, 2], "tanh", "mae"),
    Network.dense([2, 3, 2], "tanh", "quantile"),
    Network.dense([2, 3, 2], "tanh", "half_mse", trainable={"b_ih": "shared", "W_ho": False}),
]


@pytest.mark.parametrize(("network", "mode"), in_turn(DISPLAYED, MODES, every=3))
def test_every_displayed_line_is_right(network, mode):
    layout, batch = mode
    count = 0
    for style in (TEXT, LATEX):
        for line in lines_of(network, layout, batch, style):
            verdict = check_line(network, line, batch=batch, layout=layout)
            assert verdict.kind == "right", (line, verdict.message())
            count += 1
    assert count >= 20


OPTIMIZERS = [
    SGD(momentum=0.9),
    SGD(momentum=0.9, nesterov=True),
    *map(find, CATALOGUE),
]


@pytest.mark.parametrize(
    ("optimizer", "mode", "layers"), in_turn(OPTIMIZERS, MODES, ([2, 3, 4, 2], [2, 3, 2]), every=3)
)
def test_every_displayed_update_is_right_and_every_change_of_it_wrong(optimizer, mode, layers):
    layout, batch = mode
    network = Network.dense(layers, "tanh")
    names = Vocabulary(network, optimizer)
    context = MarkingContext(network, layout, batch, optimizer)
    computation = Computation(Example(context, context.distinct_lengths(0), 0).values)
    right = wrong = 0
    for style in (TEXT, LATEX):
        for line in lines_of(network, layout, batch, style, optimizer, ("update",)):
            verdict = check_line(network, line, batch=batch, layout=layout, optimizer=optimizer)
            assert verdict.kind == "right", (line, verdict.message())
            right += 1
            if style is LATEX or "_b_" in line:
                continue
            (equation,) = parse(line, names)
            tree = computation.with_explicit_products(equation.rights[0])
            for mutated in changes_of_an_update(tree, computation):
                changed = f"{equation.left.text} = {written(mutated, 'mathematics')}"
                given = {"batch": batch, "layout": layout, "optimizer": optimizer}
                verdict = check_line(network, changed, **given)
                assert not verdict.correct, changed
                wrong += 1
    assert right >= 8
    assert wrong >= 8 if optimizer.memory else wrong >= 4


def changes_of_an_update(tree, computation):
    """Yield the tree with another sign, or without a factor, a root or a square."""
    for node in nodes(tree):
        match node:
            case Binary(operation="add" | "subtract", left=left, right=right):
                other = "subtract" if node.operation == "add" else "add"
                yield replaced(tree, node, Binary(other, left, right))
            case Binary(operation="product" | "entrywise", left=left, right=right):
                for remaining, removed in ((left, right), (right, left)):
                    if shape_of(computation, removed) == ():
                        yield replaced(tree, node, remaining)
            case Raised(base=base) | Call(arguments=(base,)):
                yield replaced(tree, node, base)


# -- rewritten -----------------------------------------------------------------------------------


def random_network(number):
    generator = random.Random(number)
    depth = generator.choice([1, 2, 2, 3])
    layers = [generator.randint(2, 5) for _ in range(depth + 1)]
    names = [generator.choice(["sigmoid", "tanh", "sigmoid"]) for _ in range(depth)]
    return Network.dense(layers, names), *MODES[number % len(MODES)]


def trees_of(network, layout, batch):
    """Yield (left side, tree, computation) of every displayed line without sums and chains."""
    context = MarkingContext(network, layout, batch)
    example = Example(context, context.distinct_lengths(0), 0)
    names = Vocabulary(network)
    for line in lines_of(network, layout, batch, TEXT):
        if "Σ" in line or line.count("∂") > 6 or "× ∂" in line:
            continue
        (equation,) = parse(line, names)
        computation = Computation(example.values)
        tree = computation.with_explicit_products(equation.rights[0])
        yield line.split(" = ")[0].split(" ← ")[0], tree, computation


def shape_of(computation, node):
    try:
        return computation(node).shape
    except Exception:
        return None


ALIASES = {
    "α": ["alpha", "lr", "η", r"\alpha"],
    "Y": ["Y", "y_t", "y"],
    "X": ["X", "x"],
}


def rewritten(tree, computation, names, generator):
    """Return an equal tree: with transposes, exchanged operands, other signs and other names."""
    parts = tuple(rewritten(p, computation, names, generator) for p in children(tree))
    new = with_children(tree, parts) if parts else tree
    chance = generator.random()
    shape = shape_of(computation, tree)
    match new:
        case Binary(operation="matrix", left=left, right=right):
            if chance < 0.4 and not isinstance(left, Vector) and not isinstance(right, Vector):
                return Transposed(Binary("matrix", Transposed(right), Transposed(left)))
        case Binary(operation="entrywise" | "product" | "add", left=left, right=right):
            # Ones without a length have no shape, so they are not exchanged.
            shapes = [shape_of(computation, part) for part in (left, right)]
            commute = () in shapes or new.operation != "product"
            if chance < 0.5 and commute and None not in shapes:
                return Binary(new.operation, right, left)
        case Binary(operation="subtract", left=left, right=right):
            if chance < 0.5:
                return Negative(Binary("subtract", right, left))
        case Name():
            spelled = [w for w, quantity in names.spellings.items() if quantity == new.quantity]
            if chance < 0.5 and spelled:
                choices = ALIASES.get(new.quantity.symbol, spelled)
                new = Name(new.quantity, generator.choice(choices))
            if shape is not None and len(shape) == 2 and chance > 0.85:
                return Transposed(Transposed(new))
    if shape is not None and len(shape) == 2 and generator.random() < 0.05:
        return Negative(Negative(new))
    return new


@pytest.mark.parametrize("number", sampled(range(24), every=4))
def test_every_equal_form_is_right(number):
    network, layout, batch = random_network(number)
    names = Vocabulary(network)
    generator = random.Random(number)
    count = 0
    for left, tree, computation in trees_of(network, layout, batch):
        for notation in ("numpy", "mathematics"):
            if notation == "numpy" and any(isinstance(node, Vector) for node in nodes(tree)):
                continue  # 1ᵀ has no name in NumPy's notation
            equal = rewritten(tree, computation, names, generator)
            line = f"{left} = {written(equal, notation)}"
            verdict = check_line(network, line, batch=batch, layout=layout)
            assert verdict.correct, (line, verdict.message())
            count += 1
    assert count >= 12


# -- mutated -------------------------------------------------------------------------------------


def mutations(left, tree, computation):
    """Yield (allowed kinds of the verdict, mutated tree) for every single mutation."""
    backward = left[0] in "δ∂"
    for node in nodes(tree):
        shape = shape_of(computation, node)
        match node:
            case Transposed():
                yield {"transpose"}, replaced(tree, node, node.operand)
            case Binary(operation="matrix"):
                if not any(isinstance(part, Vector) for part in children(node)):
                    yield {"side"}, replaced(tree, node, Binary("matrix", node.right, node.left))
                    plain = Binary("entrywise", node.left, node.right)
                    if shape_of(computation, plain) is None:
                        yield {"product"}, replaced(tree, node, plain)
            case Binary(operation="entrywise", left=first, right=second):
                for remaining, removed in ((first, second), (second, first)):
                    if backward and is_slope(removed) and shape_of(computation, remaining) == shape:
                        yield {"slope"}, replaced(tree, node, remaining)
            case Binary(operation="product", left=first, right=second):
                if shape_of(computation, first) == () and shape != ():
                    signs = {"sign"} if computation(first) < 0 else set()
                    yield {"factor", "convention"} | signs, replaced(tree, node, second)
            case Binary(operation="add" | "subtract"):
                other = "subtract" if node.operation == "add" else "add"
                flipped = Binary(other, node.left, node.right)
                yield {"sign"}, replaced(tree, node, flipped)
            case Name() if backward and node.quantity.role is Role.WEIGHT:
                new = Name(node.quantity.updated, f"{node.text}_new")
                yield {"sequential"}, replaced(tree, node, new)
    if backward:
        yield {"sign"}, Negative(tree)


def is_slope(node):
    """Return whether a factor is a or 1 − a or 1 − a²: a derivative, or a factor of one."""
    match node:
        case Name():
            return node.quantity.role is Role.ACTIVATION
        case Binary(operation="subtract", left=Constant(value=1.0)):
            return True
    return False


@pytest.mark.slow
def test_every_single_mutation_is_wrong_with_its_kind():
    counted: dict[str, int] = {}
    wrong_kinds = []
    for number in range(24 if os.environ.get("CHAINRULE_SLOW") == "1" else 8):
        network, layout, batch = random_network(number)
        for left, tree, computation in trees_of(network, layout, batch):
            if any(isinstance(node, Reduction) for node in nodes(tree)):
                continue
            for kinds, mutated in mutations(left, tree, computation):
                line = f"{left} = {written(mutated, 'mathematics')}"
                verdict = check_line(network, line, batch=batch, layout=layout)
                assert not verdict.correct, (kinds, line)
                name = "/".join(sorted(kinds - {"sign"} or kinds))
                counted[name] = counted.get(name, 0) + 1
                if verdict.kind not in kinds:
                    wrong_kinds.append((kinds, verdict.kind, line, layout, batch))
    assert not wrong_kinds, wrong_kinds[:5]
    assert min(counted.values()) > 30
