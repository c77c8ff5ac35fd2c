"""A Plan divided into assignments of one formula each, which ``fuse`` combines into kernels."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from chainrule.errors import NotFused
from chainrule.formulas.arrange import orient
from chainrule.formulas.axes import Sides
from chainrule.formulas.expressions import (
    Apply,
    Expression,
    Power,
    Symbol,
    children,
    product,
    rebuild,
    substitute,
    symbols,
)
from chainrule.formulas.functions import Function, equal
from chainrule.plans.fusion.fused_plan import (
    IN_CORE,
    UNIT,
    AddedUp,
    Assignment,
    Drawn,
    Kernel,
    LookedUp,
    Looped,
    Multiplied,
    Producer,
    Reduced,
)
from chainrule.plans.operations import (
    ComputeExtreme,
    ComputeLayerwise,
    ComputePointwise,
    ComputeTotal,
    DrawRandom,
    General,
    MatrixProduct,
    Operation,
    Reference,
    Spread,
)
from chainrule.plans.plan import Plan


@dataclass(frozen=True)
class FlatEntry:
    """One operation after names are resolved: a producer, a formula, or a sum to a scalar."""

    target: str
    sides: Sides
    producer: Producer | None = None
    assignment: Assignment | None = None
    sum_of: str | None = None

    @property
    def reads(self) -> list[Reference]:
        if self.assignment:
            return list(self.assignment.operands.values())
        if self.sum_of:
            return [Reference(self.sum_of)]
        return list(Kernel(self.sides, self.producer).produced_from)


class Flat:
    """The Plan's operations without functions of layers, copies and repetitions.

    ``aliases`` are names whose value an earlier entry computes; ``sides`` are the axes by name.
    """

    def __init__(self, plan: Plan) -> None:
        self.entries: list[FlatEntry] = []
        self.aliases: dict[str, Reference] = {}
        self._same = plan.formulation.same_axes
        self.sides: dict[str, Sides] = {
            symbol.name: self._one_name(orient(symbol.axes, "rows"))
            for symbol in (*plan.inputs, *plan.memory)
            if len(symbol.axes) <= 2
        }
        self._known: dict[object, str] = {}
        self._formulas: dict[Sides, dict[Expression, Expression]] = {}
        for operation in plan.operations:
            self.take(operation)

    def resolve(self, reference: Reference) -> Reference:
        alias = self.aliases.get(reference.name)
        if alias is None:
            return reference
        return alias.turned() if reference.transposed else alias

    def _one_name(self, sides: Sides) -> Sides:
        """Return the sides with one name for axes that are the same."""
        rows, columns = (None if axis is None else self._same.get(axis, axis) for axis in sides)
        return rows, columns

    def take(self, operation: Operation) -> None:
        self.sides[operation.target] = self._one_name(operation.sides)
        match operation:
            case ComputeLayerwise():
                for part in operation.body:
                    self.take(part)
            case MatrixProduct():
                left, right = self.resolve(operation.left), self.resolve(operation.right)
                self._produce(operation, Multiplied(left, right))
            case ComputeTotal() | ComputeExtreme():
                source = self.resolve(operation.source)
                largest = isinstance(operation, ComputeExtreme)
                self._produce(operation, Reduced(source, operation.over, largest))
            case Spread():
                value = Symbol("x")
                self._assign(operation, value, ((value, operation.source),))
            case ComputePointwise():
                self._assign(operation, operation.formula, operation.operands)
            case DrawRandom():
                self._produce(operation, Drawn(operation.distribution, operation.stream))
            case General():
                looped = Looped(operation.expression, self._operands(operation), operation.sides)
                self._produce(operation, looped)
            case _:
                raise NotFused(f"{type(operation).__name__}: no kernel runs this operation")

    def _operands(self, operation: General) -> tuple[tuple[Symbol, Reference], ...]:
        for symbol, _ in operation.operands:
            if len(symbol.axes) > 2:
                raise NotFused(
                    f"{operation.target}: {symbol.name} has {len(symbol.axes)} axes, and the "
                    "compiled core holds matrices only; use backend='reference'"
                )
        return tuple((s, self.resolve(reference)) for s, reference in operation.operands)

    def _produce(self, operation: Operation, producer: Producer) -> None:
        sides = self.sides[operation.target]
        if not self._repeated(operation, (sides, producer)):
            self.entries.append(FlatEntry(operation.target, sides, producer=producer))

    def _repeated(self, operation: Operation, key: object) -> bool:
        known = self._known.get(key)
        if known is None:
            self._known[key] = operation.target
            return False
        self.aliases[operation.target] = Reference(known)
        return True

    def _assign(
        self,
        operation: Operation,
        formula: Expression,
        operands: tuple[tuple[Symbol, Reference], ...],
    ) -> None:
        target_sides = self.sides[operation.target]
        resolved = {symbol: self.resolve(reference) for symbol, reference in operands}
        named = {str(reference): reference for reference in resolved.values()}
        renamed: dict[Symbol, Expression] = {s: Symbol(str(r)) for s, r in resolved.items()}
        written = written_out(substitute(formula, renamed))
        update = operation.stage == "update"
        earlier = self._formulas.setdefault(target_sides, {})
        if not update:
            if isinstance(written, Symbol) and written.name in named:
                source = named[written.name]
                rows, columns = self.sides[source.name]
                sides = (columns, rows) if source.transposed else (rows, columns)
                if sides == target_sides:
                    self.aliases[operation.target] = source
                    return
            if self._repeated(operation, (target_sides, written)):
                return
            shorter = substitute(written, earlier)
            if shorter != written:
                named |= {name: Reference(name) for name in map(str, earlier.values())}
                written = shorter
            written = self._with_vectors_first(operation, written, named)
        used = {symbol.name for symbol in symbols(written)}
        needed = {name: reference for name, reference in named.items() if name in used}
        assignment = Assignment(operation.target, written, needed, update)
        self.entries.append(FlatEntry(operation.target, target_sides, assignment=assignment))
        if not update and target_sides != UNIT and children(written):
            earlier[written] = Symbol(operation.target)

    def _with_vectors_first(
        self, operation: Operation, written: Expression, named: dict[str, Reference]
    ) -> Expression:
        """Compute parts of a matrix's formula that depend on vectors alone in entries of their own.

        1/√(v + ε) is the same for a whole row: it is computed once for each row, and once for all
        formulas that have it.  Returns the formula in the new values, which are added to ``named``.
        """
        if None in self.sides[operation.target]:
            return written
        sides = {n: self.sides[r.name] for n, r in named.items() if not r.transposed}
        found: dict[Expression, Expression] = {}
        for part in _vector_parts(written, sides):
            operands = {s.name: named[s.name] for s in symbols(part) if s.name in named}
            (vector,) = {sides[name] for name in operands} - {UNIT}
            known = self._formulas.setdefault(vector, {})
            if part not in known:
                target = f"{operation.target}·v{len(found)}"
                self.sides[target] = vector
                assignment = Assignment(target, part, operands)
                self.entries.append(FlatEntry(target, vector, assignment=assignment))
                known[part] = Symbol(target)
            found[part] = known[part]
            named[str(known[part])] = Reference(str(known[part]))
        return substitute(written, found) if found else written


def _vector_parts(tree: Expression, sides: Mapping[str, Sides]) -> Iterator[Expression]:
    """Yield the largest parts of a formula that depend on vectors of the same sides alone.

    ``sides`` are those of operands by name.  Only parts with a power or a function are worth it: a
    product takes no longer than to read its result.
    """
    names = [symbol.name for symbol in symbols(tree)]
    within = {sides[name] for name in names if name in sides} - {UNIT}
    known = all(name in sides for name in names)
    if known and len(within) == 1 and None in next(iter(within)) and _is_costly(tree):
        yield tree
        return
    for part in children(tree):
        yield from _vector_parts(part, sides)


def _is_costly(tree: Expression) -> bool:
    return isinstance(tree, Power | Apply) or any(map(_is_costly, children(tree)))


def written_out(formula: Expression) -> Expression:
    """Return a formula with named functions replaced by their formulas, except ``IN_CORE``."""
    parts = tuple(written_out(part) for part in children(formula))
    if isinstance(formula, Apply) and isinstance(formula.function, Function):
        function = formula.function
        if function in IN_CORE:
            return Apply(function, parts)
        return written_out(function.body(function.computed, {"z": parts[0]}))
    return rebuild(formula, parts) if parts else formula


def with_lookups(entries: list[FlatEntry], counts: Collection[str]) -> list[FlatEntry]:
    """Turn products with one-hot rows [k = l] into lookups and sums for each code.

    ``counts`` are the values l with the entries 0, 1, 2, …
    """
    codes: dict[str, Reference] = {}
    result = []
    for entry in entries:
        found = _codes(entry, counts)
        if found is not None:
            codes[entry.target] = found
        product_of = entry.producer
        if isinstance(product_of, Multiplied) and product_of.left.name in codes:
            left, right = product_of.left, product_of.right
            if not right.transposed:
                kind = AddedUp if left.transposed else LookedUp
                entry = replace(entry, producer=kind(codes[left.name], right))
        result.append(entry)
    return result


def _codes(entry: FlatEntry, counts: Collection[str]) -> Reference | None:
    """Return the codes of one-hot rows, or None for another entry."""
    if entry.assignment is None or not isinstance(entry.assignment.formula, Apply):
        return None
    formula, operands = entry.assignment.formula, entry.assignment.operands
    if formula.function != equal or not all(isinstance(a, Symbol) for a in formula.arguments):
        return None
    codes, levels = map(str, formula.arguments)
    return operands[codes] if levels in counts and codes in operands else None


def totals_apart(
    entries: list[FlatEntry], sides: dict[str, Sides], wanted: set[str]
) -> list[FlatEntry]:
    """Replace totals and products whose result is a scalar by sums over all entries.

    ``sides`` gets the axes of new values.
    """
    uses = Counter(reference.name for entry in entries for reference in entry.reads)
    made = {entry.target: entry for entry in entries}
    result: list[FlatEntry] = []

    def inner(name: str) -> FlatEntry | None:
        entry = made.get(name)
        return entry if entry and uses[name] == 1 and name not in wanted else None

    for entry in entries:
        producer = entry.producer
        if entry.sides != UNIT or producer is None or isinstance(producer, Looped):
            result.append(entry)
            continue
        left: Reference | None = None
        if isinstance(producer, Reduced) and not producer.largest:
            source = producer.source
            before = inner(source.name)
            if before and isinstance(before.producer, Reduced) and not before.producer.largest:
                result.remove(before)
                source = before.producer.source
            elif before and isinstance(before.producer, Multiplied):
                candidate, right = before.producer.left, before.producer.right
                if candidate.transposed and sides[candidate.name][1] is None:
                    result.remove(before)
                    left, source = Reference(candidate.name), right
            if left is None:
                result.append(FlatEntry(entry.target, UNIT, sum_of=source.name))
                continue
        elif isinstance(producer, Multiplied):
            left, source = producer.left, producer.right.turned()
        else:
            if isinstance(producer, Drawn):
                raise NotFused(f"{entry.target}: the core draws matrices, not single numbers")
            raise NotFused(f"{entry.target}: the largest entry of all has no kernel")
        assert left is not None
        rows, columns = sides[source.name]
        spread = (columns, rows) if source.transposed else (rows, columns)
        name = f"{entry.target}·Σ"
        sides[name] = spread
        formula = product(Symbol(str(left)), Symbol(str(source)))
        operands = {str(left): left, str(source): source}
        result.append(FlatEntry(name, spread, assignment=Assignment(name, formula, operands)))
        result.append(FlatEntry(entry.target, UNIT, sum_of=name))
    return result


def only_needed(entries: list[FlatEntry], wanted: set[str]) -> list[FlatEntry]:
    """Return the entries that the wanted values depend on."""
    needed = set(wanted)
    remaining: list[FlatEntry] = []
    for entry in reversed(entries):
        update = entry.assignment is not None and entry.assignment.update
        if update or entry.target in needed:
            remaining.append(entry)
            needed.update(reference.name for reference in entry.reads)
    remaining.reverse()
    return remaining
