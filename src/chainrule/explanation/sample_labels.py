"""Names outside the network: what inputs, outputs, samples and table cells are called."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One column of one sample: the content of the table, and the input of the network for it.

    ``feature`` is the name of the network's input or, where ``target``, of its output; ``value``
    is that number, None where all inputs of the column are zero (an unknown category).
    ``filled`` means that the cell was missing and was replaced by the median of the training rows.
    """

    name: str
    cell: str
    feature: str
    value: float | None
    target: bool = False
    filled: bool = False


@dataclass(frozen=True)
class SampleLabels:
    """What inputs, outputs and samples are called outside the network.

    ``numbers`` are the indices of the rows in their table and ``lines`` their lines in its file;
    ``cells`` are the columns of a single sample, ``answer`` the model's prediction for it and
    ``truth`` its target in the table.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    lines: tuple[int, ...] = ()
    cells: tuple[Cell, ...] = ()
    answer: str = ""
    truth: str = ""
