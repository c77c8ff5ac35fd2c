"""The neighborhood of an optimizer's line: what is forgotten in momentum, Adam and RMSprop."""

from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.marking.edits import Changes, Factor, Repair
from chainrule.marking.syntax import (
    Binary,
    Call,
    Constant,
    Name,
    Raised,
    Tree,
    exchanged,
    in_latin,
)
from chainrule.marking.update_equations import Updating
from chainrule.marking.vocabulary import LOSS


@dataclass(frozen=True)
class Update:
    """What an optimizer's line is about: keys of values, each with the text that is shown."""

    gradient: str
    memory: tuple[tuple[str, str], ...]
    corrected: tuple[tuple[str, str], ...]
    """The corrected means, each with the key of the plain one."""
    constants: tuple[str, ...]
    parameter: str

    def factors(self) -> Iterator[Factor]:
        """Yield the numbers that get lost: β and 1 − β."""
        for letter in self.constants:
            name = Name(letter, letter)
            rest = Binary("subtract", Constant(1.0, "1"), name)
            label = in_latin(letter)
            yield Factor(label, name, frozenset({letter}))
            yield Factor(f"(1 - {label})", rest, frozenset({letter}))


def update_of(updating: Updating, target: str) -> Update:
    """Return what an optimizer's line for a target is about.

    >>> from chainrule.network.optimizers import find
    >>> update_of(Updating(find("adam")), "W_ho new").corrected[0]
    ('m_hat_W_ho', 'm_W_ho new')
    """
    parameter = updating.parameter(target)
    sense = updating.sense(target)
    keys = [f"{kept.name}_{parameter}" for kept in updating.optimizer.memory]
    hats = [equation.left.name for equation in updating.optimizer.corrected]
    plain = [f"{hat.removesuffix('_hat')}_{parameter}" for hat in hats]
    return Update(
        gradient=f"∂{LOSS}/∂{parameter}",
        memory=tuple((sense.get(key, key), key) for key in keys),
        corrected=tuple(
            (f"{hat}_{parameter}", sense.get(key, key))
            for hat, key in zip(hats, plain, strict=True)
        ),
        constants=tuple(letter for letter in updating.letters if letter != "t"),
        parameter=parameter,
    )


class UpdateRepairs(Changes):
    """The single changes of an optimizer's line: square, root, ε, correction, decay."""

    def __init__(self, tree: Tree, update: Update) -> None:
        super().__init__(tree)
        self.update = update
        self.names = [node for node in self.nodes if isinstance(node, Name)]
        self.memory = {key for key, _ in update.memory}

    def __iter__(self) -> Iterator[Repair]:
        yield from self.squares()
        yield from self.powers()
        yield from self.roots()
        if "ε" in self.update.constants:
            yield from self.epsilons()
        yield from self.corrections()
        yield from self.decays()

    def squares(self) -> Iterator[Repair]:
        """Square the gradient, or do not."""
        for node in self.names:
            above = self.above.get(id(node))
            if node.key == self.update.gradient and isinstance(above, Raised):
                yield self.changed("square_extra", above, node, name=node)
            elif node.key == self.update.gradient:
                new = Raised(node, Constant(2.0, "2"), span=node.span)
                yield self.changed("square_missing", node, new, name=node)

    def powers(self) -> Iterator[Repair]:
        """Raise β to the power t, as the bias correction does."""
        for node in self.names:
            above = self.above.get(id(node))
            if node.key.startswith("β") and not isinstance(above, Raised):
                new = Raised(node, Name("t", "t"), span=node.span)
                yield self.changed("power", node, new, name=node)

    def roots(self) -> Iterator[Repair]:
        """Take a root that was forgotten."""
        for node in self.names:
            if node.key in self.memory or "_hat_" in node.key:
                yield self.changed("root", node, Call("sqrt", (node,), span=node.span), name=node)

    def epsilons(self) -> Iterator[Repair]:
        """Add the ε that keeps a divisor from 0, or take it out of the root."""
        small = Name("ε", "ε")
        for node in self.nodes:
            if not (isinstance(node, Binary) and node.operation == "divide"):
                continue
            divisor = node.right
            new = Binary("add", divisor, small, span=divisor.span)
            yield self.changed("epsilon", divisor, new, name=small)
            if isinstance(divisor, Call) and divisor.function == "sqrt":
                (inside,) = divisor.arguments
                if isinstance(inside, Binary) and inside.operation == "add":
                    root = Call("sqrt", (inside.left,), span=divisor.span)
                    new = Binary("add", root, inside.right, span=divisor.span)
                    yield self.changed("epsilon_inside", divisor, new, name=inside.right)

    def corrections(self) -> Iterator[Repair]:
        """Take the corrected mean for the plain one: in one place, or both."""
        tree = self.tree
        for hat, plain in self.update.corrected:
            for node in self.names:
                if node.key == plain:
                    new = Name(hat, hat, span=node.span)
                    yield self.changed("correction", node, new, name=node, right=new)
                    tree = exchanged(tree, node, new)
        if tree is not self.tree:
            both = " | ".join(hat for hat, _ in self.update.corrected)
            yield Repair("correction_both", tree, self.tree, {"names": both})

    def decays(self) -> Iterator[Repair]:
        """Shrink the parameter, as AdamW does."""
        if "λ_w" in self.update.constants:
            rate = Binary("entrywise", Name("α", "α"), Name("λ_w", "λ_w"))
            parameter = self.update.parameter
            term = Binary("entrywise", rate, Name(parameter, parameter))
            whole = Binary("subtract", self.tree, term, span=self.tree.span)
            yield Repair("decay", whole, self.tree, {"right": term})
