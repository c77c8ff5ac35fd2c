"""Named rewrites: from the result of the rules to the form that a textbook prints.

Every rewrite takes an expression and returns an equal one; each can be checked by evaluating both.
Most of them use a normal form, a sum of monomials, in which every expression that is not a sum, a
product or a power (a symbol, a function, an inner sum over an axis) is an atom.

=========================  ====================================================================
``cancel``                 multiply out, cancel x · 1/x, move what does not depend on an index
                           out of its sum, collect, and put the common factor in front
``assume``                 substitute facts that a loss states (rows of targets sum to one)
``in_output``              write a derivative in the output of the function (1/(1+e⁻ᶻ) = a)
``safe_logarithms``        log f(z) by the function's own overflow-safe form
=========================  ====================================================================
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm

from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import (
    ZERO,
    Add,
    Apply,
    Expression,
    Number,
    Ones,
    Power,
    Product,
    Size,
    Symbol,
    add,
    children,
    power,
    product,
    rebuild,
    substitute,
    symbols,
)
from chainrule.formulas.functions import Function, log

Monomial = tuple[tuple[Expression, Fraction], ...]
"""Atoms with their exponents, in the order of ``_rank``."""
Polynomial = dict[Monomial, Fraction]
"""Coefficients of monomials."""

_LARGEST_EXPANSION = 4
"""Powers of sums are multiplied out up to this exponent."""


def cancel(tree: Expression, keep: Iterable[Expression] = ()) -> Expression:
    """Multiply out, cancel and collect; the sums in ``keep`` are not multiplied out.

    Sums in denominators are not multiplied out either.

    >>> y, a = Symbol("y"), Symbol("a")
    >>> print(cancel((-y / a + (1 - y) / (1 - a)) * a * (1 - a)))
    a − y
    """
    return _cancelled(tree, frozenset(keep))


@lru_cache(maxsize=4096)
def _cancelled(tree: Expression, keep: frozenset[Expression]) -> Expression:
    # Layouts, documents and checks of one network derive the same equations again.
    whole_sums = keep | denominators(tree)
    first = _built(_folded(_polynomial(tree, whole_sums), whole_sums))
    # Denominators were not multiplied out; those that have cancelled can be now.
    still = denominators(first) | keep
    return first if still == whole_sums else _built(_polynomial(first, still))


def denominators(tree: Expression) -> frozenset[Expression]:
    """Return the sums that something is divided by."""
    found: set[Expression] = set()
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, Power) and isinstance(node.base, Add) and _exponent(node) < 0:
            found.add(node.base)
        pending.extend(children(node))
    return frozenset(found)


def numerators(tree: Expression) -> frozenset[Expression]:
    """Return the sums that are factors of a product."""
    factors = tree.factors if isinstance(tree, Product) else ()
    return frozenset(factor for factor in factors if isinstance(factor, Add))


def _exponent(node: Power) -> Fraction:
    return node.exponent.value if isinstance(node.exponent, Number) else Fraction(0)


def _polynomial(tree: Expression, whole_sums: frozenset[Expression]) -> Polynomial:
    if tree in whole_sums:
        return _atom(tree)
    match tree:
        case Number() if not tree.name:
            return {(): tree.value} if tree.value else {}
        case Add():
            result: Polynomial = {}
            for term in tree.terms:
                _accumulate(result, _polynomial(term, whole_sums))
            return result
        case Product() if not tree.summed:
            return _multiplied(tree.factors, whole_sums)
        case Product():
            return _sum_over(_multiplied(tree.factors, whole_sums), tree.summed)
        case Power():
            return _raised(tree, whole_sums)
    parts = children(tree)
    if not parts:
        return _atom(tree)
    inner = tuple(_over_axes_of(part, _built(_polynomial(part, whole_sums))) for part in parts)
    return _atom(rebuild(tree, inner))


def _over_axes_of(before: Expression, after: Expression) -> Expression:
    """Restore the axes of a part that became constant: softmax(q − q) needs its layer's axis."""
    missing = tuple(axis for axis in before.axes if axis not in after.axes)
    return Product((after, Ones(missing))) if missing else after


