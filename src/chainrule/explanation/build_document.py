"""An explanation as a document: the data, the equations with their values, one weight."""

from collections.abc import Iterator, Mapping
from math import prod

import numpy as np

from chainrule.derivation.conventions import title
from chainrule.documents.elements import (
    ArrayEntry,
    Display,
    Element,
    EntryFormula,
    EntryPath,
    Equals,
    EvaluatedStatement,
    Factors,
    Formula,
    Heading,
    Listed,
    Paragraph,
    Partial,
    Phrase,
    Piece,
    TableBlock,
)
from chainrule.documents.numerals import Numeral, numeral
from chainrule.explanation.evaluated_derivation import EvaluatedDerivation
from chainrule.explanation.evaluated_lines import EvaluatedLine
from chainrule.explanation.ledger_format import Label, Ledger
from chainrule.explanation.sample_labels import Cell
from chainrule.explanation.step_decomposition import DATA, PENALTY
from chainrule.explanation.substitution import sized, substituted
from chainrule.explanation.weight_account import PathLabel, Share, WeightAccount
from chainrule.explanation.weight_paths import PathFactor, WeightPath
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Expression, Number, Symbol, symbols
from chainrule.formulas.matrices import Matrix, every
from chainrule.network.drawing_elements import shortened_inside
from chainrule.network.layers import CategoryLayer
from chainrule.network.optimizers import G, W
from chainrule.plans.plan import memory_of

_MOST_ROWS = 12
"""Rows of a batch that are listed."""
_MOST_LETTERS = 60
"""Of a name or a cell of a table that is explained."""


def document_of(explanation: EvaluatedDerivation) -> Iterator[Element]:
    """Yield the document of an explanation, in order."""
    return _Builder(explanation).elements()


