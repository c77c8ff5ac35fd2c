"""A missing factor: a mistake, or another convention of the loss's scale (½, sum or mean)."""

from dataclasses import replace

from chainrule.marking.evaluator import Computation
from chainrule.marking.examples import Example
from chainrule.marking.quantities import LEARNING_RATE, LOSS, SAMPLE_COUNT, Quantity, Role
from chainrule.marking.syntax import Tree
from chainrule.marking.tree_edits import MissingFactor, Repair
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
    elif SAMPLE_COUNT in factor.contains:
        kind = "convention_batch"
    elif factor.has_two and example.context.network.loss.name in ("mse", "half_mse"):
        kind = "convention_half"
    return Repair(kind, tree, line, {"factor": factor.label})


def _is_gradient(target: Quantity) -> bool:
    """Return whether a quantity is the derivative by a parameter."""
    of = target.of
    return target.role is Role.COTANGENT and of is not None and of.is_parameter


def states_loss(tree: Tree, target: Quantity, example: Example) -> bool:
    """Return whether the left side changes with the scale of the loss, and the right side does not.

    Only then can the line be right for another scale of the loss.  A line that computes a
    derivative from another one is right for every scale, or for none.
    """
    if target.role not in (Role.COTANGENT, Role.LOSS):
        return False
    found = example.values
    scaled = replace(
        found,
        values={
            quantity: 2 * value if quantity.role in (Role.COTANGENT, Role.LOSS) else value
            for quantity, value in found.values.items()
        },
        partials={
            ends: 2 * value if ends[0] == LOSS else value for ends, value in found.partials.items()
        },
    )
    return same(Computation(scaled)(tree), Computation(found)(tree))
