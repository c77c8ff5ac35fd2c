"""Fusion: a Plan rewritten into kernels, each a producer and the formulas that meet its result.

A producer is a matrix product, a total or an extreme; the pointwise operations that work on its
result entry by entry, or on values beside it, run on each block of it while that block is in the
cache.  So bias and activation meet the forward product, the slope the product δ Wᵀ, and the
optimizer's update the gradient, which then never becomes a whole matrix unless it is asked for.

The rewrite knows names, sides and uses only, and nothing of layers, activations or losses.
``checked`` proves of every result that each operation still reads what it reads in the Plan.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from chainrule.errors import NotFused
from chainrule.formulas.arrange import orient
from chainrule.formulas.axes import Axis, Sides
from chainrule.formulas.expressions import (
    Add,
    Apply,
    Expression,
    Symbol,
    add,
    children,
    product,
    rebuild,
    substitute,
    symbols,
)
from chainrule.formulas.functions import Function
from chainrule.network.activations import CATALOGUE
from chainrule.network.operations import (
    Extreme,
    General,
    Layerwise,
    MatrixProduct,
    Operation,
    Over,
    Pointwise,
    Reference,
    Spread,
    Total,
)
from chainrule.network.plan import Plan

UNIT: Sides = (None, None)
IN_CORE = {id(CATALOGUE[name]): name for name in ("sigmoid",)}
"""Named functions that the core has as a primitive; all others are written out."""


@dataclass(frozen=True)
class Assignment:
    """``target`` = a formula whose symbols are named as the references in ``operands``."""

    target: str
    formula: Expression
    operands: Mapping[str, Reference]
    update: bool = False

    def __str__(self) -> str:
        return f"{self.target} {'←' if self.update else '='} {self.formula}"


@dataclass(frozen=True)
class Multiplied:
    """The producer op(left) · op(right)."""

    left: Reference
    right: Reference

    def __str__(self) -> str:
        return f"{self.left} {self.right}"


@dataclass(frozen=True)
class Reduced:
    """The producer: sums or largest entries over the rows or the columns of ``source``."""

    source: Reference
    over: Over
    largest: bool = False

    def __str__(self) -> str:
        return f"{'max' if self.largest else 'sum'} of {self.source} over {self.over}"


@dataclass(eq=False)
class Kernel:
    """One kernel: what is produced, what meets it, and what is kept.

    ``result`` is the producer's name; ``bias`` is added to each of its rows.  ``sums`` maps a
    scalar to the value whose entries it adds up; ``kept`` are the values that others read.
    ``fresh`` are parameters and memories that are read here after another kernel's update.
    """

    sides: Sides
    producer: Multiplied | Reduced | None = None
    result: str = ""
    bias: Reference | None = None
    assignments: list[Assignment] = field(default_factory=list)
    sums: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    fresh: set[str] = field(default_factory=set)

    @property
    def makes(self) -> set[str]:
        """Every value that comes from here, kept or not."""
        made = {assignment.target for assignment in self.assignments} | set(self.sums)
        return made | {self.result} if self.producer else made

    @property
    def produced_from(self) -> tuple[Reference, ...]:
        """What the producer reads."""
        match self.producer:
            case Multiplied():
                return (self.producer.left, self.producer.right)
            case Reduced():
                return (self.producer.source,)
        return ()

    @property
    def reads(self) -> set[str]:
        """Every value that is read and does not come from here before it is read."""
        names = {reference.name for reference in self.produced_from}
        if self.bias:
            names.add(self.bias.name)
        made = {self.result} if self.producer else set()
        for assignment in self.assignments:
            names |= {r.name for r in assignment.operands.values()} - made
            made.add(assignment.target)
        return names | (set(self.sums.values()) - made)

    @property
    def updates(self) -> set[str]:
        """The parameters and memories that change here."""
        return {assignment.target for assignment in self.assignments if assignment.update}

    @property
    def scalar(self) -> bool:
        """Whether this is arithmetic on single numbers."""
        return self.sides == UNIT and self.producer is None and not self.sums

    def __str__(self) -> str:
        parts = []
        if self.producer:
            bias = f" + {self.bias}" if self.bias else ""
            parts.append(f"{self.result} = {self.producer}{bias}")
        parts += map(str, self.assignments)
        parts += [f"{name} = sum of {source}" for name, source in self.sums.items()]
        return "; ".join(parts)


@dataclass(frozen=True)
class FusedPlan:
    """Kernels in order; ``sides`` of every value by name, inputs included."""

    plan: Plan
    kernels: tuple[Kernel, ...]
    sides: Mapping[str, Sides]
    aliases: Mapping[str, Reference]
    wanted: tuple[str, ...]

    def found(self, name: str) -> Reference:
        """Return where a value of the Plan is."""
        return self.aliases.get(name, Reference(name))

    def __str__(self) -> str:
        return "\n".join(f"{place}: {kernel}" for place, kernel in enumerate(self.kernels, 1))


def fuse(plan: Plan, wanted: Iterable[str], *, together: bool = True) -> FusedPlan:
    """Rewrite a Plan into kernels that compute ``wanted`` and every update.

    ``together=False`` gives each operation a kernel of its own.

    >>> from chainrule.network.architecture import Network
    >>> from chainrule.network.gradients import differentiate
    >>> from chainrule.network.optimizers import SGD
    >>> from chainrule.network.plan import plan
    >>> whole = plan(differentiate(Network.dense([2, 1]).formulation()), SGD(0.1))
    >>> print(fuse(whole, [whole.loss]).kernels[-1])
    ∂Loss/∂b_1 = sum of δ_1 over rows; b_1 ← b_1 − α ∂Loss/∂b_1
    """
    flat = _Flat(plan)
    names = tuple(wanted)
    needed = [flat.resolve(Reference(name)).name for name in names]
    entries = _needed(_sums(flat.entries, flat.sides, set(needed)), set(needed))
    kernels = _grouped(entries, flat.sides, together)
    _keep(kernels, set(needed))
    ordered = _ordered(kernels)
    if ordered is None:
        ordered = _ordered(_apart(kernels, set(needed)))
        assert ordered is not None, "updates in kernels of their own can always come last"
    fused = FusedPlan(plan, tuple(ordered), flat.sides, flat.aliases, names)
    checked(fused)
    return fused


# -- one flat list of entries --------------------------------------------------------------------


@dataclass(frozen=True)
class _Entry:
    """One operation after names are resolved: a producer, a formula, or a sum to a scalar."""

    target: str
    sides: Sides
    producer: Multiplied | Reduced | None = None
    assignment: Assignment | None = None
    sum_of: str | None = None

    @property
    def reads(self) -> list[Reference]:
        if self.assignment:
            return list(self.assignment.operands.values())
        if self.sum_of:
            return [Reference(self.sum_of)]
        return list(Kernel(self.sides, self.producer).produced_from)


class _Flat:
    """The Plan's operations without layers, copies and repetitions."""

    def __init__(self, plan: Plan) -> None:
        self.entries: list[_Entry] = []
        self.aliases: dict[str, Reference] = {}
        self.sides: dict[str, Sides] = {
            symbol.name: orient(symbol.axes, "rows")
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

    def take(self, operation: Operation) -> None:
        self.sides[operation.target] = operation.sides
        match operation:
            case Layerwise():
                for part in operation.body:
                    self.take(part)
            case MatrixProduct():
                left, right = self.resolve(operation.left), self.resolve(operation.right)
                self._produce(operation, Multiplied(left, right))
            case Total() | Extreme():
                source = self.resolve(operation.source)
                largest = isinstance(operation, Extreme)
                self._produce(operation, Reduced(source, operation.over, largest))
            case Spread():
                value = Symbol("x")
                self._assign(operation, value, ((value, operation.source),))
            case Pointwise():
                self._assign(operation, operation.formula, operation.operands)
            case General():
                raise NotFused(
                    f"{operation.target}: {operation} has no matrix form, and the compiled core "
                    "runs matrices only; use backend='reference'"
                )
            case _:
                raise NotFused(f"{type(operation).__name__}: no kernel runs this operation")

    def _produce(self, operation: Operation, producer: Multiplied | Reduced) -> None:
        key = (operation.sides, producer)
        if not self._repeated(operation, key):
            self.entries.append(_Entry(operation.target, operation.sides, producer=producer))

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
        resolved = {symbol: self.resolve(reference) for symbol, reference in operands}
        named = {str(reference): reference for reference in resolved.values()}
        renamed: dict[Symbol, Expression] = {s: Symbol(str(r)) for s, r in resolved.items()}
        written = written_out(substitute(formula, dict(renamed)))
        update = operation.stage == "update"
        earlier = self._formulas.setdefault(operation.sides, {})
        if not update:
            if isinstance(written, Symbol) and written.name in named:
                source = named[written.name]
                rows, columns = self.sides[source.name]
                sides = (columns, rows) if source.transposed else (rows, columns)
                if sides == operation.sides:
                    self.aliases[operation.target] = source
                    return
            if self._repeated(operation, (operation.sides, written)):
                return
            shorter = substitute(written, dict(earlier))
            if shorter != written:
                named |= {name: Reference(name) for name in map(str, earlier.values())}
                written = shorter
        used = {symbol.name for symbol in symbols(written)}
        kept = {name: reference for name, reference in named.items() if name in used}
        assignment = Assignment(operation.target, written, kept, update)
        self.entries.append(_Entry(operation.target, operation.sides, assignment=assignment))
        if not update and operation.sides != UNIT and children(written):
            earlier[written] = Symbol(operation.target)


def written_out(formula: Expression) -> Expression:
    """Return a formula with named functions replaced by what they compute, but for the core's."""
    parts = tuple(written_out(part) for part in children(formula))
    if isinstance(formula, Apply) and isinstance(formula.function, Function):
        function = formula.function
        if id(function) in IN_CORE:
            return Apply(function, parts)
        return written_out(function.body(function.computed, {"z": parts[0]}))
    return rebuild(formula, parts) if parts else formula


def _sums(entries: list[_Entry], sides: dict[str, Sides], wanted: set[str]) -> list[_Entry]:
    """Turn totals and products that end in one number into sums over all entries."""
    uses = Counter(reference.name for entry in entries for reference in entry.reads)
    made = {entry.target: entry for entry in entries}
    result: list[_Entry] = []

    def inner(name: str) -> _Entry | None:
        entry = made.get(name)
        return entry if entry and uses[name] == 1 and name not in wanted else None

    for entry in entries:
        producer = entry.producer
        if entry.sides != UNIT or producer is None:
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
                result.append(_Entry(entry.target, UNIT, sum_of=source.name))
                continue
        elif isinstance(producer, Multiplied):
            left, source = producer.left, producer.right.turned()
        else:
            raise NotFused(f"{entry.target}: the largest entry of all has no kernel")
        assert left is not None
        rows, columns = sides[source.name]
        spread = (columns, rows) if source.transposed else (rows, columns)
        name = f"{entry.target}·Σ"
        sides[name] = spread
        formula = product(Symbol(str(left)), Symbol(str(source)))
        operands = {str(left): left, str(source): source}
        result.append(_Entry(name, spread, assignment=Assignment(name, formula, operands)))
        result.append(_Entry(entry.target, UNIT, sum_of=name))
    return result


def _needed(entries: list[_Entry], wanted: set[str]) -> list[_Entry]:
    needed = set(wanted)
    kept: list[_Entry] = []
    for entry in reversed(entries):
        update = entry.assignment is not None and entry.assignment.update
        if update or entry.target in needed:
            kept.append(entry)
            needed.update(reference.name for reference in entry.reads)
    kept.reverse()
    return kept


# -- kernels -------------------------------------------------------------------------------------


def _grouped(entries: list[_Entry], sides: Mapping[str, Sides], together: bool) -> list[Kernel]:
    kernels: list[Kernel] = []
    place: dict[str, int] = {}
    changed: dict[str, int] = {}
    uses = Counter(reference.name for entry in entries for reference in entry.reads)
    for entry in entries:
        home = _home(entry, kernels, {**place, **changed}, sides) if together else None
        if home is None:
            source = sides[entry.sum_of] if entry.sum_of else entry.sides
            kernels.append(Kernel(source))
            home = len(kernels) - 1
        kernel = kernels[home]
        if entry.producer:
            kernel.producer, kernel.result = entry.producer, entry.target
        elif entry.sum_of:
            kernel.sums[entry.target] = entry.sum_of
        elif entry.assignment:
            kernel.assignments.append(_biased(entry.assignment, kernel, sides, uses))
        for reference in entry.reads:
            if changed.get(reference.name, home) != home:
                kernel.fresh.add(reference.name)
        known = changed if entry.assignment and entry.assignment.update else place
        known[entry.target] = home
    return kernels


def _home(
    entry: _Entry, kernels: list[Kernel], place: dict[str, int], sides: Mapping[str, Sides]
) -> int | None:
    """Return the kernel in whose result the entry's operands stand, if it can run there."""
    if entry.producer:
        return None
    if entry.sum_of:
        return place.get(entry.sum_of)
    assert entry.assignment
    operands = entry.assignment.operands.values()
    if entry.sides == UNIT:
        last = len(kernels) - 1
        return last if kernels and kernels[last].scalar else None
    made = [place[reference.name] for reference in operands if reference.name in place]
    if not made:
        return None
    home = max(made)
    if kernels[home].sides != entry.sides or kernels[home].scalar:
        return None
    for reference in operands:
        inside = place.get(reference.name) == home
        if inside and (reference.transposed or sides[reference.name] != entry.sides):
            return None
    reads = {reference.name for reference in kernels[home].produced_from}
    return None if entry.assignment.update and entry.target in reads else home


def _biased(
    assignment: Assignment, kernel: Kernel, sides: Mapping[str, Sides], uses: Counter[str]
) -> Assignment:
    """Let the product start from a row that is added to it."""
    formula = assignment.formula
    result = Symbol(kernel.result)
    if (
        not isinstance(kernel.producer, Multiplied)
        or kernel.assignments
        or not isinstance(formula, Add)
        or result not in formula.terms
        or uses[kernel.result] != 1
    ):
        return assignment
    row = (None, kernel.sides[1])
    for term in formula.terms:
        reference = assignment.operands.get(term.name) if isinstance(term, Symbol) else None
        if reference and not reference.transposed and row == sides[reference.name] != UNIT:
            rest = list(formula.terms)
            rest.remove(term)
            kernel.bias = reference
            shorter = add(*rest)
            used = {symbol.name for symbol in symbols(shorter)}
            operands = {name: r for name, r in assignment.operands.items() if name in used}
            return replace(assignment, formula=shorter, operands=operands)
    return assignment


def _keep(kernels: list[Kernel], wanted: set[str]) -> None:
    for kernel in kernels:
        outside = set(wanted)
        for other in kernels:
            if other is not kernel:
                outside |= other.reads
        kernel.kept = sorted((kernel.makes & outside) | kernel.updates)


def _apart(kernels: list[Kernel], wanted: set[str]) -> list[Kernel]:
    """Give all updates kernels of their own, after everything else."""
    rest: list[Kernel] = []
    last: list[Kernel] = []
    for kernel in kernels:
        updates = [a for a in kernel.assignments if a.update]
        others = [a for a in kernel.assignments if not a.update]
        if kernel.producer or others or kernel.sums:
            rest.append(replace(kernel, assignments=others, kept=[], fresh=set()))
        if updates:
            last.append(Kernel(kernel.sides, assignments=updates, fresh=kernel.fresh))
    _keep([*rest, *last], wanted)
    return [*rest, *last]


def _ordered(kernels: list[Kernel]) -> list[Kernel] | None:
    """Order the kernels: sources first, and every reader of a parameter before its update.

    Of those that may run, the first in the Plan's order does; None where there is a circle.
    """
    before: dict[int, set[int]] = {place: set() for place in range(len(kernels))}
    for place, kernel in enumerate(kernels):
        for other, source in enumerate(kernels):
            if other == place:
                continue
            if kernel.reads & (source.makes - source.updates):
                before[place].add(other)
            if kernel.updates & (source.reads - source.fresh):
                before[place].add(other)
            if kernel.fresh & source.updates:
                before[place].add(other)
    ordered: list[Kernel] = []
    done: set[int] = set()
    while len(done) < len(kernels):
        ready = [place for place in before if place not in done and before[place] <= done]
        if not ready:
            return None
        done.add(ready[0])
        ordered.append(kernels[ready[0]])
    return ordered


def checked(fused: FusedPlan) -> None:
    """Prove that every kernel reads old parameters and values that are there.

    Raises ``AssertionError`` where an update came before another kernel's reading.
    """
    changed: set[str] = set()
    made: set[str] = set()
    given = {symbol.name for symbol in (*fused.plan.inputs, *fused.plan.memory)}
    for kernel in fused.kernels:
        early = (kernel.reads - kernel.fresh) & changed
        assert not early, f"{', '.join(early)} changed before {kernel} read it"
        late = kernel.fresh - changed
        assert not late, f"{', '.join(late)} not yet changed when {kernel} reads it"
        missing = kernel.reads - made - given
        assert not missing, f"{', '.join(missing)} is missing for {kernel}"
        stale = {reference.name for reference in kernel.produced_from} & kernel.updates
        assert not stale, f"{kernel} changes what its own producer reads"
        changed |= kernel.updates
        made |= kernel.makes
    assert all(fused.found(name).name in made | given for name in fused.wanted)


def axes_of(fused: FusedPlan) -> list[Axis]:
    """Return every axis that a value has, samples first."""
    found = {axis for sides in fused.sides.values() for axis in sides if axis is not None}
    return sorted(found, key=lambda axis: (axis.position, axis.name))


def names_of(kernels: Collection[Kernel]) -> set[str]:
    """Return the names of all values that are read, kept or summed."""
    names: set[str] = set()
    for kernel in kernels:
        names |= kernel.reads | set(kernel.kept) | set(kernel.sums)
    return names


# -- printing ------------------------------------------------------------------------------------


def explain(
    plan: Plan, sizes: Mapping[Axis, int], wanted: Iterable[str] = (), *, width: int = 4
) -> str:
    """Return which equations run fused in which kernel, with operations and bytes of memory.

    ``sizes`` are the lengths of the axes, ``width`` the bytes of a number.  Operations count each
    product and sum of a matrix product and one for each operation of a formula's entries; bytes
    count every matrix that a kernel reads and keeps once.

    >>> from chainrule.network.architecture import Network
    >>> from chainrule.network.gradients import differentiate
    >>> from chainrule.network.optimizers import SGD
    >>> from chainrule.network.plan import plan
    >>> network = Network.dense([4, 1], activation="identity")
    >>> whole = plan(differentiate(network.formulation()), SGD(0.1))
    >>> axes = {axis: 4 for axis in whole.formulation.axes}
    >>> print(explain(whole, axes).splitlines()[-1])
    total: 512 operations, 564 bytes
    """
    names = tuple(wanted) or (plan.loss, plan.data_loss)
    fused = fuse(plan, names)
    lines: list[str] = []
    operations = traffic = 0
    for place, kernel in enumerate(fused.kernels, start=1):
        counted, moved = _counted(kernel, fused, sizes), _moved(kernel, fused, sizes) * width
        operations, traffic = operations + counted, traffic + moved
        lines.append(f"kernel {place}: {counted:,} operations, {moved:,} bytes")
        lines += [f"  {part}" for part in str(kernel).split("; ")]
    lines.append(f"total: {operations:,} operations, {traffic:,} bytes")
    return "\n".join(lines)


def _area(sides: Sides, sizes: Mapping[Axis, int]) -> int:
    rows, columns = (1 if axis is None else sizes[axis] for axis in sides)
    return rows * columns


def _counted(kernel: Kernel, fused: FusedPlan, sizes: Mapping[Axis, int]) -> int:
    area = _area(kernel.sides, sizes)
    total = 0
    match kernel.producer:
        case Multiplied(left=left):
            inner = fused.sides[left.name][0 if left.transposed else 1]
            total = 2 * area * (1 if inner is None else sizes[inner])
        case Reduced(source=source):
            total = _area(fused.sides[source.name], sizes)
    arithmetic = sum(_weight(assignment.formula) for assignment in kernel.assignments)
    return total + area * (arithmetic + len(kernel.sums))


def _weight(formula: Expression) -> int:
    parts = children(formula)
    own = max(1, len(parts) - 1) if parts else 0
    return own + sum(_weight(part) for part in parts)


def _moved(kernel: Kernel, fused: FusedPlan, sizes: Mapping[Axis, int]) -> int:
    names = kernel.reads | set(kernel.kept)
    return sum(_area(fused.sides[name], sizes) for name in names)
