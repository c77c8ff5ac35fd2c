"""What a network of layers may be described with: nodes, losses, and their weights.

Each function returns its argument in one form, or raises an error that names the layers.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from chainrule.errors import InputError, InputTypeError, shown
from chainrule.network import losses
from chainrule.network.graph import Node
from chainrule.network.layers import InputLayer
from chainrule.network.losses import Form, Loss
from chainrule.validation import checked_number, requirement

T = TypeVar("T")


def nodes_of(name: str, given: Node | Sequence[Node]) -> tuple[Node, ...]:
    """Return a list of nodes; one node is a list of one."""
    listed: object = (given,) if isinstance(given, Node) else given
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not listed:
        raise InputTypeError(requirement(name, "a node such as cr.Input(8), or a list", given))
    for node in listed:
        if not isinstance(node, Node):
            hint = f"Apply it: {node}(x)" if hasattr(node, "width_of") else ""
            raise InputTypeError(
                f"`{name}` must be nodes such as cr.Input(8), got {shown(node)}"
                + (f". {hint}" if hint else "")
            )
    return tuple(listed)


def _one_for_each(
    outputs: Sequence[Node], given: Sequence[T], name: str, allowed: str
) -> Sequence[T]:
    """Return a list with one entry for each output, checked."""
    allowed = f"{allowed}, one for each of {', '.join(str(node.layer) for node in outputs)}"
    if not isinstance(given, Iterable):
        raise InputTypeError(requirement(name, allowed, given))
    listed = list(given)
    if len(listed) != len(outputs):
        raise InputError(requirement(name, allowed, given))
    return listed


def form_for(loss: Loss, node: Node) -> Form:
    """Return the loss's formula for an output; raise ``InputError`` where there is none."""
    produced = node.layer.range
    form = None if node.width == 1 and produced.simplex else loss.form_for(produced)
    if form is None:
        needed = " or ".join(str(each.outputs) for each in loss.forms)
        canonical = [each.canonical for each in loss.forms]
        suited = " or ".join(map(repr, canonical))
        example = canonical[0 if node.width > 1 else -1]
        raise InputError(
            f"`loss` {loss.name!r} must follow outputs in {needed}, got {node.layer} with "
            f"{node.width} outputs in {produced}. End with the activation {suited}, as in "
            f"cr.Dense({node.width}, {example!r})"
        )
    return form


def losses_of(
    given: str | Loss | Sequence[str | Loss], outputs: Sequence[Node]
) -> tuple[Loss, ...]:
    """Return one loss for each output."""
    if isinstance(given, (str, Loss)):
        given = [given]
    listed = _one_for_each(outputs, given, "loss", "a list of losses")
    return tuple(map(losses.find, listed))


def weights_of(given: Sequence[float] | None, outputs: Sequence[Node]) -> tuple[float, ...]:
    """Return the weight of each output's loss, 1 by default."""
    if given is None:
        return (1.0,) * len(outputs)
    listed = _one_for_each(outputs, given, "loss_weights", "a list of numbers")
    weights = tuple(checked_number("loss_weights", weight) for weight in listed)
    if min(weights) < 0 or not any(weights):
        raise InputError(requirement("loss_weights", "numbers of at least 0, not all 0", given))
    return weights


def check_ends(inputs: Sequence[Node], outputs: Sequence[Node], nodes: Sequence[Node]) -> None:
    """Raise ``InputError`` unless inputs and outputs are what the nodes of the graph need."""
    for node in inputs:
        if not isinstance(node.layer, InputLayer):
            raise InputError(
                f"`inputs` must be nodes of cr.Input or cr.Categories, got {node.layer}"
            )
        if node not in nodes:
            raise InputError(
                f"`inputs` must be used by the outputs, but {node.layer} is not; leave it out"
            )
    for node in nodes:
        if isinstance(node.layer, InputLayer) and node not in inputs:
            raise InputError(
                f"`inputs` must have every input that the outputs use, but {node.layer} is "
                "not among them; add it"
            )
    names = [getattr(node.layer, "name", None) for node in inputs]
    for number, node in enumerate(inputs):
        if node in inputs[:number]:
            raise InputError(f"`inputs` must have each node once, got {node.layer} twice")
        if names[number] is not None and names[number] in names[:number]:
            raise InputError(f"`inputs` must have different names, got {names[number]!r} twice")
    for node in outputs:
        if isinstance(node.layer, InputLayer):
            raise InputError(f"`outputs` must be computed, got the input {node.layer}")
