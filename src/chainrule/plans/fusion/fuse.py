"""Fusion: a Plan rewritten into kernels, each a producer and the formulas that follow it.

A producer is a matrix product, a total or an extreme.  Pointwise operations on its result run on
each block of the result while that block is in the cache: bias and activation after the forward
product, the slope after δ Wᵀ, the optimizer's update after the gradient, which is then not stored
as a whole matrix unless it is requested.

The rewrite depends on names, axes and uses only, not on layers, activations or losses.  ``checked``
verifies of every result that each operation reads the same values as in the Plan.
"""

import heapq
from collections import ChainMap, Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from chainrule.formulas.axes import Sides
from chainrule.formulas.expressions import (
    Add,
    Symbol,
    add,
    symbols,
)
from chainrule.plans.fusion.flattening import (
    Flat,
    FlatEntry,
    only_needed,
    totals_apart,
    with_lookups,
)
from chainrule.plans.fusion.fused_plan import (
    UNIT,
    Assignment,
    FusedPlan,
    Kernel,
    Multiplied,
)
from chainrule.plans.operations import (
    Reference,
)
from chainrule.plans.plan import Plan


def fuse(plan: Plan, wanted: Iterable[str], *, together: bool = True) -> FusedPlan:
    """Return kernels that compute the values ``wanted`` and every update of a Plan.

    ``together=False`` makes a separate kernel for each operation.  Raises ``NotFused`` where the
    core has no form for an operation.

    >>> from chainrule.network.architecture import Network
    >>> from chainrule.network.gradients import differentiate
    >>> from chainrule.network.optimizers import SGD
    >>> from chainrule.plans.plan import plan
    >>> whole = plan(differentiate(Network.dense([2, 1]).formulation()), SGD(0.1))
    >>> print(fuse(whole, [whole.loss]).kernels[-1])
    ∂Loss/∂b_1 = sum of δ_1 over rows; b_1 ← b_1 − α ∂Loss/∂b_1
    """
    flat = Flat(plan)
    names = tuple(wanted)
    needed = [flat.resolve(Reference(name)).name for name in names]
    looked_up = with_lookups(flat.entries, {symbol.name for symbol in plan.formulation.counts})
    entries = only_needed(totals_apart(looked_up, flat.sides, set(needed)), set(needed))
    running = {equation.left.name for equation in plan.formulation.running}
    kernels = _grouped(entries, flat.sides, running if together else None)
    _set_stored(kernels, set(needed))
    ordered = _ordered(kernels)
    if ordered is None:
        ordered = _ordered(_apart(kernels, set(needed)))
        assert ordered is not None, "updates in kernels of their own can always come last"
    fused = FusedPlan(plan, tuple(ordered), flat.sides, flat.aliases, names)
    checked(fused)
    return fused


def _grouped(
    entries: list[FlatEntry], sides: Mapping[str, Sides], apart: Collection[str] | None
) -> list[Kernel]:
    """Return kernels; what changes the values ``apart`` has kernels of its own, None: everything.

    Running statistics depend on the forward pass alone, but change only where the loss is finite,
    which is checked before the first update.
    """
    kernels: list[Kernel] = []
    kernel_of: dict[str, int] = {}
    changed: dict[str, int] = {}
    made_in = ChainMap(changed, kernel_of)
    uses = Counter(reference.name for entry in entries for reference in entry.reads)
    for entry in entries:
        alone = apart is None or (entry.target in apart and _is_update(entry))
        home = None if alone else _home(entry, kernels, made_in, sides)
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
        known = changed if entry.assignment and entry.assignment.update else kernel_of
        known[entry.target] = home
    return kernels


def _is_update(entry: FlatEntry) -> bool:
    return entry.assignment is not None and entry.assignment.update