def _folded(polynomial: Polynomial, whole_sums: frozenset[Expression]) -> Polynomial:
    """Collect the terms of a sum: e^z/D + e^(−z)/D is D/D = 1 where D = e^z + e^(−z)."""
    result = dict(polynomial)
    for whole in sorted(whole_sums, key=str):
        parts = list(_polynomial(whole, frozenset()).items())
        if len(parts) < 2:
            continue
        (first, scale), rest = parts[0], parts[1:]
        for monomial in list(result):
            if monomial not in result:
                continue
            ratio = result[monomial] / scale
            shared = _times(monomial, tuple((base, -exponent) for base, exponent in first))
            group = [(_times(shared, part), value * ratio) for part, value in rest]
            if all(result.get(part) == value for part, value in group):
                for part, value in [(monomial, result[monomial]), *group]:
                    _accumulate(result, {part: -value})
                _accumulate(result, {_times(shared, ((whole, Fraction(1)),)): ratio})
    return result


def _atom(tree: Expression, exponent: Fraction = Fraction(1)) -> Polynomial:
    return {((tree, exponent),): Fraction(1)}


def _accumulate(into: Polynomial, other: Polynomial) -> None:
    for monomial, coefficient in other.items():
        summed = into.get(monomial, Fraction(0)) + coefficient
        if summed:
            into[monomial] = summed
        else:
            into.pop(monomial, None)


def _multiplied(factors: Iterable[Expression], whole_sums: frozenset[Expression]) -> Polynomial:
    result: Polynomial = {(): Fraction(1)}
    for factor in factors:
        other = _polynomial(factor, whole_sums)
        crossed: Polynomial = {}
        for left, c in result.items():
            for right, d in other.items():
                _accumulate(crossed, {_times(left, right): c * d})
        result = crossed
    return result


def _times(left: Monomial, right: Monomial) -> Monomial:
    exponents = dict(left)
    for base, exponent in right:
        exponents[base] = exponents.get(base, Fraction(0)) + exponent
    whole_sums = [(base, exponent) for base, exponent in exponents.items() if exponent]
    return tuple(sorted(whole_sums, key=lambda entry: _rank(entry[0])))


@lru_cache(maxsize=16384)
def _rank(tree: Expression) -> tuple[int, str]:
    # Scalars before arrays, then by name: an order that does not depend on hashing.
    return (len(tree.axes), str(tree))


def _raised(tree: Power, whole_sums: frozenset[Expression]) -> Polynomial:
    exponent = _exponent(tree)
    base = _polynomial(tree.base, whole_sums)
    if exponent and len(base) == 1 and exponent.denominator == 1:
        ((monomial, coefficient),) = base.items()
        raised = tuple((atom, inner * exponent) for atom, inner in monomial)
        return {raised: coefficient ** int(exponent)}
    if exponent.denominator == 1 and 0 < exponent <= _LARGEST_EXPANSION:
        return _multiplied([tree.base] * int(exponent), whole_sums)
    whole = tree.base if tree.base in whole_sums else _built(base)
    if exponent:
        return _atom(whole, exponent)
    return _atom(Power(whole, tree.exponent))


def _sum_over(polynomial: Polynomial, axes: tuple[Axis, ...]) -> Polynomial:
    result: Polynomial = {}
    for monomial, coefficient in polynomial.items():
        inside = tuple(part for part in monomial if set(part[0].axes) & set(axes))
        outside = tuple(part for part in monomial if part not in inside)
        summed = product(*(power(base, Number(exponent)) for base, exponent in inside), over=axes)
        _accumulate(result, {_times(outside, ((summed, Fraction(1)),)): coefficient})
    return result


