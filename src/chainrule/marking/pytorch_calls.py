"""Functions of torch.nn.functional, by what they compute: F.linear, F.cross_entropy, F.mse_loss.

Samples are rows there, and the classes of a sample lie along the second axis.  These are read only
with their prefix: a ``cross_entropy`` of one's own may be that of probabilities.
"""

from collections.abc import Callable, Mapping

from chainrule.marking.grammar import Grammar
from chainrule.marking.scanned_text import Token
from chainrule.marking.syntax import (
    Binary,
    Call,
    Constant,
    Name,
    Negative,
    Raised,
    Reduction,
    Transposed,
    Tree,
    nodes,
    replaced,
)

PREFIX = "f."
LINEAR = "linear"
"""The function of x, W and b that is x Wᵀ + b."""


def _log_softmax(scores: Tree) -> Tree:
    return Call("log", (Call("softmax", (scores,), axis=1),))


def _picked(logarithms: Tree, target: Tree) -> Tree:
    """Return −Σ y log p of each sample."""
    product = Binary("entrywise", target, logarithms)
    return Negative(Reduction(product, 1, keepdims=False))


def _of_two_classes(output: Tree, target: Tree) -> Tree:
    """Return −(y log a + (1 − y) log(1 − a))."""
    one = Constant(1.0, "1")
    rest = Call("log", (Binary("subtract", one, output),))
    first = Binary("entrywise", target, Call("log", (output,)))
    second = Binary("entrywise", Binary("subtract", one, target), rest)
    return Negative(Binary("add", first, second))


RIGHT_IN_PYTORCH = "right_pytorch"
"""The phrase about a line that is right for weights as PyTorch stores them."""
_LOSSES: Mapping[str, Callable[[Tree, Tree], Tree]] = {
    "cross_entropy": lambda scores, target: _picked(_log_softmax(scores), target),
    "nll_loss": _picked,
    "mse_loss": lambda output, target: Raised(
        Binary("subtract", output, target), Constant(2.0, "2")
    ),
    "l1_loss": lambda output, target: Call("abs", (Binary("subtract", output, target),)),
    "binary_cross_entropy": _of_two_classes,
    "binary_cross_entropy_with_logits": lambda score, target: _of_two_classes(
        Call("sigmoid", (score,)), target
    ),
}
"""The terms of each loss, whose mean is taken, or whose sum."""
NAMES = (LINEAR, *_LOSSES)


def functional_call(grammar: Grammar, name: str, token: Token) -> Tree:
    """Parse the rest of F.linear(x, W, b) or of a loss.

    >>> from chainrule.marking.check_line import check_line
    >>> from chainrule.network.architecture import Network
    >>> network = Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")
    >>> check_line(network, "loss = F.cross_entropy(z_o, Y)", batch=True).kind
    'right'
    """
    grammar.expect("open", "(")
    found = [grammar.condition()]
    is_mean = True
    while grammar.skip("comma"):
        option = grammar.now.text
        if grammar.now.kind == "word" and grammar.ahead().kind == "equals":
            grammar.position += 2
            if option == "reduction":
                reduction = grammar.take().text
                if reduction not in ("mean", "sum"):
                    raise grammar.error("option")
                is_mean = reduction == "mean"
                continue
            if option not in ("weight", "bias", "target"):
                raise grammar.error("option")
        found.append(grammar.condition())
    grammar.expect("close", ")")
    span = grammar.since(token.start)
    least, most = (2, 3) if name == LINEAR else (2, 2)
    if not least <= len(found) <= most:
        raise grammar.error("arguments", expected=str(most), count=str(len(found)))
    if name == LINEAR:
        return Call(LINEAR, tuple(found), span=span)
    return Reduction(_LOSSES[name](*found), None, is_mean, span=span)


def weights_of_linear(tree: Tree) -> set[str]:
    """Return the names of the weights that F.linear has as they are."""
    calls = (node for node in nodes(tree) if isinstance(node, Call) and node.function == LINEAR)
    return {call.arguments[1].text for call in calls if isinstance(call.arguments[1], Name)}


def with_outputs_as_rows(tree: Tree) -> Tree:
    """Return a formula in which the weights that F.linear has as they are have outputs as rows.

    Everywhere else their inputs are rows, so that these are the transposes.
    """
    for call in [node for node in nodes(tree) if isinstance(node, Call)]:
        if call.function == LINEAR and isinstance(call.arguments[1], Name):
            weights = call.arguments[1]
            tree = replaced(tree, weights, Transposed(weights, span=weights.span))
    return tree


def linear_terms(call: Call) -> Tree:
    """Return x Wᵀ + b."""
    x, weights, *bias = call.arguments
    product = Binary("matrix", x, Transposed(weights))
    return Binary("add", product, bias[0], span=call.span) if bias else product
