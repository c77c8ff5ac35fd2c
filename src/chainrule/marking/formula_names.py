"""The names of a network's formulas: inputs, what is taken, what has no meaning."""

from collections.abc import Iterable

from chainrule.errors import InputError, nearest, shown
from chainrule.marking import syntax
from chainrule.marking.formula_axes import listed
from chainrule.marking.formula_statements import FUNCTION_NAMES, PRIMITIVES, ROOTS
from chainrule.marking.parser import ParsedEquation
from chainrule.network import activations

RESERVED = {
    **dict.fromkeys(("Loss", "DataLoss"), "the loss"),
    **dict.fromkeys(("Y", "Y_t"), "the targets"),
    **dict.fromkeys(("w", "k"), "given data"),
    **dict.fromkeys(("λ", "λ_1"), "a penalty"),
    "B": "the number of samples",
}
"""The names that have another meaning."""


def is_input(name: str) -> bool:
    """Return whether a name is that of the inputs."""
    return name == "X" or name.startswith("X_")


def unknown_name(
    name: str, equation: ParsedEquation, known: Iterable[str], lengths: Iterable[str]
) -> InputError:
    """Return the error for a name without a meaning in a statement.

    ``known`` are the names with values, ``lengths`` the axes.
    """
    current, defined = equation.left.text, [*known]
    called = [
        tree
        for tree in syntax.nodes(equation.rights[0])
        if isinstance(tree, syntax.Binary)
        and tree.operation == "product"
        and isinstance(tree.left, syntax.Name)
        and tree.left.text == name
        and tree.right.span[0] == tree.left.span[1]
    ]
    if called:
        guess = nearest(name, FUNCTION_NAMES)
        hint = f" Did you mean {guess!r}?" if guess else ""
        return InputError(
            f"unknown function {shown(name)}.{hint} Available: "
            f"{', '.join(map(repr, (*activations.CATALOGUE, *PRIMITIVES, *ROOTS)))}"
        )
    _, _, index = name.partition("_")
    values = listed(["X", *defined])
    guess = nearest(name, defined)
    hint = f" Did you mean {guess!r}?" if guess else ""
    if index and not index.isdecimal():
        return InputError(
            f"`sizes` must have the axes of {shown(name)} in the statement of "
            f"{current}, or a statement must define it before.{hint} "
            f"Axes: {listed(lengths)}. Values: {values}"
        )
    return InputError(
        f"`text`: {shown(name)} in the statement of {current} is neither defined "
        f"before nor a parameter, whose name ends in its axes, as W_ih.{hint} Axes: "
        f"{listed(lengths)}. Values: {values}"
    )
