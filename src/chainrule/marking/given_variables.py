"""The learner's own variables that have a mistake: what they were to be, for the lines after it.

A variable counts where it is used.  The first statement that it makes wrong has the fault; the
others are judged as if the variable were the quantity that makes that statement right, as it is
with variables that have a name of the network.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import is_not

from chainrule.marking.parser import ParsedEquation
from chainrule.marking.quantities import Quantity, Role
from chainrule.marking.syntax import Name, Tree, children, nodes, with_children

_ROLES = (Role.COTANGENT, Role.PRE_ACTIVATION, Role.ACTIVATION)
"""What a variable may have been meant to be."""


@dataclass
class GivenVariables:
    """Formulas of variables, each with the quantity that it was to be."""

    meant: list[tuple[Tree, Name]] = field(default_factory=list)

    def applied(self, equation: ParsedEquation) -> ParsedEquation:
        """Return an equation with the quantities in place of the variables."""
        return replace(
            equation, rights=tuple(_replaced(right, self.meant) for right in equation.rights)
        )

    def blame(
        self,
        equation: ParsedEquation,
        variables: Mapping[str, Tree],
        quantities: Iterable[Quantity],
        is_right: Callable[[ParsedEquation], bool],
    ) -> None:
        """Remember the variable, in a wrong equation, for which one quantity makes it right."""
        for text, tree in variables.items():
            if not children(tree) or not any(_is_same(n, tree) for n in _nodes(equation)):
                continue
            for quantity in quantities:
                if quantity.role not in _ROLES or quantity == equation.left.quantity:
                    continue
                pair = (tree, Name(quantity, text))
                if is_right(GivenVariables([*self.meant, pair]).applied(equation)):
                    self.meant.append(pair)
                    return


def _nodes(equation: ParsedEquation) -> Iterator[Tree]:
    for right in equation.rights:
        yield from nodes(right)


def _is_same(node: Tree, tree: Tree) -> bool:
    """Return whether a node is a variable's formula, which has another span where it is used."""
    if type(node) is not type(tree):
        return False
    parts, others = children(node), children(tree)
    if len(parts) != len(others) or any(map(is_not, parts, others)):
        return False
    here, there = vars(node), vars(tree)
    return all(here[key] is there[key] for key in here if key not in ("span", "arguments"))


def _replaced(tree: Tree, meant: Iterable[tuple[Tree, Name]]) -> Tree:
    for variable, name in meant:
        if _is_same(tree, variable):
            return replace(name, span=tree.span)
    parts = children(tree)
    changed = tuple(_replaced(part, meant) for part in parts)
    same = all(before is after for before, after in zip(parts, changed, strict=True))
    return tree if same else with_children(tree, changed)
