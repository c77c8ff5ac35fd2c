"""A missing factor: a mistake, or another convention of the loss's scale (½, sum or mean)."""

from collections.abc import Sequence
from dataclasses import replace

from chainrule.marking.evaluator import Computation
from chainrule.marking.examples import Example
from chainrule.marking.quantities import (
    LEARNING_RATE,
    LOSS,
    OUTPUT_COUNT,
    SAMPLE_COUNT,
    Quantity,
    Role,
)
from chainrule.marking.syntax import Name, Tree, nodes
from chainrule.marking.tree_edits import MissingFactor, Repair, missing_factors
from chainrule.marking.verdicts import same


def factor_repair(
    factor: MissingFactor, line: Tree, tree: Tree, target: Quantity, example: Example
) -> Repair:
    """Return the repair of a line by a factor: a mistake, or another convention of the loss."""
    kind = "factor"
    if LEARNING_RATE in factor.contains or example.context.stated.states_scale:
        pass  # under a stated convention it is a mistake
    elif factor.label == SAMPLE_COUNT.symbol and _is_gradient(target):
        kind = "convention_batch_surplus"  # for others δ is without 1/B, and the gradient with
    elif not states_loss(line, target, example):
        pass
    elif OUTPUT_COUNT in factor.contains and not _is_squared(example):
        pass  # such a loss is a sum over the outputs everywhere
    elif SAMPLE_COUNT in factor.contains:
        kind = "convention_batch"
    elif factor.has_two and _is_squared(example):
        kind = "convention_half"
    return Repair(kind, tree, line, {"factor": factor.label})


def _is_squared(example: Example) -> bool:
    return example.context.network.loss.name in ("mse", "half_mse")


def other_scales(
    target: Quantity, tree: Tree, counts: Sequence[Quantity], example: Example
) -> list[MissingFactor]:
    """Return the factors that a line may lack in another convention: of the loss's scale or of δ.

    A line that computes a gradient from δ may differ by B; any other one states the loss's scale.
    """
    if example.context.stated.states_scale:
        return []
    names = [node.quantity for node in nodes(tree) if isinstance(node, Name)]
    uses_delta = any(each.role is Role.COTANGENT and each.scales_with_loss for each in names)
    if uses_delta and _is_gradient(target) and SAMPLE_COUNT in counts:
        return [each for each in missing_factors([SAMPLE_COUNT]) if each.label in ("B", "1/B")]
    if uses_delta or not target.scales_with_loss:
        return []
    found: list[MissingFactor] = []
    for factor in missing_factors(counts):
        squared = factor.has_two or OUTPUT_COUNT in factor.contains
        if not squared or _is_squared(example):
            found.append(factor)
    return found


def _is_gradient(target: Quantity) -> bool:
    """Return whether a quantity is the derivative by a parameter."""
    of = target.of
    return target.role is Role.COTANGENT and of is not None and of.is_parameter


def states_loss(tree: Tree, target: Quantity, example: Example) -> bool:
    """Return whether the left side changes with the scale of the loss, and the right side does not.

    Only then can the line be right for another scale of the loss.  A line that computes a
    derivative from another one is right for every scale, or for none.
    """
    if not target.scales_with_loss:
        return False
    found = example.values
    scaled = replace(
        found,
        values={
            quantity: 2 * value if quantity.scales_with_loss else value
            for quantity, value in found.values.items()
        },
        partials={
            ends: 2 * value if ends[0] == LOSS else value for ends, value in found.partials.items()
        },
    )
    return same(Computation(scaled)(tree), Computation(found)(tree))
