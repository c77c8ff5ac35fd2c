"""The compiled core. The reference backend defines what it computes."""

from collections.abc import Sequence
from typing import Annotated

import numpy
from numpy.typing import NDArray
from typing_extensions import CapsuleType


def build_info() -> dict[str, str]:
    """
    Return how this module was built: compiler, compiler_version, cpp_standard (the value
    of __cplusplus), instruction_set (the least that a processor must offer) and
    nanobind_version.
    """

def instruction_sets() -> list[str]:
    """
    Return the instruction sets that this build and this processor run, widest last.
    """

def in_use() -> str:
    """Return the instruction set in use; CHAINRULE_ISA forces one at import."""

def lanes(single: bool) -> int:
    """Return how many numbers a vector holds."""

def formulas() -> list[str]:
    """Return the texts of the formulas with a generated kernel."""

def close(on: bool) -> None:
    """
    Say whether all runs in progress are to end: soon, without a call of Python.
    """

def generator_words(capsule: CapsuleType, count: int) -> Annotated[NDArray[numpy.uint32], dict(shape=(None,))]:
    """
    Return the first words of the state of a NumPy BitGenerator, without a copy.
    """

class Machine:
    """A program with its memory."""

    def __init__(self, single: bool, axes: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], instructions: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], formulas: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], operands: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], slots: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], tape: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], scalar_code: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], constants: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], counts: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> None: ...

    def write(self, value: int, transposed: bool, array: object) -> None:
        """Copy an array into a value."""

    def read(self, value: int, transposed: bool, array: object) -> None:
        """Copy a value into an array."""

    def set_scalar(self, slot: int, value: float) -> None: ...

    def scalar(self, slot: int) -> float: ...

    def set_threads(self, threads: int) -> None:
        """Set how many threads may share a step; small steps run on one."""

    def set_draws(self, seed: int, step: int) -> None:
        """
        Set the seed and the number of the step, from 1, of what is drawn at random.
        """

    def step(self, given: Sequence[tuple[int, bool, object]], first: int, count: int) -> bool:
        """
        Run one step over rows of the given arrays; False where the loss is not finite.
        """

    @property
    def bytes(self) -> int:
        """The memory that the program takes."""

class Training:
    """A machine with its data, and the arrays that its parameters go to."""

    def __init__(self, machine: Machine, given: Sequence[tuple[int, bool, object]], samples: int, batch: int, parameters: Sequence[tuple[int, bool, object]], best: Sequence[tuple[int, bool, object]], held: Machine | None, held_given: Sequence[tuple[int, bool, object]], held_samples: int, held_batch: int, held_weights: int, shared: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], state: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> None: ...

    def run(self, first_epoch: int, epochs: int, first_step: int, order: int, seed: int, draws_seed: int, indices: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu')] | None, twister: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')] | None, rate: float, rates: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None, rate_slot: int, rules: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu')], records: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu')], listener: object | None) -> tuple[int, int, int, int, object]:
        """
        Run epochs; returns how it ended (0 finished, 1 interrupted, 2 a loss that is not
        finite, 3 no improvement, 4 the listener requested it), epochs done, steps done, the batch
        in which it ended, what was raised.  The parameters are in their arrays then.
        """

    def collect(self) -> None:
        """Copy the parameters into their arrays."""