class _Builder:
    def __init__(self, explanation: EvaluatedDerivation) -> None:
        self.explanation = explanation
        self.batch = explanation.batch
        self.labels = explanation.labels

    def elements(self) -> Iterator[Element]:
        """Yield all elements, in order."""
        heading = title(self.batch.network)
        yield heading
        yield self._about()
        if self.explanation.weight is not None:
            yield self._moved(self.explanation.weight)
        if self.labels.cells:
            yield Heading("row_heading")
            yield from self._row()
        yield Heading("given")
        yield from self.explanation.given
        for line in self.explanation.lines:
            if isinstance(line, EvaluatedLine):
                yield self._evaluated(line)
            elif line != heading:
                yield line
        if self.explanation.weight is not None:
            yield from self._weight(self.explanation.weight)
        yield Heading("checks")
        yield from self._checks()

    def _evaluated(self, line: EvaluatedLine) -> EvaluatedStatement:
        axes = {axis for form in line.forms for axis in _axes(form.equal.formula)}
        numbers = None
        if line.value is not None:
            numbers = substituted(line, self.explanation.derivation.layout)
        return EvaluatedStatement(
            line.statement,
            tuple((form.equal, form.passed) for form in line.shown),
            {axis: self.batch.named.size(axis) for axis in axes},
            line.value,
            numbers,
        )

    # -- the data ------------------------------------------------------------------------------

    def _about(self) -> Paragraph:
        count = len(self.explanation.rows)
        if count == 1:
            return Paragraph("about_sample", {"sample": self._sample(0)})
        numbers = self.labels.numbers or self.explanation.rows
        rows = Listed(tuple(map(str, numbers[:_MOST_ROWS])))
        given: dict[str, Piece] = {"count": f"{count:,}", "rows": rows}
        key = "about_batch" if count <= _MOST_ROWS else "about_large_batch"
        return Paragraph(key, given)

    def _row(self) -> Iterator[Element]:
        yield TableBlock(
            tuple(map(Phrase, ("column", "cell", "seen", "input"))),
            tuple(map(_cells, self.labels.cells)),
            numbers=frozenset({2}),
        )
        given = {"answer": self.labels.answer, "truth": self.labels.truth}
        yield Paragraph("answer", given)

    def _sample(self, index: int) -> Piece:
        number = self.explanation.rows[index]
        given: dict[str, Piece] = {"number": str(number), "index": str(index)}
        if self.labels.numbers:
            given["number"] = str(self.labels.numbers[index])
        key = "sample"
        numbers = self.labels.numbers or self.explanation.rows
        if len(numbers) > 1:
            key = "sample" if numbers == tuple(range(len(numbers))) else "sample_of_batch"
        elif self.labels.lines:
            key, given["line"] = "sample_on_line", str(self.labels.lines[index])
        return Phrase(key, given)

    # -- one weight ----------------------------------------------------------------------------

    def _moved(self, story: WeightAccount) -> Paragraph:
        return Paragraph(
            "moved" if story.change else "not_moved",
            {
                "weight": story.entry,
                "change": numeral(story.change),
                "before": numeral(story.before),
                "after": numeral(story.after),
            },
        )

    def _weight(self, story: WeightAccount) -> Iterator[Element]:
        yield Heading("why", {"weight": story.entry})
        yield self._where(story.entry)
        yield self._moved(story)
        yield Heading("gradient_heading", level=3)
        yield from self._chain(story)
        yield from self._paths(story)
        yield from self._shares(story)
        yield Heading("step_heading", level=3)
        yield from self._step(story)
        yield Paragraph("adding_up")

    def _where(self, entry: ArrayEntry) -> Paragraph:
        units = [self._unit(axis, index) for axis, index in entry.position]
        if not units:
            return Paragraph("is_shared", {"weight": entry})
        if len(units) == 1:
            return Paragraph("is_bias", {"weight": entry, "unit": units[0]})
        return Paragraph("is_weight", {"weight": entry, "from": units[0], "to": units[1]})

    def _unit(self, axis: Axis, index: int) -> Phrase:
        network = self.batch.network
        layer = network.number_of(axis)
        kind = "unit_of_layer"
        names: tuple[str, ...] = ()
        if isinstance(network.nodes[layer].layer, CategoryLayer):
            kind = "category"
        elif axis == network.axes[0]:
            kind, names = "input_unit", self.labels.inputs
        elif axis == network.axes[-1]:
            kind, names = "output_unit", self.labels.outputs
        elif len(network.axes) == 3:
            kind = "hidden_unit"
        given: dict[str, Piece] = {"number": str(index), "layer": str(layer)}
        if index < len(names):
            return Phrase(f"{kind}_named", {**given, "name": names[index]})
        return Phrase(kind, given)

    def _chain(self, story: WeightAccount) -> Iterator[Element]:
        partials = tuple(Partial(f.above, f.below) for f in story.chain)
        loss = ArrayEntry(self.batch.formulation.loss)
        whole = Partial(loss, story.entry)
        if len(story.gradient.parts) > 1:
            # Of several samples, one is followed from end to end.
            yield Paragraph("chain_of_sample", {"sample": self._sample(story.sample)})
        else:
            yield Paragraph("chain")
        if len(story.gradient.parts) > 1:
            yield Display(Factors(partials))
        elif len(story.chain) > 1:
            yield Display(Equals((whole, Factors(partials))))
        yield TableBlock(
            (Phrase("factor"), Phrase("formula"), Phrase("put_in"), Phrase("value")),
            tuple(self._factor(factor) for factor in story.chain),
            numbers=frozenset({3}),
        )
        values = tuple(numeral(factor.value) for factor in story.chain)
        product = numeral(prod(factor.value for factor in story.chain))
        if len(values) > 1:
            yield Display(Equals((Factors(values), product)))
        zero = next((f for f in reversed(story.chain) if f.value == 0), None)
        if zero is not None:
            yield Paragraph("zero", {"factor": Partial(zero.above, zero.below)})

    def _factor(self, factor: PathFactor) -> tuple[Piece, ...]:
        partial, value = Partial(factor.above, factor.below), numeral(factor.value)
        if factor.formula is None:
            return (partial, Phrase("sum_of_ways"), "", value)
        formula = EntryFormula(factor.formula, factor.at)
        plain = isinstance(factor.formula, Symbol | Number)
        numbers = EntryFormula(
            sized(factor.formula, self.batch.named),
            factor.at,
            self._numbers(factor.formula, factor.at),
        )
        return (partial, formula, "" if plain else numbers, value)

    def _numbers(self, tree: Expression, at: Mapping[Axis, int]) -> dict[Symbol, float]:
        named = self.batch.named
        return {
            symbol: float(named.spread(symbol, symbol.axes)[tuple(at[a] for a in symbol.axes)])
            for symbol in symbols(tree)
        }

    def _paths(self, story: WeightAccount) -> Iterator[Element]:
        count = sum(part.label.count for part in story.paths.parts)
        if count < 2:
            return
        yield Paragraph("ways", {"count": f"{count:,}", "weight": story.entry})
        yield self._table(
            (Phrase("way"), Phrase("factors"), Phrase("product")),
            tuple(self._path(part.label) for part in story.paths.parts),
            story.paths,
        )

    def _path(self, part: PathLabel) -> tuple[Piece, ...]:
        if part.path is None:
            return (Phrase("other_ways", {"count": f"{part.count:,}"}), "")
        return EntryPath(_junctions(part.path)), Factors(
            tuple(numeral(f.value, 6) for f in part.path.factors)
        )

    def _shares(self, story: WeightAccount) -> Iterator[Element]:
        if len(story.gradient.parts) > 1:
            yield Paragraph("shares", {"gradient": self._gradient(story.entry)})
            yield self._table(
                (Phrase("part"), Phrase("share")),
                tuple((self._share(part.label, story.entry),) for part in story.gradient.parts),
                story.gradient,
            )
        sign = "positive" if story.gradient.total > 0 else "negative"
        key = f"gradient_{sign}" if story.gradient.total else "gradient_zero"
        yield Paragraph(
            key,
            {
                "gradient": self._gradient(story.entry),
                "value": numeral(story.gradient.total),
                "weight": story.entry,
                "mark": Phrase(_verdict(story.mark.passed)),
            },
        )

    def _share(self, share: Share, entry: ArrayEntry) -> Piece:
        match share.kind:
            case "sample":
                return self._sample(share.sample)
            case "others":
                return Phrase("other_samples", {"count": f"{share.count:,}"})
        assert share.formula is not None
        return Phrase(
            "penalty_share", {"formula": EntryFormula(share.formula, dict(entry.position))}
        )

    def _gradient(self, entry: ArrayEntry) -> Partial:
        return Partial(ArrayEntry(self.batch.formulation.loss), entry)

    def _step(self, story: WeightAccount) -> Iterator[Element]:
        named = self._step_names(story.entry)
        for equation, value in story.assignments:
            left = EntryFormula(equation.left, named=named)
            right = EntryFormula(equation.right, named=named)
            yield Display(Equals((left, right, numeral(value)), assigns=True))
        if self.batch.memory and not any(map(np.any, self.batch.memory.values())):
            yield Paragraph("memory_empty")
        if not any(part.value for part in story.step.parts):
            yield Paragraph("no_cause")
            return
        if story.scaling is not None:
            scaling = EntryFormula(story.scaling.formula, named=named)
            yield Paragraph("scaling")
            yield Display(Equals((scaling, numeral(story.scaling.value))))
        rows: list[tuple[Piece, ...]] = []
        for part in story.step.parts:
            cause, formula = Phrase(f"cause_{part.label.kind}"), part.label.formula
            if formula is None:
                rows.append((cause, "", ""))
            else:
                put_in = EntryFormula(sized(formula, self.batch.named), numbers=story.values)
                rows.append((cause, EntryFormula(formula, named=named), put_in))
        yield Paragraph("causes", {"weight": story.entry})
        head = tuple(map(Phrase, ("cause", "formula", "put_in", "share")))
        yield self._table(head, tuple(rows), story.step)
        if story.scaling is not None:
            yield from self._scaled(story)

    def _scaled(self, story: WeightAccount) -> Iterator[Element]:
        """Yield the causes once more, each with the scaling in it."""
        parts = story.scaled.parts
        if sum(part.value != 0 for part in parts) < 2:
            return
        yield Paragraph("scaled")
        yield self._table(
            (Phrase("cause"), Phrase("share")),
            tuple((Phrase(f"cause_{part.label.kind}"),) for part in parts),
            story.scaled,
        )

    def _step_names(self, entry: ArrayEntry) -> dict[Symbol, ArrayEntry | Partial]:
        """What the optimizer's own symbols are for this weight."""
        formulation = self.batch.formulation
        penalized = bool(self.batch.network.penalties)
        loss = ArrayEntry(formulation.loss)
        named: dict[Symbol, ArrayEntry | Partial] = {W: entry, G: Partial(loss, entry)}
        named[DATA] = Partial(ArrayEntry(formulation.data_loss) if penalized else loss, entry)
        named[PENALTY] = Partial(ArrayEntry(Symbol("Penalty")), entry)
        optimizer = self.batch.optimizer
        for memory, symbol in zip(
            optimizer.memory, memory_of(entry.symbol, optimizer), strict=True
        ):
            named[memory] = ArrayEntry(symbol, entry.position)
        return named

    # -- tables --------------------------------------------------------------------------------

    def _table(
        self,
        head: tuple[Piece, ...],
        rows: tuple[tuple[Piece, ...], ...],
        sums: Ledger[Label],
    ) -> TableBlock:
        """Return a column that adds up: the parts, what rounding took, and the total."""
        blank: tuple[Piece, ...] = ("",) * (len(head) - 2)
        body = [(*row, part.shown) for row, part in zip(rows, sums.parts, strict=True)]
        if sums.unshown != Numeral("0"):
            body.append((Phrase("rounding"), *blank, sums.unshown))
        return TableBlock(
            head, tuple(body), (Phrase("total"), *blank, sums.shown), frozenset({len(head) - 1})
        )

    # -- checks --------------------------------------------------------------------------------

    def _checks(self) -> Iterator[Element]:
        marks = self.explanation.marks
        checked = [mark for mark in marks if mark.passed is not None]
        failed = [mark for mark in checked if not mark.passed]
        worst = max((mark.error for mark in checked), default=0.0)
        yield Paragraph("how_checked")
        key = "some_failed" if failed else "all_passed"
        yield Paragraph(
            key,
            {
                "count": f"{len(checked):,}",
                "failed": f"{len(failed):,}",
                "worst": numeral(worst, 2),
            },
        )
        if len(checked) < len(marks):
            left = len(marks) - len(checked)
            key = "unchecked_kink" if self.explanation.on_kink else "unchecked"
            yield Paragraph(key, {"count": f"{left:,}"})