def _built(polynomial: Polynomial) -> Expression:
    if not polynomial:
        return Number(Fraction(0))
    common, coefficient = _common_factor(polynomial)
    inverse = tuple((base, -exponent) for base, exponent in common)
    terms = [
        (value / coefficient, _times(monomial, inverse)) for monomial, value in polynomial.items()
    ]
    # Positive terms first: A − Y, not −Y + A; and plain numbers before symbols: 1 − a.
    terms.sort(key=lambda term: (term[0] < 0, len(term[1])))
    whole = add(*(product(value, *_factors(monomial)) for value, monomial in terms))
    return product(coefficient, *_factors(common), whole)


def _factors(monomial: Monomial) -> list[Expression]:
    return [power(base, Number(exponent)) for base, exponent in monomial]


def _common_factor(polynomial: Polynomial) -> tuple[Monomial, Fraction]:
    monomials = [dict(monomial) for monomial in polynomial]
    common = []
    for base in monomials[0]:
        exponents = [monomial.get(base, Fraction(0)) for monomial in monomials]
        if all(exponent > 0 for exponent in exponents):
            common.append((base, min(exponents)))
        elif all(exponent < 0 for exponent in exponents):
            common.append((base, max(exponents)))
    values = list(polynomial.values())
    number = Fraction(
        gcd(*(value.numerator for value in values)), lcm(*(value.denominator for value in values))
    )
    if all(value < 0 for value in values):
        number = -number
    return tuple(common), number


def assume(tree: Expression, facts: Mapping[Expression, Expression]) -> Expression:
    """Substitute facts (left side: right side) and cancel: Σₖ yₖ = 1 makes a Σₖ yₖ − y a − y."""
    replaced = substitute(tree, facts)
    return tree if replaced == tree else cancel(replaced)


def without_deviations(tree: Expression, facts: Mapping[Expression, Expression]) -> Expression:
    """Leave out sums that are 0 by a fact, such as Σ (x − μ) = 0 where μ is the mean of x.

    Factors that do not have the axis of the sum may be inside it.

    >>> from chainrule.formulas.axes import Axis
    >>> from chainrule.formulas.expressions import total
    >>> i = Axis("i", 0)
    >>> x, mu, g = Symbol("x", (i,)), Symbol("μ"), Symbol("g")
    >>> print(without_deviations(g + product(2, g, x - mu, over=[i]), {total(x - mu, i): ZERO}))
    g
    """
    zeros = [left for left, right in facts.items() if right == ZERO and isinstance(left, Product)]
    if not zeros:
        return tree
    if isinstance(tree, Product) and any(_is_zero(tree, zero) for zero in zeros):
        return ZERO
    parts = children(tree)
    changed = tuple(without_deviations(part, facts) for part in parts)
    return tree if changed == parts else rebuild(tree, changed)


def _is_zero(tree: Product, zero: Product) -> bool:
    (deviation,), summed = zero.factors, set(zero.summed)
    others = list(tree.factors)
    if deviation not in others or not summed <= set(tree.summed):
        return False
    others.remove(deviation)
    return not any(summed & set(factor.axes) for factor in others)


def in_output(derivative: Expression, value: Expression, z: Symbol, a: Symbol) -> Expression:
    """Return a derivative in the output a, by solving a = value(z) from the outside in.

    For 1/(1+e⁻ᶻ): 1+e⁻ᶻ = 1/a and e⁻ᶻ = 1/a − 1.

    >>> from chainrule.formulas.functions import exp
    >>> z, a = Symbol("z"), Symbol("a")
    >>> slope = in_output(exp(-z) * (1 + exp(-z)) ** -2, 1 / (1 + exp(-z)), z, a)
    >>> print(slope)
    (1/a − 1) a²
    >>> print(cancel(slope))
    a(1 − a)
    """
    known: dict[Expression, Expression] = {value: a}
    node, image = value, a + 0
    while True:
        step = _solved(node, image, z)
        if step is None:
            return substitute(derivative, known)
        node, image = step
        known[node] = image


