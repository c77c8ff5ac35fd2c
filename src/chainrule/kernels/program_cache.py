"""Prepared programs: a Plan for arrays of given shapes, and where its values are stored.

Preparing one takes longer than a small run, so they are stored.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from chainrule.arrays import Array
from chainrule.formulas.arrange import orient
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Symbol
from chainrule.kernels.bounded_cache import BoundedCache
from chainrule.kernels.program import Program
from chainrule.kernels.program_assembly import TooLarge, assembled
from chainrule.kernels.reference import as_matrix, with_other_names
from chainrule.plans.fusion.fuse import fuse
from chainrule.plans.fusion.fused_plan import UNIT, FusedPlan
from chainrule.plans.plan import Plan

_LARGEST_MEMORY = 64
"""The most programs that are stored; each is a few kilobytes."""

_programs: "BoundedCache[Prepared]" = BoundedCache(_LARGEST_MEMORY)


@dataclass(frozen=True)
class Site:
    """Where a value is stored in a program, and the view of its array as a matrix."""

    number: int
    """Of the matrix, or of the slot of a single number."""
    transposed: bool
    view: Callable[[Array], Array] | None
    """None for a single number."""


class Prepared:
    """A Plan's program at given sizes, with the lookups of each run."""

    def __init__(self, plan: Plan, program: Program, sizes: Mapping[Axis, int]) -> None:
        self.plan = plan  # stored, so that its id is not used again
        self.program = program
        self.symbols = {symbol.name: symbol for symbol in (*plan.inputs, *plan.memory)}
        self.lengths = [
            (program.scalar_slots[f"|{axis.name}|"], length)
            for axis, length in sizes.items()
            if not axis.is_samples
        ]
        self._sites: dict[str, Site | None] = {}

    def site(self, name: str) -> Site | None:
        """Return where an input, parameter or memory is stored, if the program has it."""
        if name not in self._sites:
            self._sites[name] = self._look_up(name)
        return self._sites[name]

    def _look_up(self, name: str) -> Site | None:
        symbol = self.symbols.get(name)
        if symbol is None:
            return None
        if self.program.fused.sides[name] == UNIT:
            slot = self.program.scalar_slots.get(name)
            return None if slot is None else Site(slot, False, None)
        stored = self.program.stored.get(name)
        if stored is None:
            return None
        view: Callable[[Array], Array] = partial(as_matrix, symbol=symbol)
        if orient(symbol.axes, "rows") == symbol.axes:
            view = _unchanged
        elif len(symbol.axes) == 1:
            view = _column if symbol.axes[0].is_samples else _row
        return Site(stored.number, stored.transposed, view)


def _unchanged(array: Array) -> Array:
    """Return a matrix as it is."""
    return array


def _row(array: Array) -> Array:
    """Return (n,) as (1, n)."""
    return array[None, :]


def _column(array: Array) -> Array:
    """Return (samples,) as (samples, 1)."""
    return array[:, None]


def prepared_for(
    plan: Plan,
    wanted: tuple[str, ...],
    values: Mapping[str, Array | float],
    rows: int,
    *,
    single: bool,
    lanes: int,
    natives: Mapping[str, int],
    whole_rows: bool = False,
) -> Prepared:
    """Return the program of a Plan for values of these shapes, built once.

    ``lanes`` are the entries of a vector of the core, ``natives`` its generated kernels by their
    text.  With ``whole_rows`` it reads inputs from the caller's arrays where they are used only
    as the left factor of products.
    """
    shapes = [v.shape if isinstance(v, np.ndarray) else _shape(v) for v in values.values()]
    key = (id(plan), wanted, rows, single, whole_rows, *values, *shapes)

    def make() -> Prepared:
        symbols = (*plan.inputs, *plan.memory)
        sizes = with_other_names(sizes_of(symbols, values, rows), plan.formulation)
        return Prepared(plan, _program(plan, wanted, sizes, lanes, natives, whole_rows), sizes)

    return _programs.get(key, make)


def _program(
    plan: Plan,
    wanted: tuple[str, ...],
    sizes: dict[Axis, int],
    lanes: int,
    natives: Mapping[str, int],
    whole_rows: bool,
) -> Program:
    """Return the program of a Plan for these sizes."""

    def built(fused: FusedPlan) -> Program:
        program = assembled(fused, sizes, lanes, natives)
        if not whole_rows:
            return program
        given = (symbol for symbol in plan.inputs if symbol.axes and symbol.axes[0].is_samples)
        direct = frozenset(
            symbol.name
            for symbol in given
            if (stored := program.stored.get(symbol.name)) is not None
            and len(symbol.axes) == 2
            and not stored.transposed
            and symbol.name not in program.read_by_vectors
        )
        return assembled(fused, sizes, lanes, natives, from_caller=direct) if direct else program

    try:
        return built(fuse(plan, wanted))
    except TooLarge:
        return built(fuse(plan, wanted, together=False))


def _shape(value: Array | float) -> tuple[int, ...]:
    """Return the shape of an array; () for a number."""
    return () if isinstance(value, float) else np.shape(value)


def sizes_of(
    symbols: Iterable[Symbol], values: Mapping[str, Array | float], rows: int
) -> dict[Axis, int]:
    """Return the length of each axis, from the arrays; that of the samples is ``rows``."""
    sizes: dict[Axis, int] = {}
    for symbol in symbols:
        if symbol.name in values:
            lengths = np.shape(values[symbol.name])
            sizes.update(zip(symbol.axes, lengths, strict=True))
    for axis in sizes:
        if axis.is_samples:
            sizes[axis] = rows
    return dict(sorted(sizes.items(), key=lambda item: (item[0].position, item[0].name)))
