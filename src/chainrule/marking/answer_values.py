"""What an answer has assigned so far: its variables, and quantities that are not complete."""

from dataclasses import dataclass, field, replace

from chainrule.language.refusals import Refusal
from chainrule.marking.given_variables import GivenVariables
from chainrule.marking.parser import MAX_EXPANDED, ParsedEquation
from chainrule.marking.quantities import Quantity, Role
from chainrule.marking.syntax import Binary, Name, Tree, children, nodes, with_children


@dataclass
class AnswerValues:
    """What the answer has assigned: its own variables, and quantities that are not complete yet."""

    variables: dict[str, Tree] = field(default_factory=dict)
    unfinished: dict[Quantity, Tree] = field(default_factory=dict)
    unread: set[Quantity] = field(default_factory=set)
    given: GivenVariables = field(default_factory=GivenVariables)
    others: set[Quantity] = field(default_factory=set)
    """Layers' outputs whose arrays have become something else: p[range(N), y] -= 1."""

    def copied(self) -> "AnswerValues":
        given = GivenVariables([*self.given.meant])
        sets = {*self.unread}, given, {*self.others}
        return AnswerValues({**self.variables}, {**self.unfinished}, *sets)

    def changed(self, quantity: Quantity | None, tree: Tree) -> None:
        """Give a layer's output the value that its array has become."""
        if quantity is not None and quantity.role is Role.ACTIVATION:
            self.unfinished[quantity] = tree
            self.others.add(quantity)


def is_less_target(left: Quantity, tree: Tree) -> bool:
    """Return whether the target is subtracted from a layer's output: p -= y."""
    if left.role is not Role.ACTIVATION or not isinstance(tree, Binary):
        return False
    parts = [part.quantity for part in children(tree) if isinstance(part, Name)]
    is_difference = tree.operation == "subtract" and len(parts) == 2
    return is_difference and parts[0] == left and parts[1].role is Role.TARGET


def is_alias(equation: ParsedEquation) -> bool:
    """Return whether both sides are the same quantity: W1 = params["W1"]."""
    return all(
        isinstance(right, Name) and right.quantity == equation.left.quantity
        for right in equation.rights
    )


def with_values(tree: Tree, values: dict[Quantity, Tree]) -> Tree:
    """Return a tree with the values of quantities that the answer has not completed."""
    found = _replaced(tree, values)
    if found is not tree and sum(1 for _ in nodes(found)) > MAX_EXPANDED:
        raise Refusal("too_many_symbols", limit=str(MAX_EXPANDED))
    return found


def _replaced(tree: Tree, values: dict[Quantity, Tree]) -> Tree:
    if isinstance(tree, Name) and tree.quantity in values:
        return replace(values[tree.quantity], span=tree.span)
    parts = children(tree)
    changed = tuple(_replaced(part, values) for part in parts)
    same = all(before is after for before, after in zip(parts, changed, strict=True))
    return tree if same else with_children(tree, changed)
