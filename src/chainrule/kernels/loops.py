"""Expressions without a matrix form as loops over named axes: slow, but possible for each of them.

The code is that of single numbers (``tape``), with loops around it: every axis that is bound, by
the result or by a sum, gets a counter of its own, and a symbol is loaded at the counters of its
axes.  Arrays with more than two axes are refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from chainrule.formulas.axes import Axis, Sides
from chainrule.formulas.expressions import (
    Apply,
    Expression,
    Largest,
    Ones,
    Product,
    Rename,
    Size,
    Symbol,
    product,
)
from chainrule.formulas.functions import Function
from chainrule.kernels.tape import Code, Lowering
from chainrule.plans.fusion.fused_plan import IN_CORE


class Loops(Lowering):
    """The lines of one expression.

    ``axes`` are the axes of a symbol's rows and columns.  A line is
    ``("loop_load", name, row, column)`` with two counters, ``("loop_begin", counter)``,
    ``("loop_end", counter, axis, index of the begin)``, ``("loop_add", sum, term)`` and so on, or
    an operation on indices of earlier lines.  Counter 0 is that of the unit axis.
    """

    def __init__(self, axes: Mapping[str, Sides]) -> None:
        super().__init__(Code(), self._leaf)
        self.axes = axes
        self.counters: dict[Axis | None, int] = {None: 0}
        self.counter_count = 1
        self._memo: dict[tuple[Expression, tuple[int, ...]], int] = {}

    def __call__(self, tree: Expression) -> int:
        """Return the index of the line with an expression's value at the counters of its axes."""
        key = (tree, tuple(self.counters[axis] for axis in tree.axes))
        if key not in self._memo:
            self._memo[key] = self._value(tree)
        return self._memo[key]

    def store(self, tree: Expression, target: str, sides: Sides) -> None:
        """Compute every entry of ``target``, or the number that it is."""
        axes = [axis for axis in sides if axis is not None]
        with self._over(axes):
            index = self(tree)
            if axes:
                row, column = (self.counters[axis] for axis in sides)
                self.code.lines.append(("loop_store", target, index, row, column))
            else:
                self.code.lines.append(("loop_slot", target, index))

    def _leaf(self, tree: Expression) -> int:
        if isinstance(tree, Size):
            return self.code.emit("scalar", f"|{tree.axis.name}|")
        assert isinstance(tree, Symbol)
        if not tree.axes:
            return self.code.emit("scalar", tree.name)
        row, column = (self.counters[axis] for axis in self.axes[tree.name])
        return self.code.emit("loop_load", tree.name, row, column)

    def _value(self, tree: Expression) -> int:
        match tree:
            case Ones():
                return self.code.emit("constant", 1.0)
            case Product(summed=summed) if summed:
                return self._gathered("loop_add", 0.0, product(*tree.factors), summed)
            case Largest():
                return self._gathered("loop_largest", -float("inf"), tree.operand, (tree.axis,))
            case Rename():
                with self._bound({tree.old: self.counters[tree.new]}):
                    return self(tree.operand)
            case Apply(function=Function() as function) if function not in IN_CORE:
                (argument,) = tree.arguments
                axis = function.layer_axis(argument)
                return self(function.body(function.computed, {"z": argument}, axis))
        return super()._value(tree)

    def _gathered(self, line: str, start: float, tree: Expression, axes: tuple[Axis, ...]) -> int:
        """Return the index of a sum or a largest entry over axes, in a register of its own."""
        index = len(self.code.lines)
        self.code.lines.append(("constant", start))
        with self._over(axes):
            self.code.lines.append((line, index, self(tree)))
        return index

    @contextmanager
    def _over(self, axes: Sequence[Axis]) -> Iterator[None]:
        """Enclose the lines of the body in loops over axes."""
        bound: dict[Axis | None, int] = {}
        begins = []
        for axis in axes:
            bound[axis] = self.counter_count
            self.counter_count += 1
            begins.append(len(self.code.lines))
            self.code.lines.append(("loop_begin", bound[axis]))
        with self._bound(bound):
            yield
        for axis, begin in zip(reversed(axes), reversed(begins), strict=True):
            self.code.lines.append(("loop_end", bound[axis], axis, begin))

    @contextmanager
    def _bound(self, counters: Mapping[Axis | None, int]) -> Iterator[None]:
        before = self.counters
        self.counters = {**before, **counters}
        yield
        self.counters = before
