"""Differentiation: one rule per node, one partial derivative per primitive, one step per call.

A rule is a pullback.  Given a node, an expression for its value, and the cotangent G of the node
(∂Loss/∂node, same axes), it returns the contribution to the cotangent of each expression below it:

* sum        G, summed over the axes along which the term was broadcast;
* product    G times the *other* factors, summed over every axis that the factor does not have;
* power      G · n · base^(n−1);
* function   G ⊙ slope, or the stated pullback of a function of a whole layer.

Rules are found by node type and by name of the primitive; a missing one is an error that names the
operation, so that no operation is treated as a constant by mistake.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from chainrule.errors import MissingRule
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import (
    ONE,
    ZERO,
    Add,
    Apply,
    Expression,
    Number,
    Ones,
    Power,
    Product,
    Rename,
    Size,
    Symbol,
    add,
    children,
    power,
    product,
    renamed,
    symbols,
)
from chainrule.formulas.functions import (
    Function,
    Primitive,
    cosine,
    exp,
    greater,
    log,
    sign,
    sine,
)

Contribution = tuple[Expression, Expression]
"""An operand and what a node adds to its cotangent."""

PI = Number(Fraction("3.141592653589793"), "π")

PARTIALS: dict[str, Callable[..., tuple[Expression, ...]]] = {
    "exp": lambda out, x: (out,),
    "log": lambda out, x: (1 / x,),
    "expm1": lambda out, x: (out + 1,),
    "log1p": lambda out, x: (1 / (1 + x),),
    "tanh": lambda out, x: (1 - out**2,),
    "erf": lambda out, x: (2 * PI ** Fraction(-1, 2) * exp(-(x**2)),),
    "abs": lambda out, x: (sign(x),),
    "sign": lambda out, x: (ZERO,),
    "maximum": lambda out, x, y: (greater(x, y), 1 - greater(x, y)),
    "minimum": lambda out, x, y: (greater(y, x), 1 - greater(y, x)),
    "greater": lambda out, x, y: (ZERO, ZERO),
    "equal": lambda out, x, y: (ZERO, ZERO),
    "sin": lambda out, x: (cosine(x),),
    "cos": lambda out, x: (-sine(x),),
    "where": lambda out, c, x, y: (ZERO, c, 1 - c),
}
"""∂(primitive)/∂(each argument), in the output and the arguments."""


def sum_to(tree: Expression, axes: tuple[Axis, ...]) -> Expression:
    """Return the expression summed over every axis that is not among ``axes``."""
    extra = tuple(axis for axis in tree.axes if axis not in axes)
    return product(tree, over=extra) if extra else tree


def _pull_add(node: Add, output: Expression, cotangent: Expression) -> list[Contribution]:
    return [(term, sum_to(cotangent, term.axes)) for term in node.terms]


def _pull_product(node: Product, output: Expression, cotangent: Expression) -> list[Contribution]:
    contributions = []
    for index, factor in enumerate(node.factors):
        others = [*node.factors[:index], *node.factors[index + 1 :]]
        carried = {axis for part in (cotangent, *others) for axis in part.axes}
        missing = tuple(axis for axis in factor.axes if axis not in carried)
        # An axis that no other factor has was summed in this factor alone: G is repeated by ones.
        filled = [Ones(missing)] if missing else []
        over = carried - set(factor.axes)
        contributions.append((factor, product(cotangent, *others, *filled, over=over)))
    return contributions


def _pull_power(node: Power, output: Expression, cotangent: Expression) -> list[Contribution]:
    base, exponent = node.base, node.exponent
    slope = product(exponent, power(base, add(exponent, -1)))
    contributions = [(base, sum_to(product(cotangent, slope), base.axes))]
    if not isinstance(exponent, Number):
        contributions.append(
            (exponent, sum_to(product(cotangent, output, log(base)), exponent.axes))
        )
    return contributions


def _pull_apply(node: Apply, output: Expression, cotangent: Expression) -> list[Contribution]:
    function = node.function
    if isinstance(function, Function):
        (argument,) = node.arguments
        known = {"z": argument, "a": output, "g": cotangent}
        if function.slope is not None:
            slope = function.body(function.slope, known)
            return [(argument, product(cotangent, slope))]
        assert function.pullback is not None
        axis = function.layer_axis(argument)
        return [(argument, function.body(function.pullback, known, axis))]
    assert isinstance(function, Primitive)
    partials = _partials(function)(output, *node.arguments)
    return [
        (argument, sum_to(product(cotangent, partial), argument.axes))
        for argument, partial in zip(node.arguments, partials, strict=True)
    ]


def _partials(primitive: Primitive) -> Callable[..., tuple[Expression, ...]]:
    if primitive.name not in PARTIALS:
        raise MissingRule(primitive.name)
    return PARTIALS[primitive.name]


def _pull_rename(node: Rename, output: Expression, cotangent: Expression) -> list[Contribution]:
    return [(node.operand, renamed(cotangent, node.new, node.old))]


RULES: dict[type, Callable[[Any, Expression, Expression], list[Contribution]]] = {
    Add: _pull_add,
    Product: _pull_product,
    Power: _pull_power,
    Apply: _pull_apply,
    Rename: _pull_rename,
}
"""The pullback of each kind of node."""


def pull(node: Expression, output: Expression, cotangent: Expression) -> list[Contribution]:
    """Return what one node adds to the cotangents of the expressions below it: one step.

    ``output`` is an expression for the node's value (its symbol, where it has one).  Raises
    ``MissingRule`` where the node or its primitive has no rule.

    >>> x, y, g = Symbol("x"), Symbol("y"), Symbol("g")
    >>> [(str(operand), str(given)) for operand, given in pull(x * y, x * y, g)]
    [('x', 'g y'), ('y', 'g x')]
    """
    rule = RULES.get(type(node))
    if rule is None:
        raise MissingRule(type(node).__name__)
    return rule(node, output, cotangent)


@dataclass(frozen=True)
class Pull:
    """One recorded step: the rule of ``node`` applied to ``cotangent``."""

    node: Expression
    cotangent: Expression
    contributions: tuple[Contribution, ...]

    @property
    def rule(self) -> str:
        """The name of the operation whose rule was used."""
        if isinstance(self.node, Apply):
            return self.node.function.name
        return type(self.node).__name__.lower()


def _topological(root: Expression, active: Callable[[Expression], bool]) -> list[Expression]:
    """Return the active nodes, each before everything below it."""
    order: list[Expression] = []
    seen: set[Expression] = set()

    def visit(node: Expression) -> None:
        if node in seen or not active(node):
            return
        seen.add(node)
        for child in children(node):
            visit(child)
        order.append(node)

    visit(root)
    return order[::-1]


def pull_back(
    root: Expression, output: Expression, cotangent: Expression, wanted: Iterable[Symbol]
) -> tuple[dict[Symbol, Expression], list[Pull]]:
    """Return the cotangents of the wanted symbols in an expression, and the steps.

    ``cotangent`` is that of the whole expression, ``output`` an expression for its value.  A wanted
    symbol that does not occur has no entry.

    >>> x = Symbol("x")
    >>> found, steps = pull_back(x**2 + 3 * x, Symbol("y"), ONE, [x])
    >>> print(found[x])
    3 + 2x
    >>> [step.rule for step in steps]
    ['add', 'product', 'power']
    """
    targets = frozenset(wanted)
    reach: dict[Expression, bool] = {}

    def active(node: Expression) -> bool:
        if node not in reach:
            reach[node] = node in targets or any(active(child) for child in children(node))
        return reach[node]

    gathered: dict[Expression, list[Expression]] = {root: [cotangent]}
    found: dict[Symbol, Expression] = {}
    steps: list[Pull] = []
    for node in _topological(root, active):
        whole = add(*gathered.get(node, ()))
        if isinstance(node, Symbol):
            found[node] = whole
            continue
        if whole == ZERO:
            continue  # everything above it has slope 0
        called = output if node is root else node
        contributions = tuple(
            (operand, given)
            for operand, given in pull(node, called, whole)
            if active(operand) and given != ZERO
        )
        steps.append(Pull(node, whole, contributions))
        for operand, given in contributions:
            gathered.setdefault(operand, []).append(given)
    return found, steps


def derivative(tree: Expression, variable: Symbol, output: Expression | None = None) -> Expression:
    """Return d tree / d variable of a scalar formula, as the rules give it, not simplified.

    >>> z = Symbol("z")
    >>> print(derivative(1 / (1 + exp(-z)), z))
    e^(−z)/(1 + e^(−z))²
    """
    found, _ = pull_back(tree, output or tree, ONE, [variable])
    return found.get(variable, ZERO)


@dataclass(frozen=True)
class Equation:
    """``left = right``: a definition of the forward pass, or a cotangent of the backward pass."""

    left: Symbol
    right: Expression


def depends(equations: Sequence[Equation], wanted: Iterable[Symbol]) -> set[Symbol]:
    """Return the wanted symbols and every defined symbol that depends on one of them."""
    active = set(wanted)
    for equation in equations:
        if symbols(equation.right) & active:
            active.add(equation.left)
    return active


def cotangents(
    equations: Sequence[Equation],
    loss: Symbol,
    wanted: Sequence[Symbol],
    called: Callable[[Symbol], Symbol],
) -> tuple[list[Equation], list[Pull]]:
    """Return the equations of the backward pass: one per symbol that depends on a wanted one.

    ``called`` returns the symbol of a symbol's cotangent (δ_o, ∂Loss/∂W_ho).  The cotangent of a
    symbol that is used several times is the sum of all contributions; that of a wanted symbol
    without influence on ``loss`` is 0.  Also returns every step.  The equations are in an order in
    which they can be computed.
    """
    active = depends(equations, wanted)
    first: dict[Symbol, Equation] = {}
    for equation in equations:
        for symbol in symbols(equation.right):
            first.setdefault(symbol, equation)
    positions = {symbol: position for position, symbol in enumerate(wanted)}
    gathered: dict[Symbol, list[Expression]] = {loss: [ONE]}
    backward: list[Equation] = []
    trace: list[Pull] = []

    def settle(symbol: Symbol) -> Expression:
        whole = add(*gathered[symbol])
        if isinstance(whole, (Number, Size)) and symbol not in wanted:
            return whole  # ∂Loss/∂Loss = 1 needs no name
        equation = Equation(called(symbol), whole)
        backward.append(equation)
        return equation.left

    for equation in reversed(equations):
        if equation.left not in active or equation.left not in gathered:
            continue
        cotangent = settle(equation.left)
        inside = symbols(equation.right) & active
        found, steps = pull_back(equation.right, equation.left, cotangent, inside)
        trace.extend(steps)
        for symbol, given in found.items():
            gathered.setdefault(symbol, []).append(given)
        for symbol in sorted(
            (each for each in inside if each in positions), key=positions.__getitem__
        ):
            # The sum is complete as soon as no earlier equation can add to it.
            if first[symbol] is equation:
                settle(symbol)
    # What the loss does not depend on has the derivative 0.
    backward.extend(Equation(called(symbol), ZERO) for symbol in wanted if symbol not in gathered)
    return backward, trace
