"""One equality of a line, judged.

It is computed on small random examples and compared with the truth.  Where it differs, every single
repair of it is tried; the one that makes it right says what was wrong.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.marking.derivatives import Link, links_of
from chainrule.marking.edits import Factor, Repair, factors, times
from chainrule.marking.evaluator import Clash, Computation
from chainrule.marking.examples import Example, Situation
from chainrule.marking.literals import named
from chainrule.marking.parser import Reading
from chainrule.marking.repairs import Neighborhood
from chainrule.marking.slope_trees import slope_trees
from chainrule.marking.syntax import (
    Binary,
    Negative,
    Notation,
    Partial,
    Tree,
    every,
    exchanged,
    in_latin,
    written,
)
from chainrule.marking.update_repairs import update_of
from chainrule.marking.verdicts import LineVerdict, Measures, same
from chainrule.marking.vocabulary import LOSS, Vocabulary

Array = NDArray[Any]

BUDGET = 30_000
"""Nodes that are computed while repairs are looked for: a fraction of a second."""
WORK = 120_000
"""Repairs that are looked at, times the nodes of the line: the same for long lines."""
EXAMPLES = 2
"""Two examples of different lengths: a 3 in the line is not n, though n be 3 in one of them."""
_TOO_MUCH = {"n": "1/n", "B": "1/B", "1/alpha": "alpha", "1/2": "2"}
"""What is one too many where its inverse would have to be added."""


class Case:
    """One equality being judged: what it gives in each example, and what it should give."""

    def __init__(
        self,
        examples: Sequence[Example],
        line: str,
        reading: Reading,
        target: str,
        tree: Tree,
        constants: Mapping[str, float],
    ) -> None:
        self.examples, self.line, self.reading = examples, line, reading
        self.target, self.tree, self.constants = target, tree, constants
        self.computations = [Computation(example.setting) for example in examples]
        self.work, self.nodes = 0, sum(1 for _ in every(tree))
        self.clash: Clash | None = None
        self.found: Array | None = None
        self.measures = Measures(examples[0])
        numpy = line.isascii() and "\\" not in line
        self.notation: Notation = "numpy" if numpy else "mathematics"

    def verdict(self) -> LineVerdict:
        """Return what becomes of it."""
        links = links_of(self.tree)
        if links is not None:
            return self.chain(links)
        self.tree = self.chained()
        self.compute()
        if self.agrees(self.tree):
            return self.right()
        return (
            self.right_numbers()
            or self.right_here()
            or self.repaired()
            or self.repaired_numbers()
            or self.wrong()
        )

    def compute(self) -> None:
        """Compute the line in the first example, or see where its axes clash."""
        try:
            self.found = self.computations[0](self.tree)
        except Clash as clash:
            self.clash = clash

    @property
    def situation(self) -> Situation:
        return self.example.situation

    @property
    def example(self) -> Example:
        return self.examples[0]

    @property
    def truth(self) -> Array:
        return self.example.setting.values[self.target]

    def agrees(self, tree: Tree) -> bool:
        """Whether a tree is the truth in every example."""
        for computation, example in zip(self.computations, self.examples, strict=True):
            try:
                value = computation(tree)
            except (Clash, InputError):
                return False
            if not same(value, example.setting.values[self.target]):
                return False
        return True

    # -- right ---------------------------------------------------------------------------------

    def right(self, kind: str = "right", **given: str) -> LineVerdict:
        return self._verdict(kind, True, None, **given)

    def right_numbers(self) -> LineVerdict | None:
        """Right with the optimizer's own constants, such as 0.9 for μ."""
        found = self.with_constants()
        if found is None:
            return None
        known = (f"{in_latin(letter)} = {self.constants[letter]:g}" for letter in found)
        return self.right("right_constants", constants=" | ".join(known))

    def with_constants(self) -> list[str] | None:
        """Return the constants that numbers of the line stand for, None if it is not right so."""
        for tree, letters in self._named():
            if self._quickly(tree):
                return sorted(letters)
        return None

    def _named(self) -> Iterator[tuple[Tree, set[str]]]:
        """Yield an optimizer's line with constants for the numbers that have their values."""
        return named(self.tree, self.constants if self._updates else {})

    def repaired_numbers(self) -> LineVerdict | None:
        """Look for the single change once more, with constants for numbers such as 0.9."""
        for tree, _ in self._named():
            case = Case(self.examples, self.line, self.reading, self.target, tree, self.constants)
            case.compute()
            found = case.repaired()
            if found is not None:
                return found
        return None

    @property
    def _updates(self) -> bool:
        """Whether the line is one of the optimizer's."""
        return self.target.endswith(" new") or "_hat_" in self.target

    def convention(self, kept: str) -> LineVerdict:
        """Right where momentum keeps something else than the derivation's step."""
        updating, told = self.situation.updating, self.situation.told
        parameter = updating.parameter(self.target)
        memory = f"{updating.optimizer.memory[0].name}_{parameter}"
        both = " | ".join(told[f"{key} new"] for key in (memory, parameter))
        self.compute()
        verdict = self._verdict(f"convention_{kept}", False, name=memory, both=both)
        return replace(verdict, repaired=told[self.target])

    def right_here(self) -> LineVerdict | None:
        """Right only because of this network's own widths, such as n = 1."""
        situation = self.situation
        ones = [axis for axis, size in situation.own(0).items() if size == 1]
        if not ones:
            return None
        settled = self.computations[0].settled(self.tree)
        for number in range(EXAMPLES):
            example = situation.example(situation.own(number), number)
            try:
                value = Computation(example.setting)(settled)
            except (Clash, InputError):
                return None
            if not same(value, example.setting.values[self.target]):
                return None
        widths = " | ".join(f"{axis.size} = 1" for axis in ones)
        repair = self.repaired()
        if repair is None:
            return self._verdict("right_here_only", True, widths=widths)
        said = (("right_here", {"widths": widths}), repair.said[0])
        return replace(repair, correct=True, kind="right_here", said=said)

    # -- wrong ---------------------------------------------------------------------------------

    def repaired(self) -> LineVerdict | None:
        """Return the verdict of the first single change that makes the line right."""
        return self._by_total() or self._by_number() or self._by_repair() or self._by_two()

    @cached_property
    def _neighborhood(self) -> Neighborhood:
        network = self.situation.network
        backward = self.target[0] in "δ∂"
        places = list(zip(network.names.places[1:], network.activations, strict=True))
        return Neighborhood(
            self.tree,
            self.computations[0],
            slope_trees(places) if backward else [],
            self._letters(),
            0 if self.situation.layout == "rows" else 1,
            None if self.clash is None else self.clash.tree,
            single=self.target == LOSS,
            update=update_of(self.situation.updating, self.target) if self._updates else None,
        )

    def _by_total(self) -> LineVerdict | None:
        """A mean for a sum is told as that, not as a factor; in a loss it is the factor."""
        if self.target == LOSS:
            return None
        return self._first(self._neighborhood.totals())

    def _by_number(self) -> LineVerdict | None:
        """A number between the line and the truth: a sign, 1/n, a convention."""
        if self.found is None:
            return None
        letters = self._letters()
        for sign in (1, -1):
            for factor in (None, *factors([*letters, "α"])):
                if sign == 1 and factor is None:
                    continue
                tree = self.tree if factor is None else times(factor, self.tree)
                if sign == -1:
                    tree = Negative(tree, span=self.tree.span)
                if not self._quickly(tree):
                    continue
                if factor is None:
                    repair = Repair("sign", tree, self.tree)
                elif sign == 1:
                    repair = self._number(factor, self._without(factor) or tree)
                else:
                    given: dict[str, str | Tree] = {"factor": factor.label}
                    repair = Repair("factor_sign", tree, self.tree, given)
                return self._verdict_of(repair)
        return None

    def _without(self, factor: Factor) -> Tree | None:
        """Return the line without a number in it that is one too many, None where none is."""
        if factor.label not in ("n", "B", "1/2", "1/alpha"):
            return None
        trees = (repair.tree for repair in self._neighborhood.scalars())
        return next((tree for tree in trees if self._quickly(tree)), None)

    def _letters(self) -> list[str]:
        return ["n", "B"] if self.situation.batch else ["n"]

    def _number(self, factor: Factor, tree: Tree) -> Repair:
        """Say whether a missing number is a mistake or another convention of the loss."""
        loss = self.situation.network.loss.name
        given: dict[str, str | Tree] = {"factor": factor.label}
        squared = loss in ("mse", "half_mse")
        if "α" in factor.counted:
            return Repair("factor", tree, self.tree, given)
        if "B" in factor.counted:
            much = "_much" if factor.label == "B" and self.target[0] == "∂" else ""
            return Repair(f"convention_batch{much}", tree, self.tree, given)
        if "2" in factor.counted and squared:
            return Repair("convention_half", tree, self.tree, given)
        return Repair("factor", tree, self.tree, given)

    def _quickly(self, tree: Tree) -> bool:
        """Whether a tree agrees: the first example sorts most out."""
        computation = self.computations[0]
        if computation.count > BUDGET:
            return False
        try:
            value = computation(tree)
        except (Clash, InputError):
            return False
        return same(value, self.truth) and self.agrees(tree)

    def _by_repair(self) -> LineVerdict | None:
        return self._first(self._neighborhood)

    def _by_two(self) -> LineVerdict | None:
        """The one pair that is common: a slope forgotten together with a number (δ = a − y)."""
        if self.found is None:
            return None
        for sloped in self._neighborhood.whole_slopes():
            for factor in factors(self._letters()):
                if self._quickly(tree := times(factor, sloped.tree)):
                    given = {**sloped.given, "factor": factor.label}
                    return self._verdict_of(Repair("slope_factor", tree, self.tree, given))
        return None

    def _first(self, repairs: Iterable[Repair]) -> LineVerdict | None:
        for repair in repairs:
            self.work += self.nodes
            if self.work > WORK or self.computations[0].count > BUDGET:
                return None
            if self._quickly(repair.tree):
                return self._verdict_of(repair)
        return None

    def _verdict_of(self, repair: Repair) -> LineVerdict:
        given = {
            name: value if isinstance(value, str) else written(value, self.notation)
            for name, value in repair.given.items()
        }
        kind = repair.kind
        if kind == "transpose_missing" and self.clash is not None:
            kind = "transpose_meets"
        given["meets"] = self._meeting(self.clash.tree if self.clash else None)
        if kind == "factor" and given["factor"] in _TOO_MUCH:
            kind, given["factor"] = "factor_much", _TOO_MUCH[given["factor"]]
        return self._verdict(kind, False, repair, **given)

    def wrong(self) -> LineVerdict:
        """Nothing single makes it right: say where axes clash, or show the numbers."""
        if self.clash is not None and self.clash.left and self.clash.right:
            meets = self._meeting(self.clash.tree)
            left, right = (self.measures.sides(s) for s in (self.clash.left, self.clash.right))
            verdict = self._verdict("shape", False, meets=meets, left=left, right=right)
            return replace(verdict, position=self.clash.tree.span)
        if self.clash is not None:
            return replace(self._verdict("ones", False), position=self.clash.tree.span)
        return self._verdict("different", False)

    # -- a chain of partial derivatives --------------------------------------------------------

    def chain(self, links: Sequence[Link]) -> LineVerdict:
        """Judge ∂Loss/∂a × ∂a/∂z × …: each factor takes up where the one before ended."""
        fault = self._fault(links)
        return self.right() if fault is None else self._verdict(fault[0], False, None, **fault[1])

    def _fault(self, links: Sequence[Link]) -> tuple[str, dict[str, str]] | None:
        """Return what is wrong with a chain that should lead to the left side."""
        vocabulary = Vocabulary(self.situation.network)
        ends = {vocabulary.cotangent(key): key for key in vocabulary.values}
        setting = self.example.setting
        known = {*setting.stands_for, *((f"a_{z[2:]}", z) for z in setting.layers)}
        before = LOSS
        for above, under in links:
            if above != before:
                return "chain_gap", {"before": before, "after": f"∂{above}/∂{under}"}
            if above != LOSS and (above, under) not in known:
                return "chain_far", {"after": f"∂{above}/∂{under}"}
            before = under
        if before != ends.get(self.target):
            return "chain_end", {"before": before}
        return None

    def chained(self) -> Tree:
        """Take a whole chain inside the line for what it is as a matrix, penalties left out."""
        tree = self.tree
        for node in every(tree):
            links = links_of(node)
            if links is not None and len(links) > 1 and self._fault(links) is None:
                whole = Partial(LOSS, links[-1][1], written(node, self.notation), span=node.span)
                return exchanged(tree, node, whole)
        return tree

    # -- saying it -----------------------------------------------------------------------------

    def _meeting(self, node: Tree | None) -> str:
        """Return which axes meet where the line clashes: h and B."""
        if node is None or self.clash is None or not (self.clash.left and self.clash.right):
            return ""
        left, right = self.clash.left, self.clash.right
        matrix = isinstance(node, Binary) and node.operation in ("matrix", "product")
        if matrix:
            pair = (left[-1], right[-2 if len(right) > 1 else 0])
        else:
            both = zip(left[::-1], right[::-1], strict=False)
            pair = next(((a, b) for a, b in both if a != b and 1 not in (a, b)), (0, 0))
        return " | ".join(self.measures.axis(length) for length in pair)

    def _verdict(
        self, kind: str, correct: bool, repair: Repair | None = None, **given: str
    ) -> LineVerdict:
        left = self.reading.left.text
        repaired = ""
        if repair is not None:
            sign = " ← " if self.reading.assigns and self.notation == "mathematics" else " = "
            # NumPy has a sign of its own for each product: shapes decide which was meant.
            repaired = (
                left + sign + written(self.computations[0].settled(repair.tree), self.notation)
            )
        said: list[tuple[str, Mapping[str, str]]] = [
            (kind, {"left": left, "repaired": repaired, **given})
        ]
        numbers: dict[str, Any] = {}
        if not correct:
            if kind in ("different", "shape", "ones") and self.target in self.situation.told:
                told = self.situation.told[self.target]
                said.append(("told", {"told": told}))
            numbers, more = self.measures.numbers(self.found, self.truth)
            said.append(more)
        return LineVerdict(
            line=self.line,
            correct=correct,
            kind="right_here" if kind.startswith("right_") else kind.partition("_")[0],
            position=None if repair is None else repair.node.span,
            repaired=repaired,
            numbers=numbers,
            said=tuple(said),
        )