def _axes(formula: Formula) -> Iterator[Axis]:
    """Yield the axes of a matrix formula and of all matrices in it."""
    if isinstance(formula, Matrix):
        for node in every(formula):
            yield from (axis for axis in node.sides if axis is not None)


def _cells(cell: Cell) -> tuple[Piece, ...]:
    shown: Piece = shortened_inside(cell.cell, _MOST_LETTERS)
    if cell.filled:
        shown = Phrase("missing_filled")
    value: Piece = Phrase("unknown_category")
    if cell.value is not None:
        value = numeral(cell.value, 6)
    name, feature = (shortened_inside(text, _MOST_LETTERS) for text in (cell.name, cell.feature))
    seen: Piece = Phrase("target", {"name": feature}) if cell.target else feature
    return name, shown, value, seen


def _junctions(path: WeightPath) -> tuple[ArrayEntry, ...]:
    """Return one entry for each unit on a path but the last, which all paths have in common."""
    junctions: list[ArrayEntry] = []
    for entry in path.through:
        if not junctions or junctions[-1].position != entry.position:
            junctions.append(entry)
    return tuple(junctions[:-1]) or tuple(junctions)


def _verdict(passed: bool | None) -> str:
    return {True: "agrees", False: "disagrees", None: "not_compared"}[passed]