def _home(
    entry: FlatEntry,
    kernels: list[Kernel],
    kernel_of: Mapping[str, int],
    sides: Mapping[str, Sides],
) -> int | None:
    """Return the number of the kernel that can run the entry with its result, or None."""
    if entry.producer:
        return None
    if entry.sum_of:
        return kernel_of.get(entry.sum_of)
    assert entry.assignment
    operands = entry.assignment.operands.values()
    if entry.sides == UNIT:
        last = len(kernels) - 1
        return last if kernels and kernels[last].scalar else None
    made = [kernel_of[reference.name] for reference in operands if reference.name in kernel_of]
    if not made:
        return None
    home = max(made)
    if kernels[home].sides != entry.sides or kernels[home].scalar:
        return None
    for reference in operands:
        inside = kernel_of.get(reference.name) == home
        if inside and (reference.transposed or sides[reference.name] != entry.sides):
            return None
    reads = {reference.name for reference in kernels[home].produced_from}
    return None if entry.assignment.update and entry.target in reads else home


def _biased(
    assignment: Assignment, kernel: Kernel, sides: Mapping[str, Sides], uses: Counter[str]
) -> Assignment:
    """Make a row that is added to a product the kernel's bias; return the shorter formula."""
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


def _set_stored(kernels: list[Kernel], wanted: set[str]) -> None:
    """Set what each kernel stores: updates, and values that are wanted or read by others."""
    readers = Counter(name for kernel in kernels for name in kernel.reads)
    for kernel in kernels:
        own = kernel.reads
        kernel.stored = sorted(
            {name for name in kernel.makes if name in wanted or readers[name] > (name in own)}
            | kernel.updates
        )


def _apart(kernels: list[Kernel], wanted: set[str]) -> list[Kernel]:
    """Return the kernels with all updates in separate kernels after the others."""
    rest: list[Kernel] = []
    last: list[Kernel] = []
    for kernel in kernels:
        updates = [a for a in kernel.assignments if a.update]
        others = [a for a in kernel.assignments if not a.update]
        if kernel.producer or others or kernel.sums:
            rest.append(replace(kernel, assignments=others, stored=[], fresh=set()))
        if updates:
            last.append(Kernel(kernel.sides, assignments=updates, fresh=kernel.fresh))
    _set_stored([*rest, *last], wanted)
    return [*rest, *last]


def _ordered(kernels: list[Kernel]) -> list[Kernel] | None:
    """Return the kernels with sources first, and every reader of a parameter before its update.

    Of several that can be next, the first in the Plan's order is; None where there is a cycle.
    """
    before = _required(kernels)
    after: dict[int, list[int]] = defaultdict(list)
    for number, required in enumerate(before):
        for other in required:
            after[other].append(number)
    missing = [len(required) for required in before]
    ready = [number for number, count in enumerate(missing) if count == 0]  # sorted: a heap
    ordered: list[Kernel] = []
    while ready:
        number = heapq.heappop(ready)
        ordered.append(kernels[number])
        for other in after[number]:
            missing[other] -= 1
            if missing[other] == 0:
                heapq.heappush(ready, other)
    return ordered if len(ordered) == len(kernels) else None


def _required(kernels: list[Kernel]) -> list[set[int]]:
    """Return for each kernel the numbers of those that have to run before it.

    The kernels of a name are looked up, so that the time grows with the kernels, not their pairs.
    """
    made_by: dict[str, set[int]] = defaultdict(set)
    read_by: dict[str, set[int]] = defaultdict(set)
    updated_by: dict[str, set[int]] = defaultdict(set)
    for number, kernel in enumerate(kernels):
        updates = kernel.updates
        for name in updates:
            updated_by[name].add(number)
        for name in kernel.makes - updates:
            made_by[name].add(number)
        for name in kernel.reads - kernel.fresh:
            read_by[name].add(number)
    required: list[set[int]] = []
    for number, kernel in enumerate(kernels):
        found: set[int] = set()
        for names, by in (
            (kernel.reads, made_by),
            (kernel.updates, read_by),
            (kernel.fresh, updated_by),
        ):
            found.update(*(by[name] for name in names if name in by))
        required.append(found - {number})
    return required


def checked(fused: FusedPlan) -> None:
    """Verify that every kernel reads old parameters and values that have been computed.

    Raises ``AssertionError`` where an update would run before another kernel reads the old value.
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