def _solved(node: Expression, image: Expression, z: Symbol) -> tuple[Expression, Expression] | None:
    """Given node = image, return the part of the node that holds z and what it equals."""
    match node:
        case Power() if _exponent(node) == -1:
            return node.base, power(image, -1)
        case Add() | Product(summed=()):
            parts = [part for part in children(node) if z in symbols(part)]
            if not parts or (isinstance(node, Add) and len(parts) > 1):
                return None
            rest = [part for part in children(node) if part is not parts[0]]
            if isinstance(node, Add):
                return parts[0], add(image, *(product(-1, part) for part in rest))
            return parts[0], product(image, *(power(part, -1) for part in rest))
    return None


def factored(tree: Expression) -> Expression:
    """Put the sizes that every term of a sum has in front of it; nothing is multiplied out.

    >>> from chainrule.formulas.axes import Axis
    >>> from chainrule.formulas.expressions import Size
    >>> n, y, a = Size(Axis("o", 0, "n")), Symbol("y"), Symbol("a")
    >>> print(factored(1 / n - y / a / n))
    (1/n)(1 − y/a)
    """
    if not isinstance(tree, Add):
        return tree
    first, *others = (_constants(term) for term in tree.terms)
    shared = []
    for constant in first:
        if all(constant in other for other in others):
            shared.append(constant)
            for other in others:
                other.remove(constant)
    if not shared:
        return tree
    return product(*shared, add(*(_without(term, shared) for term in tree.terms)))


def _constants(term: Expression) -> list[Expression]:
    factors = term.factors if isinstance(term, Product) and not term.summed else (term,)
    return [
        f
        for f in factors
        if isinstance(f, Size) or (isinstance(f, Power) and isinstance(f.base, Size))
    ]


def _without(term: Expression, shared: list[Expression]) -> Expression:
    left = list(term.factors) if isinstance(term, Product) and not term.summed else [term]
    for constant in shared:
        left.remove(constant)
    return product(*left)


def length(tree: Expression) -> int:
    """Return how long a formula is: its leaves and functions; numbers and operators count 0."""
    own = 0 if isinstance(tree, (Add, Product, Power, Number)) else 1
    return own + sum(length(part) for part in children(tree))


def sums(tree: Expression) -> int:
    """Return the number of sums over indices."""
    own = 1 if isinstance(tree, Product) and tree.summed else 0
    return own + sum(sums(part) for part in children(tree))


def safe_logarithms(tree: Expression, defined: Mapping[Symbol, Expression]) -> Expression:
    """Replace log f(z) and log(1 − f(z)) by the overflow-safe forms that f states.

    ``defined`` maps a symbol to its right side: log a_o with a_o = softmax(z_o) becomes the
    log-softmax of z_o, which is finite where a_o has underflowed to 0.
    """
    if isinstance(tree, Apply) and tree.function is log:
        (inside,) = tree.arguments
        safe = _safe_logarithm(inside, defined)
        if safe is not None:
            return safe
    parts = children(tree)
    changed = tuple(safe_logarithms(part, defined) for part in parts)
    return tree if changed == parts else rebuild(tree, changed)


def _safe_logarithm(inside: Expression, defined: Mapping[Symbol, Expression]) -> Expression | None:
    found = symbols(inside)
    if len(found) != 1:
        return None
    (symbol,) = found
    source = defined.get(symbol)
    if not (isinstance(source, Apply) and isinstance(source.function, Function)):
        return None
    function, argument = source.function, source.arguments[0]
    stated = {symbol: function.logarithm, 1 - symbol: function.log_complement}.get(inside)
    if stated is None:
        return None
    return function.body(stated, {"z": argument}, function.layer_axis(argument))
