"""A network 2-2-2 type-checks whatever one does to it: only numbers tell right from wrong.

Two samples, so that every matrix is 2 × 2 and no mutation can fail by its shape.  What a mutation
leaves mathematically unchanged never enters by construction: only matrices with two axes are
transposed (random ones are asymmetric), only activations whose slope is constant nowhere are drawn,
both sizes that are lost are 2, and an update moves only before an operation that reads its result.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pytest

from chainrule.formulas.expressions import ONE, Product, Size, power, product, substitute
from chainrule.network.architecture import Network
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import Gradients, differentiate
from chainrule.network.optimizers import SGD
from chainrule.plans.operations import ComputePointwise, MatrixProduct, Operation, names_used
from chainrule.plans.plan import Plan, plan
from chainrule.verification import (
    STEP,
    Verification,
    random_values,
    verify_formulation,
)
from tests.formulas.random_expressions import nodes
from tests.selection import sampled

HIDDEN = ("sigmoid", "tanh", "softplus", "softsign", "silu", "gelu", "mish")
"""Activations whose slope is constant nowhere: losing it always shows.

Softmax is none of them: between two layers of two shares (of a cotangent g₁ − g₂ alone counts, and
δ is (d, −d)) a weight matrix and its transpose give the same gradient.
"""
PAIRS = (
    ("sigmoid", "mse"),
    ("tanh", "half_mse"),
    ("identity", "mse"),
    ("softmax", "log_loss"),
    ("sigmoid", "log_loss"),
    ("softmax", "mse"),
    ("softplus", "poisson"),
    ("exponential", "gamma"),
    ("exponential", "poisson"),
)
COMBINATIONS = [(hidden, pair) for hidden in HIDDEN for pair in PAIRS]
NETWORKS = 4 * len(COMBINATIONS)

Mutation = tuple[str, Plan]


@cache
def derived(hidden: str, last: str, loss: str) -> tuple[Network, Formulation, Gradients, Plan]:
    network = Network.dense([2, 2, 2], [hidden, last], loss)
    formulation = network.formulation()
    gradients = differentiate(formulation)
    return network, formulation, gradients, plan(gradients, SGD(STEP))


@lru_cache(maxsize=1)
def values_of(network: Network, seed: int) -> dict[str, Any]:
    return random_values(network, seed, samples=2)


def judged(hidden: str, last: str, loss: str, made: Plan, seed: int) -> Verification:
    network, formulation, gradients, _ = derived(hidden, last, loss)
    values = values_of(network, seed)
    return verify_formulation(formulation, values, gradients=gradients, training=made)


def changed(made: Plan, place: int, operation: Operation) -> Plan:
    operations = list(made.operations)
    operations[place] = operation
    return replace(made, operations=tuple(operations))


# -- the mutations -------------------------------------------------------------------------------


def matrices(made: Plan) -> set[str]:
    """Return the names of all values with two axes."""
    inputs = {symbol.name for symbol in made.inputs if len(symbol.axes) == 2}
    return inputs | {op.target for op in made.operations if None not in op.sides}


def transposes(made: Plan) -> Iterator[Mutation]:
    """Drop a transpose, or add one."""
    square = matrices(made)
    for place, op in enumerate(made.operations):
        if isinstance(op, MatrixProduct):
            for side in ("left", "right"):
                used = getattr(op, side)
                if used.name in square:
                    wrong = replace(op, **{side: used.turned()})
                    yield f"{op} turned into {wrong}", changed(made, place, wrong)


def swapped_sides(made: Plan) -> Iterator[Mutation]:
    square = matrices(made)
    for place, op in enumerate(made.operations):
        if isinstance(op, MatrixProduct) and {op.left.name, op.right.name} <= square:
            wrong = replace(op, left=op.right, right=op.left)
            yield f"{op} turned into {wrong}", changed(made, place, wrong)


def lost_sizes(made: Plan) -> Iterator[Mutation]:
    """Lose 1/n or 1/B."""
    for place, op in enumerate(made.operations):
        if isinstance(op, ComputePointwise):
            for size in {node for node in nodes(op.formula) if isinstance(node, Size)}:
                formula = substitute(op.formula, {power(size, -1): ONE})
                assert formula != op.formula, f"{size} is no divisor in {op}"
                yield f"1/{size} lost in {op}", changed(made, place, replace(op, formula=formula))


def wrong_slopes(made: Plan) -> Iterator[Mutation]:
    """Lose a factor of an entrywise formula on the way back, or its sign."""
    for place, op in enumerate(made.operations):
        if not isinstance(op, ComputePointwise) or op.stage != "backward":
            continue
        negative = replace(op, formula=product(-1, op.formula))
        yield f"sign lost in {op}", changed(made, place, negative)
        if isinstance(op.formula, Product):
            factors = op.formula.factors
            for lost, factor in enumerate(factors):
                if factor.axes and len(factors) > 1:
                    rest = product(*factors[:lost], *factors[lost + 1 :])
                    if not rest.axes:
                        continue
                    wrong = changed(made, place, replace(op, formula=rest))
                    yield f"{factor} lost in {op}", wrong


def sequential_updates(made: Plan) -> Iterator[Mutation]:
    """Update a parameter before the last operation on the way back that reads it."""
    operations = made.operations
    for place, op in enumerate(operations):
        if op.stage != "update":
            continue
        readers = [
            reader
            for reader, other in enumerate(operations)
            if other.stage == "backward" and op.target in names_used((other,))
        ]
        gradient = next(
            other
            for other, known in enumerate(operations)
            if known.target == made.gradients[op.target]
        )
        if readers and gradient < readers[-1]:
            moved = [*operations[:place], *operations[place + 1 :]]
            moved.insert(readers[-1], op)
            yield f"{op} before {operations[readers[-1]]}", replace(made, operations=tuple(moved))


KINDS = {
    "transpose": transposes,
    "side": swapped_sides,
    "size": lost_sizes,
    "slope": wrong_slopes,
    "sequential": sequential_updates,
}

# -- all mutations of one network of each kind ---------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pair", sampled(PAIRS, every=3, name="-".join))
def test_every_mutation_is_caught(pair, kind):
    last, loss = pair
    made = derived("tanh", last, loss)[-1]
    mutations = list(KINDS[kind](made))
    assert mutations or (kind == "slope" and (last, loss) == ("identity", "half_mse"))
    for told, wrong in mutations:
        result = judged("tanh", last, loss, wrong, seed=1)
        assert not result.passed, told
        assert result.failures


def test_a_step_from_new_values_is_told_from_a_wrong_gradient():
    made = derived("sigmoid", "sigmoid", "mse")[-1]
    ((_, wrong),) = sequential_updates(made)
    result = judged("sigmoid", "sigmoid", "mse", wrong, seed=3)
    failed = {(check.method, check.quantity) for check in result.failures}
    assert ("one step from old values", "W_ih") in failed
    assert ("one step from old values", "W_ho") not in failed


@pytest.mark.slow
def test_in_a_network_of_any_other_shape_too():
    network = Network.dense([3, 5, 4, 2], "tanh")
    formulation = network.formulation()
    gradients = differentiate(formulation)
    made = plan(gradients, SGD(STEP))
    values = random_values(network, 0, samples=6)
    wrongs = [wrong for kind in ("size", "slope", "sequential") for wrong in KINDS[kind](made)]
    assert len(wrongs) > 10
    for told, wrong in wrongs:
        result = verify_formulation(formulation, values, gradients=gradients, training=wrong)
        assert not result.passed, told


def test_a_plan_whose_shapes_do_not_meet_is_a_failure_and_not_a_crash():
    network = Network.dense([3, 5, 2], "tanh")
    formulation = network.formulation()
    made = plan(differentiate(formulation), SGD(STEP))
    values = random_values(network, 0, samples=4)
    _, wrong = next(transposes(made))
    assert not verify_formulation(formulation, values, training=wrong).passed


# -- many networks -------------------------------------------------------------------------------


def drawn(number: int) -> tuple[str, str, str]:
    """The hidden and the last activation and the loss: every combination, one after the other."""
    hidden, (last, loss) = COMBINATIONS[number % len(COMBINATIONS)]
    return hidden, last, loss


def test_the_networks_drawn_cover_every_combination():
    assert NETWORKS >= 200
    combinations = {drawn(number) for number in range(NETWORKS)}
    assert len(combinations) == len(HIDDEN) * len(PAIRS)


@pytest.mark.parametrize(
    "number", sampled(range(NETWORKS), every=20, name=lambda n: f"{n:03}-{'-'.join(drawn(n))}")
)
def test_random_networks_pass_and_one_mutation_of_each_kind_is_caught(number):
    names = drawn(number)
    made = derived(*names)[-1]
    generator = np.random.default_rng([2, number])
    right = judged(*names, made, seed=number)
    assert right.passed, f"false alarm: {right}"
    for kind, mutate in KINDS.items():
        mutations = list(mutate(made))
        assert mutations, kind
        mutation, wrong = mutations[generator.integers(len(mutations))]
        assert not judged(*names, wrong, seed=number).passed, mutation
