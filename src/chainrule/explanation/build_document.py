"""An explanation in order: the data, the lines with their numbers, and the story of one weight."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from chainrule.derivation.conventions import title
from chainrule.documents import elements as told
from chainrule.explanation.document_parts import (
    Display,
    Element,
    Equals,
    Formula,
    Heading,
    Paragraph,
    Partial,
    Phrase,
    Piece,
    Table,
    Through,
    Times,
)
from chainrule.explanation.evaluated_lines import Cell
from chainrule.explanation.ledger_format import Figure, Ledger, figure
from chainrule.explanation.step_decomposition import DATA, PENALTY
from chainrule.explanation.weight_account import OfWays, Share, WeightStory
from chainrule.explanation.weight_paths import Entry, Factor, Way
from chainrule.explanation.worked import Worked
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Expression, Number, Symbol, symbols
from chainrule.network.optimizers import G, W
from chainrule.plans.plan import memory_of

Derived = told.Heading | told.Sentence
"""Headings and sentences of the derivation, which it says in its own phrases."""


class Story:
    """The elements of an explanation's page."""

    def __init__(self, explanation: Worked) -> None:
        self.explanation = explanation
        self.batch = explanation.batch
        self.labels = explanation.labels

    def elements(self) -> Iterator[Element | Derived]:
        """Yield everything that is told, in order."""
        yield title(self.batch.network)
        yield Paragraph(self._about())
        if self.explanation.weight is not None:
            yield Paragraph(self._moved(self.explanation.weight))
        if self.labels.cells:
            yield Heading(Phrase("row_heading"))
            yield from self._row()
        yield Heading(Phrase("given"))
        yield from self.explanation.given
        for line in self.explanation.lines:
            if isinstance(line, told.Heading) and line.phrase == "title":
                continue
            assert not isinstance(line, told.Statement), "statements carry numbers"
            yield line
        if self.explanation.weight is not None:
            yield from self._weight(self.explanation.weight)
        yield Heading(Phrase("checks"))
        yield from self._checks()

    # -- the data ------------------------------------------------------------------------------

    def _about(self) -> Phrase:
        count = len(self.explanation.rows)
        if count == 1:
            return Phrase("about_sample", {"sample": self._sample(0)})
        return Phrase("about_batch", {"count": f"{count:,}"})

    def _row(self) -> Iterator[Element]:
        yield Table(
            tuple(map(Phrase, ("column", "cell", "input", "seen"))),
            tuple(map(_cells, self.labels.cells)),
            numbers=frozenset({3}),
        )
        given = {"answer": self.labels.answer, "truth": self.labels.truth}
        yield Paragraph(Phrase("answer", given))

    def _sample(self, place: int) -> Piece:
        number = self.explanation.rows[place]
        given: dict[str, Piece] = {"number": str(number), "place": str(place)}
        if self.labels.numbers:
            given["number"] = str(self.labels.numbers[place])
        key = "sample"
        numbers = self.labels.numbers or self.explanation.rows
        if len(numbers) > 1:
            key = "sample" if numbers == tuple(range(len(numbers))) else "sample_of_batch"
        elif self.labels.lines:
            key, given["line"] = "sample_on_line", str(self.labels.lines[place])
        return Phrase(key, given)

    # -- one weight ----------------------------------------------------------------------------

    def _moved(self, story: WeightStory) -> Phrase:
        return Phrase(
            "moved" if story.change else "not_moved",
            {
                "weight": story.entry,
                "change": figure(story.change),
                "before": figure(story.before),
                "after": figure(story.after),
            },
        )

    def _weight(self, story: WeightStory) -> Iterator[Element]:
        yield Heading(Phrase("why", {"weight": story.entry}))
        yield Paragraph(self._where(story.entry))
        yield Paragraph(self._moved(story))
        yield Heading(Phrase("gradient_heading"), 3)
        yield from self._chain(story)
        yield from self._ways(story)
        yield from self._shares(story)
        yield Heading(Phrase("step_heading"), 3)
        yield from self._step(story)
        yield Paragraph(Phrase("adding_up"))

    def _where(self, entry: Entry) -> Phrase:
        units = [self._unit(axis, index) for axis, index in entry.place]
        if not units:
            return Phrase("is_shared", {"weight": entry})
        if len(units) == 1:
            return Phrase("is_bias", {"weight": entry, "unit": units[0]})
        return Phrase("is_weight", {"weight": entry, "from": units[0], "to": units[1]})

    def _unit(self, axis: Axis, index: int) -> Phrase:
        axes = self.batch.network.axes
        layer = axes.index(axis)
        kind = "unit_of_layer"
        names: tuple[str, ...] = ()
        if layer == 0:
            kind, names = "input_unit", self.labels.inputs
        elif layer == len(axes) - 1:
            kind, names = "output_unit", self.labels.outputs
        elif len(axes) == 3:
            kind = "hidden_unit"
        given: dict[str, Piece] = {"number": str(index), "layer": str(layer)}
        if index < len(names):
            return Phrase(f"{kind}_named", {**given, "name": names[index]})
        return Phrase(kind, given)

    def _chain(self, story: WeightStory) -> Iterator[Element]:
        partials = tuple(Partial(f.above, f.below) for f in story.chain)
        loss = Entry(self.batch.formulation.loss)
        whole = Partial(loss, story.entry)
        if len(story.gradient.parts) > 1:
            # Of several samples, one is followed from end to end.
            yield Paragraph(Phrase("chain_of_sample", {"sample": self._sample(story.sample)}))
        else:
            yield Paragraph(Phrase("chain"))
        if len(story.gradient.parts) > 1:
            yield Display(Times(partials))
        elif len(story.chain) > 1:
            yield Display(Equals((whole, Times(partials))))
        yield Table(
            (Phrase("factor"), Phrase("formula"), Phrase("put_in"), Phrase("value")),
            tuple(self._factor(factor) for factor in story.chain),
            numbers=frozenset({3}),
        )
        values = tuple(figure(factor.value) for factor in story.chain)
        product = figure(prod(factor.value for factor in story.chain))
        if len(values) > 1:
            yield Display(Equals((Times(values), product)))
        zero = next((f for f in reversed(story.chain) if f.value == 0), None)
        if zero is not None:
            yield Paragraph(Phrase("zero", {"factor": Partial(zero.above, zero.below)}))

    def _factor(self, factor: Factor) -> tuple[Piece, ...]:
        partial, value = Partial(factor.above, factor.below), figure(factor.value)
        if factor.formula is None:
            return (partial, Phrase("sum_of_ways"), "", value)
        formula = Formula(factor.formula, factor.at)
        plain = isinstance(factor.formula, Symbol | Number)
        numbers = Formula(factor.formula, factor.at, self._numbers(factor.formula, factor.at))
        return (partial, formula, "" if plain else numbers, value)

    def _numbers(self, tree: Expression, at: Mapping[Axis, int]) -> dict[Symbol, float]:
        named = self.batch.named
        return {
            symbol: float(named.spread(symbol, symbol.axes)[tuple(at[a] for a in symbol.axes)])
            for symbol in symbols(tree)
        }

    def _ways(self, story: WeightStory) -> Iterator[Element]:
        count = sum(part.label.count for part in story.ways.parts)
        if count < 2:
            return
        yield Paragraph(Phrase("ways", {"count": f"{count:,}", "weight": story.entry}))
        yield self._table(
            (Phrase("way"), Phrase("factors"), Phrase("product")),
            tuple(self._way(part.label) for part in story.ways.parts),
            story.ways,
        )

    def _way(self, part: OfWays) -> tuple[Piece, ...]:
        if part.way is None:
            return (Phrase("other_ways", {"count": f"{part.count:,}"}), "")
        return Through(_junctions(part.way)), Times(
            tuple(figure(f.value, 6) for f in part.way.factors)
        )

    def _shares(self, story: WeightStory) -> Iterator[Element]:
        if len(story.gradient.parts) > 1:
            yield Paragraph(Phrase("shares", {"gradient": self._gradient(story.entry)}))
            yield self._table(
                (Phrase("part"), Phrase("share")),
                tuple((self._share(part.label, story.entry),) for part in story.gradient.parts),
                story.gradient,
            )
        sign = "positive" if story.gradient.total > 0 else "negative"
        key = f"gradient_{sign}" if story.gradient.total else "gradient_zero"
        yield Paragraph(
            Phrase(
                key,
                {
                    "gradient": self._gradient(story.entry),
                    "value": figure(story.gradient.total),
                    "weight": story.entry,
                    "mark": Phrase(_verdict(story.mark.passed)),
                },
            )
        )

    def _share(self, share: Share, entry: Entry) -> Piece:
        match share.kind:
            case "sample":
                return self._sample(share.sample)
            case "others":
                return Phrase("other_samples", {"count": f"{share.count:,}"})
        assert share.formula is not None
        return Phrase("penalty_share", {"formula": Formula(share.formula, dict(entry.place))})

    def _gradient(self, entry: Entry) -> Partial:
        return Partial(Entry(self.batch.formulation.loss), entry)

    def _step(self, story: WeightStory) -> Iterator[Element]:
        named = self._step_names(story.entry)
        for equation, value in story.assignments:
            left = Formula(equation.left, named=named)
            right = Formula(equation.right, named=named)
            yield Display(Equals((left, right, figure(value)), assigns=True))
        if self.batch.memory and not any(np.any(kept) for kept in self.batch.memory.values()):
            yield Paragraph(Phrase("memory_empty"))
        if not any(part.value for part in story.step.parts):
            yield Paragraph(Phrase("no_cause"))
            return
        if story.scaling is not None:
            scaling = Formula(story.scaling.formula, named=named)
            yield Paragraph(Phrase("scaling"))
            yield Display(Equals((scaling, figure(story.scaling.value))))
        rows: list[tuple[Piece, ...]] = []
        for part in story.step.parts:
            cause, formula = Phrase(f"cause_{part.label.kind}"), part.label.formula
            if formula is None:
                rows.append((cause, "", ""))
            else:
                put_in = Formula(formula, numbers=story.values)
                rows.append((cause, Formula(formula, named=named), put_in))
        yield Paragraph(Phrase("causes", {"weight": story.entry}))
        head = tuple(map(Phrase, ("cause", "formula", "put_in", "share")))
        yield self._table(head, tuple(rows), story.step)
        if story.scaling is not None:
            yield from self._scaled(story)

    def _scaled(self, story: WeightStory) -> Iterator[Element]:
        """Yield the causes once more, each with the scaling in it."""
        parts = story.scaled.parts
        if sum(part.value != 0 for part in parts) < 2:
            return
        yield Paragraph(Phrase("scaled"))
        yield self._table(
            (Phrase("cause"), Phrase("share")),
            tuple((Phrase(f"cause_{part.label.kind}"),) for part in parts),
            story.scaled,
        )

    def _step_names(self, entry: Entry) -> dict[Symbol, Entry | Partial]:
        """What the optimizer's own symbols are for this weight."""
        formulation = self.batch.formulation
        penalized = bool(self.batch.network.penalties)
        loss = Entry(formulation.loss)
        named: dict[Symbol, Entry | Partial] = {W: entry, G: Partial(loss, entry)}
        named[DATA] = Partial(Entry(formulation.data_loss) if penalized else loss, entry)
        named[PENALTY] = Partial(Entry(Symbol("Penalty")), entry)
        optimizer = self.batch.optimizer
        for kept, symbol in zip(optimizer.memory, memory_of(entry.symbol, optimizer), strict=True):
            named[kept] = Entry(symbol, entry.place)
        return named

    # -- tables --------------------------------------------------------------------------------

    def _table(
        self,
        head: tuple[Piece, ...],
        rows: tuple[tuple[Piece, ...], ...],
        sums: Ledger[Any],
    ) -> Table:
        """Return a column that adds up: the parts, what rounding took, and the total."""
        blank: tuple[Piece, ...] = ("",) * (len(head) - 2)
        body = [(*row, part.shown) for row, part in zip(rows, sums.parts, strict=True)]
        if sums.unshown != Figure("0"):
            body.append((Phrase("rounding"), *blank, sums.unshown))
        return Table(
            head, tuple(body), (Phrase("total"), *blank, sums.shown), frozenset({len(head) - 1})
        )

    # -- checks --------------------------------------------------------------------------------

    def _checks(self) -> Iterator[Element]:
        marks = self.explanation.marks
        checked = [mark for mark in marks if mark.passed is not None]
        failed = [mark for mark in checked if not mark.passed]
        worst = max((mark.error for mark in checked), default=0.0)
        yield Paragraph(Phrase("how_checked"))
        key = "some_failed" if failed else "all_passed"
        yield Paragraph(
            Phrase(
                key,
                {
                    "count": f"{len(checked):,}",
                    "failed": f"{len(failed):,}",
                    "worst": figure(worst, 2),
                },
            )
        )
        if len(checked) < len(marks):
            left = len(marks) - len(checked)
            key = "unchecked_kink" if self.explanation.on_kink else "unchecked"
            yield Paragraph(Phrase(key, {"count": f"{left:,}"}))


def _cells(cell: Cell) -> tuple[Piece, ...]:
    shown: Piece = cell.cell
    if cell.filled:
        shown = Phrase("missing_filled")
    value: Piece = Phrase("unknown_category")
    if cell.value is not None:
        value = figure(cell.value, 6)
    feature: Piece = cell.feature
    if cell.target:
        feature = Phrase("target", {"name": cell.feature})
    return cell.name, shown, feature, value


def _junctions(way: Way) -> tuple[Entry, ...]:
    """Return one entry for each unit on a way but the last, which all ways have in common."""
    kept: list[Entry] = []
    for entry in way.through:
        if not kept or kept[-1].place != entry.place:
            kept.append(entry)
    return tuple(kept[:-1]) or tuple(kept)


def _verdict(passed: bool | None) -> str:
    return {True: "agrees", False: "disagrees", None: "not_compared"}[passed]
