"""Whether the weights of an answer are as PyTorch stores them, with outputs as rows."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from chainrule.errors import InputError
from chainrule.marking.grammar import NameLookup
from chainrule.marking.python_sources import ReadStatement
from chainrule.marking.pytorch_calls import LINEAR, RIGHT_IN_PYTORCH
from chainrule.marking.quantities import Role, cotangent
from chainrule.marking.scanned_text import Token
from chainrule.marking.tokens import tokens
from chainrule.marking.verdict_messages import MessagePart
from chainrule.marking.verdicts import LineVerdict

STOP = Token("stop", "", 0, 0)


def has_inputs_as_rows(statements: Iterable[ReadStatement], names: NameLookup) -> bool:
    """Return whether a statement tells that weights have their inputs as rows.

    >>> from chainrule.marking.vocabulary import Vocabulary
    >>> from chainrule.network.architecture import Network
    >>> names = Vocabulary(Network.dense([4, 5, 3]))
    >>> linear = ReadStatement(1, "", "z_h", "z_h = F.linear(X, W_ih, b_ih)")
    >>> has_inputs_as_rows([linear], names)
    False
    >>> has_inputs_as_rows([linear, ReadStatement(2, "", "z_h", "z_h = X @ W_ih")], names)
    True
    """
    return any(_has_inputs_as_rows(statement, names) for statement in statements)


def _has_inputs_as_rows(statement: ReadStatement, names: NameLookup) -> bool:
    """Return whether a statement has weights or their gradients outside of F.linear."""
    try:
        found = tokens(statement.equation)[1:] if statement.equation else []
    except InputError:
        return False
    left = names.quantity(statement.left)
    depth = 0
    for (before, token), (_, after) in pairwise(pairwise([*found, STOP])):
        depth += (token.kind == "open") * (depth > 0 or before.text == f"F.{LINEAR}")
        depth -= (token.kind == "close") * (depth > 0)
        quantity = names.quantity(token.text) if token.kind == "word" else None
        of = quantity.of if quantity and quantity.role is Role.COTANGENT else quantity
        if of is None or of.role is not Role.WEIGHT or left in (of, cotangent(of)):
            continue
        if depth != 1 or before.kind != "comma" or after.kind == "transpose":
            return True
    return left is not None and left.of is not None and left.of.role is Role.WEIGHT


def with_its_weights(verdict: LineVerdict) -> LineVerdict:
    """Return the fault of F.linear where other statements have the inputs as rows."""
    first = verdict.message_parts[0] if verdict.message_parts else None
    if first is None or first.key != RIGHT_IN_PYTORCH:
        return verdict
    part = MessagePart("order_weights", first.values)
    return replace(verdict, correct=False, kind="order", message_parts=(part,))
