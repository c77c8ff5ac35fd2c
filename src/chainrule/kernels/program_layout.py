"""How the matrices of a program are stored, and the numbers of its axes and values.

A matrix with few columns is stored transposed, with samples in the lanes of a vector.  This
depends on its width and on its number type, never on the batch size.  Products, totals and formulas
read and write it in this layout; it is copied only if no kernel can read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.formulas.axes import Axis, Sides
from chainrule.kernels.format import Owner, ValueRow
from chainrule.plans.fusion.fused_plan import FusedPlan


@dataclass(frozen=True)
class StoredValue:
    """A matrix of the program: its number, its axes as stored, and whether they are exchanged."""

    number: int
    rows: int
    """Number of the axis of its rows as stored."""
    columns: int
    transposed: bool
    owner: Owner = Owner.ARENA

    @property
    def row(self) -> ValueRow:
        """The row in the table of values."""
        return ValueRow(self.rows, self.columns, self.owner)


class Layout:
    """Axes and values of a program, each with its number.

    ``lanes`` are the entries of a vector; ``from_caller`` are values read from the caller's arrays.
    """

    def __init__(
        self,
        fused: FusedPlan,
        sizes: Mapping[Axis, int],
        lanes: int,
        from_caller: frozenset[str] = frozenset(),
    ) -> None:
        self.fused = fused
        self.sizes = sizes
        self.stored: dict[str, StoredValue] = {}
        self.read_by_vectors: set[str] = set()
        """Values that need rows with padding: the caller's arrays have none."""
        self._lanes = lanes
        self._from_caller = from_caller
        samples = next((axis for axis in sizes if axis.is_samples), Axis("B", -1))
        self.named_axes = [samples, *(axis for axis in sizes if axis is not samples)]
        """The axes after the unit axis, in the order of their numbers; samples are the first."""
        self._axis_numbers = {axis: 1 + position for position, axis in enumerate(self.named_axes)}

    @property
    def samples(self) -> Axis:
        """The axis of the samples."""
        return self.named_axes[0]

    def axis_number(self, axis: Axis | None) -> int:
        """Return the number of an axis; None is the unit axis, 0."""
        return 0 if axis is None else self._axis_numbers[axis]

    def length(self, number: int) -> int:
        """Return the length of an axis by its number."""
        return 1 if number == 0 else self.sizes.get(self.named_axes[number - 1], 1)

    def transposed(self, sides: Sides) -> bool:
        """Return whether a matrix with these sides is stored transposed."""
        rows, columns = sides
        width = 1 if columns is None else self.sizes[columns]
        return rows is not None and self.is_narrow(width)

    def is_narrow(self, width: int) -> bool:
        """Return whether rows of this width leave most lanes of a vector empty.

        Up to 10 of 16: measured with 4, 10 and 16; with 16 nothing is gained and more partial sums
        are added up.
        """
        return width == 1 or width * 8 <= self._lanes * 5

    def value(self, name: str) -> StoredValue:
        """Return how a matrix is stored; its first use gives it a number."""
        if name not in self.stored:
            sides = self.fused.sides[name]
            transposed = self.transposed(sides)
            rows, columns = reversed(sides) if transposed else sides
            self.stored[name] = StoredValue(
                number=len(self.stored),
                rows=self.axis_number(rows),
                columns=self.axis_number(columns),
                transposed=transposed,
                owner=Owner.CALLER if name in self._from_caller else Owner.ARENA,
            )
        return self.stored[name]

    def temporary(self, rows: int, columns: int) -> StoredValue:
        """Return a new matrix without a name; ``rows`` and ``columns`` are numbers of axes."""
        number = len(self.stored)
        value = self.stored[f"·{number}"] = StoredValue(number, rows, columns, transposed=False)
        return value
