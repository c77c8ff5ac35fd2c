"""Independent values: what a displayed line has to give, found without the derivation.

=============  =====================================================================
forward        the same equation by axis name, in index notation
gradients      the complex step through the printed forward equations
updates        the step that the reference backend runs
=============  =====================================================================

The complex step is exact to rounding.  Where a sample lies exactly on a kink (z = 0 of relu) there
is no derivative to find, and the index form at the declared slope is the witness instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import ChainruleError
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Expression, Symbol
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.positional import MatrixEvaluation, laid_out
from chainrule.formulas.simplify import safe_logarithms
from chainrule.kernels.verification import COMPLEX_STEP, Forward, distance_from_kinks
from chainrule.network.formulation import Formulation
from chainrule.report.batch import Batch

Array = NDArray[Any]
Method = Literal["index", "complex", "reference", "none"]

LIMIT = 1e-9
"""The relative error up to which a line is right: rounding stays far below, a slip far above."""
ENTRIES, SINGLE, MIXED = 48, 16, 8
"""Arrays up to this size are checked entry by entry, larger ones along single and mixed entries."""


@dataclass(frozen=True)
class Mark:
    """The verdict on one displayed formula: how it was checked, and how far off it is.

    ``passed`` is None where nothing independent could be found.
    """

    method: Method
    error: float = 0.0

    @property
    def passed(self) -> bool | None:
        """Whether the line agrees with the independent value."""
        return None if self.method == "none" else bool(self.error <= LIMIT)


class Witness:
    """Finds the independent values of one batch, and marks formulas by them."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._found: dict[Symbol, list[float]] = {}
        self._forward: dict[Symbol, Forward] = {}

    @cached_property
    def on_kink(self) -> bool:
        """Whether some sample lies exactly where a slope jumps."""
        return distance_from_kinks(self.batch.formulation, self.batch.given) == 0.0

    @cached_property
    def cotangents(self) -> dict[Symbol, Symbol]:
        """Which symbol each cotangent is the derivative by."""
        return {entry.left: entry.of for entry in self.batch.gradients.backward}

    def mark(self, matrix: Matrix, left: Symbol, named: Evaluation, *, update: bool) -> Mark:
        """Return the verdict on ``left = matrix`` (or ``left ← matrix``)."""
        try:
            with np.errstate(all="ignore"):
                found = MatrixEvaluation(named)(matrix)
        except (ValueError, ChainruleError):
            return Mark("index", np.inf)  # shapes that do not meet
        if len(left.axes) > 2 or not np.isfinite(found).all():
            return Mark("none")
        if update:
            expected = laid_out(self.batch.after[left.name], left.axes, matrix.sides)
            before = laid_out(np.asarray(self.batch.given[left.name]), left.axes, matrix.sides)
            return Mark("reference", _error(found, expected, before))
        expected = laid_out(self.batch.named(left), left.axes, matrix.sides)
        if found.shape != expected.shape:
            return Mark("index", np.inf)
        if left not in self.cotangents or self.on_kink:
            return Mark("index", _error(found, expected))
        mark = self._by_complex_step(found, matrix, left)
        # Along a few directions only, where the array is large: the rest by the index form.
        return replace(mark, error=max(mark.error, _error(found, expected)))

    def mark_scalar(self, means: Expression, left: Symbol) -> Mark | None:
        """Return the verdict on a loss in index notation: by what the reference computes."""
        if left.name not in self.batch.losses:
            return None
        expected = self.batch.losses[left.name]
        found = float(self.batch.named(means))
        if not np.isfinite(found):
            # log 0 in the printed form, where training uses a safe one.
            return Mark("none")
        return Mark("reference", _error(np.array([found]), np.array([expected])))

    def mark_entry(self, symbol: Symbol, index: tuple[int, ...], gradient: float) -> Mark:
        """Return the verdict on one number of a gradient."""
        direction = np.zeros(self.batch.named(symbol).shape)
        direction[index] = 1.0
        expected = self._slope(symbol, direction)
        if self.on_kink or not np.isfinite([expected, gradient]).all():
            return Mark("none")
        return Mark("complex", _error(np.array([gradient]), np.array([expected])))

    def _by_complex_step(self, found: Array, matrix: Matrix, left: Symbol) -> Mark:
        symbol = self.cotangents[left]
        directions = list(_directions(self.batch.named(symbol).shape))
        expected = self._slopes(symbol, directions)
        if not np.isfinite(expected).all():
            return Mark("none")
        sides = [laid_out(direction, symbol.axes, matrix.sides) for direction in directions]
        along = np.array([np.sum(found * direction) for direction in sides])
        return Mark("complex", _error(along, np.array(expected)))

    def _slopes(self, symbol: Symbol, directions: list[Array]) -> list[float]:
        if symbol not in self._found:
            self._found[symbol] = [self._slope(symbol, direction) for direction in directions]
        return self._found[symbol]

    def _slope(self, symbol: Symbol, direction: Array) -> float:
        """Return how the loss changes with one symbol, all that comes before it held."""
        if symbol not in self._forward:
            given = {**self.batch.given, symbol.name: self.batch.named(symbol)}
            formulation = _taken_as_given(self.batch.formulation, symbol)
            self._forward[symbol] = Forward(formulation, given)
        forward = self._forward[symbol]
        moved = forward.values[symbol.name] + 1j * COMPLEX_STEP * direction
        return float(np.imag(forward.loss({symbol.name: moved}))) / COMPLEX_STEP


def _taken_as_given(formulation: Formulation, symbol: Symbol) -> Formulation:
    """Return the forward equations with a symbol's own left out, logarithms in safe form."""
    defined = {left: right for left, right in formulation.defined.items() if left != symbol}
    equations = tuple(
        replace(equation, right=safe_logarithms(equation.right, defined))
        for equation in formulation.equations
        if equation.left != symbol
    )
    inputs = formulation.inputs
    if symbol in formulation.defined:
        inputs = (*inputs, symbol)
    return replace(formulation, equations=equations, inputs=inputs)


def _directions(shape: tuple[int, ...]) -> Iterator[Array]:
    """Yield every unit direction of a small array, single and mixed ones of a large one."""
    size = int(np.prod(shape))
    if size <= ENTRIES:
        for place in range(size):
            direction = np.zeros(shape)
            direction.flat[place] = 1.0
            yield direction
        return
    generator = np.random.default_rng(0)
    for place in generator.choice(size, SINGLE, replace=False):
        direction = np.zeros(shape)
        direction.flat[place] = 1.0
        yield direction
    for _ in range(MIXED):
        direction = generator.normal(size=shape)
        yield direction / np.linalg.norm(direction)


def _error(found: Array, expected: Array, before: Array | None = None) -> float:
    """Return ‖found − expected‖ over the size of what was to be found.

    That is ‖expected‖, no less than 10⁻³; after a step from ``before`` it is the size of the step,
    no less than what the rounding of the parameters leaves of one.
    """
    if found.shape != expected.shape:
        return np.inf
    size = max(float(np.linalg.norm(expected)), 1e-3)
    if before is not None:
        size = max(float(np.linalg.norm(expected - before)), 1e-6 * size)
    return float(np.linalg.norm(found - expected)) / size
