"""The value of a loss at many points at once: symbols moved along directions.

The directions are one more axis, the first, of everything that depends on what is moved, so that
each equation is evaluated once for all of them.  With a step along the imaginary axis the imaginary
part of a loss is its derivative (the complex step); with a real step two losses are a difference.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from chainrule.arrays import Array
from chainrule.formulas.axes import SAMPLES_POSITION, Axis
from chainrule.formulas.differentiate import Equation, depends
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Expression, Symbol, substitute, symbols

_DIRECTIONS = Axis("D", SAMPLES_POSITION - 1)

DIRECTIONS = 512
"""The most directions of a network: with many arrays, each is moved along fewer."""
WORK = 500_000_000
"""The most products of a weight and a value in the evaluations along directions."""
FEWEST = 2
"""Every array is moved along one entry and along one mixed direction at least."""
TOGETHER = 1_000_000
"""The most numbers of one evaluation along several directions."""

Move = tuple[Symbol, Array]
"""A symbol and a direction in its shape."""


def losses_along(
    equations: Sequence[Equation],
    loss: Symbol,
    known: Evaluation,
    moves: Sequence[Move],
    step: complex,
) -> Array:
    """Return the loss after each move by ``step`` alone, shape (moves,).

    ``known`` evaluates every symbol where nothing is moved; a symbol that an equation defines may
    be moved too.  Functions are evaluated in their printed form.

    >>> x = Symbol("x")
    >>> known = Evaluation({"x": 3.0, "Loss": 9.0})
    >>> moves = [(x, np.asarray(1.0)), (x, np.asarray(2.0))]
    >>> losses_along([Equation(Symbol("Loss"), x**2)], Symbol("Loss"), known, moves, 1.0)
    array([16., 25.])
    """
    rows: dict[Symbol, list[int]] = {}
    for number, (symbol, _) in enumerate(moves):
        rows.setdefault(symbol, []).append(number)
    active = depends(equations, rows)
    if loss not in active:
        return np.full(len(moves), known(loss))
    lifted: dict[Symbol, Expression] = {
        symbol: Symbol(symbol.name, (_DIRECTIONS, *symbol.axes)) for symbol in active
    }
    kind = np.result_type(type(step), np.float64)
    at = Evaluation({}, form="value", dtype=kind)
    at.sizes = {**known.sizes, _DIRECTIONS: len(moves)}

    def define(symbol: Symbol, value: Array) -> None:
        target = lifted[symbol]
        assert isinstance(target, Symbol)
        if symbol in rows:
            value = np.array(np.broadcast_to(value, (len(moves), *value.shape[1:])), kind)
            for number in rows[symbol]:
                value[number] += step * moves[number][1]
        at.define(target, value)

    computed = {equation.left for equation in equations}
    for symbol in rows:
        if symbol not in computed:
            define(symbol, np.asarray(known(symbol))[np.newaxis])
    given: set[Symbol] = set()
    for equation in equations:
        if equation.left not in active:
            continue
        inside = symbols(equation.right)
        for symbol in inside - active - given:
            at.define(symbol, known(symbol))
            given.add(symbol)
        axes = (_DIRECTIONS, *equation.left.axes)
        right = substitute(equation.right, {s: lifted[s] for s in inside if s in lifted})
        define(equation.left, at.spread(right, axes))
    return at(lifted[loss])


def parts_of(
    equations: Sequence[Equation], sizes: Mapping[Symbol, int], moves: Iterable[Move]
) -> Iterator[list[Move]]:
    """Cut moves into parts of which each is evaluated at once; ``sizes`` are those of symbols."""
    part: list[Move] = []
    moved: dict[Symbol, None] = {}
    size = 0
    for symbol, direction in moves:
        if symbol not in moved:
            moved[symbol] = None
            size = sum(sizes[each] for each in depends(equations, moved))
        if part and (len(part) + 1) * size > TOGETHER:
            yield part
            part, moved = [], {symbol: None}
            size = sum(sizes[each] for each in depends(equations, moved))
        part.append((symbol, direction))
    if part:
        yield part


def most_directions(arrays: int, products: int) -> int:
    """Return along how many directions each of so many arrays may be moved.

    ``products`` are those of one evaluation: where it is long, there are fewer.
    """
    most = min(DIRECTIONS, WORK // max(1, products)) // max(1, arrays)
    return max(FEWEST, most)


def directions_in(
    shape: tuple[int, ...], seed: int, most: int, single: int, mixed: int
) -> Iterator[Array]:
    """Yield directions in this shape: all units up to ``most``, else single and mixed ones."""
    size = int(np.prod(shape))
    chosen: Iterable[int] = range(size)
    generator = np.random.default_rng(seed)
    if size > most:
        chosen = generator.choice(size, single, replace=False)
    for index in chosen:
        direction = np.zeros(shape)
        direction.flat[index] = 1.0
        yield direction
    for _ in range(mixed if size > most else 0):
        direction = generator.normal(size=shape)
        yield direction / np.linalg.norm(direction)
