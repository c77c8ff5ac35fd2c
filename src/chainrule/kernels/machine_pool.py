"""Outputs of networks from a pool of reusable machines of the core.

Creating a machine is the larger part of the work for one row.  The parameters are written into the
machine in each call, so that a machine serves every network of the same kind.
"""

from collections.abc import Mapping

import numpy as np

from chainrule.arrays import RealArray, RealType
from chainrule.kernels.plan_cache import prediction_plan
from chainrule.kernels.runner import PIECE, Runner
from chainrule.network.architecture import Network

__all__ = ["outputs"]

_LARGEST_POOL = 16
_LARGEST_MACHINE = 1 << 24
"""Kinds of machines in the pool, and the most bytes of a machine in it."""

_idle: dict[tuple[Network, RealType, int], list["_Machine"]] = {}


class _Machine:
    """A runner for predictions of up to ``rows`` rows at a time."""

    def __init__(
        self, network: Network, values: Mapping[str, RealArray], dtype: RealType, rows: int
    ) -> None:
        self.plan = prediction_plan(network)
        example = np.zeros((rows, network.inputs[0].width), dtype)
        self.runner = Runner(
            self.plan,
            [self.plan.output],
            {**values, **network.constants},
            {network.input_names[0]: example},
            dtype,
            rows,
            whole_rows=True,
        )
        self.rows = rows
        self.number, self.turned, _ = self.runner.sources[0]
        self.runner.sources = []
        self.width = network.outputs[0].width

    def outputs(self, X: RealArray) -> RealArray:
        result = np.empty((len(X), self.width), self.runner.dtype)
        runner = self.runner
        sources = [(self.number, self.turned, X)]
        for first in range(0, len(X), self.rows):
            last = min(len(X), first + self.rows)
            runner.machine.step(sources, first, last - first)
            runner.read(self.plan.output, result[first:last])
        return result


def outputs(network: Network, values: Mapping[str, RealArray], X: RealArray) -> RealArray:
    """Return the outputs for rows in the values' type, (rows, outputs).

    Thread-safe: a machine is used by one call at a time.  Raises NotFused where the core has no
    form for the network.
    """
    rows = len(X)
    capacity = 1 if rows == 1 else 64 if rows <= 64 else PIECE
    key = (network, X.dtype, capacity)
    idle = _idle.get(key)
    try:
        machine = idle.pop() if idle else None
    except IndexError:  # another thread has taken it
        machine = None
    if machine is None:
        machine = _Machine(network, values, X.dtype, capacity)
    else:
        for name, value in values.items():
            machine.runner.write(name, value)
    result = machine.outputs(X)
    _return(key, machine)
    return result


def _return(key: tuple[Network, RealType, int], machine: _Machine) -> None:
    if machine.runner.machine.bytes > _LARGEST_MACHINE:
        return
    while len(_idle) >= _LARGEST_POOL and key not in _idle:
        _idle.pop(next(iter(_idle)), None)
    machines = _idle.setdefault(key, [])
    if len(machines) < 2:
        machines.append(machine)
