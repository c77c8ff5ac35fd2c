"""Single repairs of an optimizer's line: what is often missing in momentum, Adam and RMSprop."""

from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.marking.quantities import LEARNING_RATE, Quantity, Role, constant, cotangent
from chainrule.marking.syntax import Binary, Call, Name, Raised, Tree, replaced
from chainrule.marking.tree_edits import ONE, TWO, MissingFactor, Repair, TreeEditor, name_of
from chainrule.marking.update_equations import UpdateRule
from chainrule.network.optimizers import STEPS

_EPSILON = constant("ε")
_WEIGHT_DECAY = constant("λ_w")
_STEPS = constant(STEPS.name)


@dataclass(frozen=True)
class UpdateTerms:
    """The quantities that may occur in one line of an optimizer."""

    parameter: Quantity
    memory: dict[Quantity, Quantity]
    """The memory as its plain symbol, with its meaning in this line."""
    corrected: dict[Quantity, Quantity]
    """The corrected means, each with the meaning of the memory that it corrects."""
    constants: tuple[Quantity, ...]

    def factors(self) -> Iterator[MissingFactor]:
        """Yield the constants c that may be missing, and 1 − c."""
        for quantity in self.constants:
            name = name_of(quantity)
            rest = Binary("subtract", ONE, name)
            contains = frozenset({quantity})
            yield MissingFactor(quantity.typed, name, contains)
            yield MissingFactor(f"(1 - {quantity.typed})", rest, contains)


def update_terms(rule: UpdateRule, target: Quantity) -> UpdateTerms | None:
    """Return the terms of the line for a target, None if no update computes the target.

    >>> from chainrule.network.optimizers import find
    >>> terms = update_terms(UpdateRule(find("adam")), Quantity("W_ho", Role.UPDATED_WEIGHT))
    >>> [(str(mean), str(memory)) for mean, memory in terms.corrected.items()]
    [('m_hat_W_ho', 'm_W_ho_new'), ('v_hat_W_ho', 'v_W_ho_new')]
    """
    parameter = rule.parameter(target)
    if parameter is None or not (target.is_updated or target.role is Role.CORRECTED_MEAN):
        return None
    meaning = rule.meaning(target)
    corrected = rule.corrected_means(parameter).items()
    return UpdateTerms(
        parameter=parameter,
        memory={memory: meaning.get(memory, memory) for memory in rule.memory(parameter)},
        corrected={mean: meaning.get(memory, memory) for mean, memory in corrected},
        constants=tuple(map(constant, (name for name in rule.letters if name != STEPS.name))),
    )


class UpdateRepairs(TreeEditor):
    """The single repairs of an optimizer's line: square, root, ε, correction, decay."""

    def __init__(self, tree: Tree, terms: UpdateTerms) -> None:
        super().__init__(tree)
        self.terms = terms
        self.names = [node for node in self.nodes if isinstance(node, Name)]

    def __iter__(self) -> Iterator[Repair]:
        yield from self.squares()
        yield from self.powers()
        yield from self.roots()
        if _EPSILON in self.terms.constants:
            yield from self.epsilons()
        yield from self.corrections()
        yield from self.decays()

    def squares(self) -> Iterator[Repair]:
        """Square the gradient, or remove the square."""
        gradient = cotangent(self.terms.parameter)
        for node in self.names:
            if node.quantity != gradient:
                continue
            parent = self.parent(node)
            if isinstance(parent, Raised):
                yield self.changed("square_extra", parent, node, name=node)
            else:
                new = Raised(node, TWO, span=node.span)
                yield self.changed("square_missing", node, new, name=node)

    def powers(self) -> Iterator[Repair]:
        """Raise β to the power t, as in the bias correction."""
        for node in self.names:
            is_beta = node.quantity.role is Role.CONSTANT and node.quantity.symbol.startswith("β")
            if is_beta and not isinstance(self.parent(node), Raised):
                new = Raised(node, name_of(_STEPS), span=node.span)
                yield self.changed("power", node, new, name=node)

    def roots(self) -> Iterator[Repair]:
        """Add a missing square root."""
        memory = self.terms.memory.values()
        for node in self.names:
            if node.quantity in memory or node.quantity.role is Role.CORRECTED_MEAN:
                yield self.changed("root", node, Call("sqrt", (node,), span=node.span), name=node)

    def epsilons(self) -> Iterator[Repair]:
        """Add ε to a divisor, or move it out of the root."""
        epsilon = name_of(_EPSILON)
        for node in self.nodes:
            if not (isinstance(node, Binary) and node.operation == "divide"):
                continue
            divisor = node.right
            new = Binary("add", divisor, epsilon, span=divisor.span)
            yield self.changed("epsilon", divisor, new, name=epsilon)
            if isinstance(divisor, Call) and divisor.function == "sqrt":
                (inside,) = divisor.arguments
                if isinstance(inside, Binary) and inside.operation == "add":
                    root = Call("sqrt", (inside.left,), span=divisor.span)
                    new = Binary("add", root, inside.right, span=divisor.span)
                    yield self.changed("epsilon_inside", divisor, new, name=inside.right)

    def corrections(self) -> Iterator[Repair]:
        """Replace the memory by the corrected mean: once, or everywhere."""
        tree = self.tree
        for mean, memory in self.terms.corrected.items():
            for node in self.names:
                if node.quantity == memory:
                    new = Name(mean, mean.symbol, span=node.span)
                    yield self.changed("correction", node, new, name=node, right=new)
                    tree = replaced(tree, node, new)
        if tree is not self.tree:
            names = tuple(map(str, self.terms.corrected))
            yield Repair("correction_both", tree, self.tree, {"names": names})

    def decays(self) -> Iterator[Repair]:
        """Subtract the weight decay of AdamW."""
        if _WEIGHT_DECAY in self.terms.constants:
            rate = Binary("entrywise", name_of(LEARNING_RATE), name_of(_WEIGHT_DECAY))
            term = Binary("entrywise", rate, name_of(self.terms.parameter))
            tree = Binary("subtract", self.tree, term, span=self.tree.span)
            yield Repair("decay", tree, self.tree, {"right": term})
