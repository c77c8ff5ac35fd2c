"""Predictions: a network's outputs, from machines that are kept and lent.

scikit-learn's users may set ``coefs_`` or change them in place, so the weights are written into the
machine in each call; what is kept is only the machine, which is the larger part of the work for one
row.  Nothing of this is on the estimator, whose ``__dict__`` a prediction may not change.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import NotFused
from chainrule.kernels import core_library
from chainrule.kernels.plan_cache import prediction_plan
from chainrule.kernels.reference import Execution
from chainrule.kernels.runner import PIECE, Runner
from chainrule.network.architecture import Network

Array = NDArray[Any]

_MOST_KEPT = 16
_LARGEST_KEPT = 1 << 24
"""Machines kept, and the bytes that one may have to be kept."""

_idle: dict[tuple[Network, Any, int], list["_Machine"]] = {}


class _Machine:
    """A runner for predictions of up to ``rows`` rows at a time."""

    def __init__(self, network: Network, values: dict[str, Array], dtype: Any, rows: int) -> None:
        self.plan = prediction_plan(network)
        example = np.zeros((rows, network.layers[0]), dtype)
        self.runner = Runner(
            self.plan, [self.plan.output], values, {"X": example}, dtype, rows, whole_rows=True
        )
        self.rows = rows
        self.number, self.turned, _ = self.runner.sources[0]
        self.runner.sources = []
        self.width = network.layers[-1]

    def outputs(self, X: Array) -> Array:
        result = np.empty((len(X), self.width), self.runner.dtype)
        runner = self.runner
        sources = [(self.number, self.turned, X)]
        for first in range(0, len(X), self.rows):
            last = min(len(X), first + self.rows)
            runner.machine.step(sources, first, last - first)
            runner.read(self.plan.output, result[first:last])
        return result


def outputs(
    network: Network, coefs: Sequence[Array], intercepts: Sequence[Array], X: Array
) -> Array:
    """Return the outputs for rows in the weights' type, (rows, outputs).

    Safe in several threads: a machine is lent to one call at a time.
    """
    names = network.parameter_names
    values = dict(zip(names[0::2], coefs, strict=True))
    values.update(zip(names[1::2], intercepts, strict=True))
    if not core_library.available():
        return _by_reference(network, values, X)
    rows = len(X)
    room = 1 if rows == 1 else 64 if rows <= 64 else PIECE
    key = (network, X.dtype, room)
    idle = _idle.get(key)
    try:
        machine = idle.pop() if idle else None
    except IndexError:  # another thread was quicker
        machine = None
    if machine is None:
        try:
            machine = _Machine(network, values, X.dtype, room)
        except NotFused:
            return _by_reference(network, values, X)
    else:
        for name, value in values.items():
            machine.runner.write(name, value)
    result = machine.outputs(X)
    _keep(key, machine)
    return result


def _keep(key: tuple[Network, Any, int], machine: _Machine) -> None:
    if machine.runner.machine.bytes > _LARGEST_KEPT:
        return
    while len(_idle) >= _MOST_KEPT and key not in _idle:
        _idle.pop(next(iter(_idle)), None)
    kept = _idle.setdefault(key, [])
    if len(kept) < 2:
        kept.append(machine)


def _by_reference(network: Network, values: dict[str, Array], X: Array) -> Array:
    plan = prediction_plan(network)
    run = Execution(plan, dtype=X.dtype)
    run.give({**values, "X": X})
    with np.errstate(over="ignore", invalid="ignore"):
        run.all()
    return run.values[plan.output].copy()
