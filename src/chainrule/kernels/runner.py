"""A fused Plan with its memory in the core: values in and out by name, steps over rows."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import DTypeLike

from chainrule.arrays import Array
from chainrule.kernels import core_library
from chainrule.kernels.program_cache import prepared_for
from chainrule.plans.fusion.fused_plan import UNIT
from chainrule.plans.plan import Plan

if core_library.available():
    from chainrule.kernels import _core

PIECE = 1024
"""Rows that a prediction or a held-out loss computes at a time, to bound its memory."""


class Runner:
    """A program with its memory: values in and out by name.

    ``given`` are the arrays with samples, whose rows are read batch by batch; ``values`` all
    others.  ``seed`` is that of what is drawn at random: each step draws what step 1 of a run does.
    """

    def __init__(
        self,
        plan: Plan,
        wanted: Iterable[str],
        values: Mapping[str, Array | float],
        given: Mapping[str, Array],
        dtype: DTypeLike,
        rows: int,
        *,
        whole_rows: bool = False,
        threads: int = 1,
        seed: int = 0,
    ) -> None:
        core_library.require()
        self.plan = plan
        self.dtype = np.dtype(dtype)
        single = self.dtype == np.float32
        self.prepared = prepared_for(
            plan,
            tuple(wanted),
            {**values, **given},
            rows,
            single=single,
            lanes=_core.lanes(single),
            natives=core_library.natives(),
            whole_rows=whole_rows,
        )
        self.program = self.prepared.program
        self.machine = _core.Machine(
            single,
            axes=self.program.axes,
            values=self.program.values,
            instructions=self.program.instructions,
            formulas=self.program.formulas,
            operands=self.program.operands,
            slots=self.program.slots,
            tape=self.program.tape,
            scalar_code=self.program.scalar_code,
            constants=self.program.constants,
            counts=self.program.counts,
        )
        self.machine.set_threads(threads)
        self.machine.set_draws(seed, 1)
        for slot, length in self.prepared.lengths:
            self.machine.set_scalar(slot, length)
        for name, value in values.items():
            self.write(name, value)
        # The memory of an optimizer is zero at the start, as all of the machine is.
        self.source_names = [name for name in given if name in self.program.stored]
        self.sources = [
            (stored.number, stored.transposed, array if array.ndim == 2 else array[:, None])
            for name in self.source_names
            for stored, array in [(self.program.stored[name], given[name])]
        ]

    def write(self, name: str, value: Array | float) -> None:
        """Set an input, parameter or memory to this value, in its own shape."""
        site = self.prepared.site(name)
        if site is None:
            return
        if site.view is None:
            self.machine.set_scalar(site.number, float(value))
        else:
            array = site.view(np.asarray(value, dtype=self.dtype))
            self.machine.write(site.number, site.transposed, array)

    def read(self, name: str, into: Array) -> None:
        """Copy a value of the Plan into a matrix with its sides."""
        reference = self.program.fused.found(name)
        if self.program.fused.sides[reference.name] == UNIT:
            into[...] = self.scalar(name)
            return
        stored = self.program.stored[reference.name]
        self.machine.read(
            stored.number, stored.transposed, into.T if reference.transposed else into
        )

    def read_parameter(self, name: str, into: Array) -> None:
        """Copy a parameter or memory into an array of its own shape."""
        site = self.prepared.site(name)
        if site is None:
            return
        if site.view is None:
            into[...] = self.machine.scalar(site.number)
        else:
            self.machine.read(site.number, site.transposed, site.view(into))

    def scalar(self, name: str) -> float:
        """Return a value that is a single number."""
        slot = self.program.scalar_slots[self.program.fused.found(name).name]
        return float(self.machine.scalar(slot))

    def source_of(self, name: str) -> int:
        """Return the position of an array with samples in ``sources``, -1 if it has none."""
        return self.source_names.index(name) if name in self.source_names else -1

    def step(self, first: int, count: int) -> bool:
        """Run one step over rows of the given arrays."""
        done: bool = self.machine.step(self.sources, first, count)
        return done
