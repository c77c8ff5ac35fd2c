"""A network from the formulas of its forward pass, as text.

Each statement ``name = formula`` is parsed by the parser of a learner's line: known operations on
names, and no part of the text is ever executed.  Which axes a parameter has follows from its name:
``W_ih`` leads from the axis ``i`` to the axis ``h``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chainrule.errors import InputError
from chainrule.marking.formula_axes import checked_lengths
from chainrule.marking.formula_numbers import check_numbers
from chainrule.marking.formula_reading import FormulaReading, is_node
from chainrule.marking.formula_statements import statements_of_text
from chainrule.network.activations import Activation
from chainrule.network.architecture import Network
from chainrule.network.graph import Node
from chainrule.network.layers import Dense, Input
from chainrule.network.losses import Loss
from chainrule.network.penalties import Penalty
from chainrule.network.stated_formula import (
    Applied,
    Entrywise,
    Flipped,
    Matrix,
    Part,
    Raised,
    Reduced,
    StatedFormula,
    Statement,
    Trained,
    Value,
    parts_of,
)


def network_from(
    text: str,
    *,
    sizes: Mapping[str, int],
    loss: str | Loss = "mse",
    penalty: Penalty | Sequence[Penalty] = (),
) -> Network:
    """Return the network whose forward pass is stated by formulas.

    ``text`` has one statement ``name = formula`` for each line, or separated by semicolons, in the
    notation of NumPy or of mathematics (LaTeX too); a comment begins with #.  ``X`` are the inputs,
    (samples, i).  A name that no statement defines is a parameter if its index consists of axes of
    ``sizes``: ``W_ih`` is a matrix (i, h), ``b_h`` or ``b_ih`` added to rows is a row (h).  The
    last statement defines the outputs.

    Available are +, −, ⊙ (``*``), the matrix product (``@``), /, constant powers, the activations
    by name, exp, log, sqrt, abs, max, min, where, and sum and mean over ``axis=1``.

    Raises ``InputError``, on one line, for what cannot be parsed, for sizes that do not fit, for a
    name that is neither defined nor a parameter, and for a statement that is not used.

    >>> network = network_from(
    ...     "A_h = tanh(X @ W_ih + b_ih); A_o = softmax(A_h @ W_ho + b_ho)",
    ...     loss="log_loss", sizes={"i": 4, "h": 16, "o": 3})
    >>> print(network)
    4-16-3, tanh then softmax, log_loss, 131 parameters
    >>> residual = network_from(
    ...     "H = X + tanh(X @ W_ii + b_i); A = H @ W_io", sizes={"i": 3, "o": 1})
    >>> residual.parameter_shapes
    {'W_ii': (3, 3), 'b_i': (3,), 'W_io': (3, 1)}
    """
    lengths = checked_lengths(sizes)
    reading = FormulaReading(statements_of_text(text), lengths)
    dense = dense_network(reading, loss, penalty)
    network = _network(reading, loss, penalty) if dense is None else dense
    network.stated = (text, lengths)
    return network


def _network(
    reading: FormulaReading, loss: str | Loss, penalty: Penalty | Sequence[Penalty]
) -> Network:
    """Return the network: one layer for each statement with a row for each sample."""
    assert reading.input_label is not None
    x: Node = Input(reading.lengths[reading.input_label])
    nodes: dict[str, Node] = {"X": x}
    final = _with_final_parameters(reading)
    by_name = {statement.name: statement for statement in final}
    taken = frozenset({"X", "Y", *reading.known, *reading.parameters})
    for statement in final:
        if not is_node(statement.formula):
            continue
        needed: dict[str, None] = {}
        sources: dict[str, None] = {}
        _collect(statement, by_name, nodes, needed, sources)
        group = [each for each in final if each.name in needed]
        layer = StatedFormula([*group, statement], tuple(sources), reading.lengths, taken)
        if not sources:
            raise InputError(
                f"`text`: {statement.name} has a row for each sample, but uses no value"
            )
        nodes[statement.name] = layer(*(nodes[name] for name in sources))
    network = Network(x, nodes[final[-1].name], loss, penalty=penalty)
    check_numbers(network)
    return network


def _with_final_parameters(reading: FormulaReading) -> list[Statement]:
    """Return the statements with what is known of each parameter at the end."""

    def final(part: Part) -> Part:
        match part:
            case Trained():
                return replace(reading.parameters[part.name], sides=part.sides)
            case Entrywise() | Matrix():
                return replace(part, left=final(part.left), right=final(part.right))
            case Applied():
                return replace(part, arguments=tuple(map(final, part.arguments)))
            case Raised():
                return replace(part, base=final(part.base))
            case Reduced() | Flipped():
                return replace(part, operand=final(part.operand))
        return part

    return [replace(each, formula=final(each.formula)) for each in reading.statements]


def _collect(
    statement: Statement,
    by_name: Mapping[str, Statement],
    nodes: Mapping[str, Node],
    needed: dict[str, None],
    sources: dict[str, None],
) -> None:
    """Collect the statements that are needed before one, and the nodes it is applied to."""
    pending = [statement.formula]
    while pending:
        part = pending.pop(0)
        if isinstance(part, Value) and part.name in nodes:
            sources[part.name] = None
        elif isinstance(part, Value) and part.name not in needed:
            needed[part.name] = None
            pending.append(by_name[part.name].formula)
        pending += parts_of(part)


def dense_network(
    reading: FormulaReading, loss: str | Loss, penalty: Penalty | Sequence[Penalty]
) -> Network | None:
    """Return the network of `Network.dense`, where the formulas and their names are its own."""
    written_out = {statement.name: statement.formula for statement in reading.statements}
    if set(reading.lengths) != {"i", "h", "o"} or not {"A_h", "A_o"} <= set(written_out):
        return None
    if not set(written_out) <= {"A_h", "A_o", "Z_h", "Z_o"} or reading.statements[-1].name != "A_o":
        return None
    chosen: list[Activation] = []
    for below, start, end in (("X", "i", "h"), ("A_h", "h", "o")):
        formula = written_out[f"A_{end}"]
        if not isinstance(formula, Applied) or not isinstance(formula.function, Activation):
            return None
        (argument,) = formula.arguments
        if argument == Value(f"Z_{end}", sides=argument.sides):
            argument = written_out[f"Z_{end}"]
        if not isinstance(argument, Entrywise) or argument.sign != "+":
            return None
        weighted, offset = argument.left, argument.right
        if not isinstance(weighted, Matrix) or not isinstance(offset, Trained):
            return None
        names = [getattr(part, "name", "") for part in (weighted.left, weighted.right, offset)]
        if names != [below, f"W_{start}{end}", f"b_{start}{end}"]:
            return None
        chosen.append(formula.function)
    x: Node = Input(reading.lengths["i"])
    hidden = Dense(reading.lengths["h"], chosen[0])(x)
    outputs = Dense(reading.lengths["o"], chosen[1])(hidden)
    return Network(x, outputs, loss, penalty=penalty)
