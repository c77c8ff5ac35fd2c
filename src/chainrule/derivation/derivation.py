"""Network to Derivation: the gradient equations in order, with a reason for every step.

Brief: conventions, forward, loss, functions, and one section for each layer on the way back, which
ends with its updates.  Full: conventions, functions, then the same thing four times, one output
neuron in scalars, one sample entry by entry, one sample in matrices, a batch in matrices, and the
updates of all parameters at the end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from chainrule.derivation.activation_steps import about
from chainrule.derivation.check_points import lengths
from chainrule.derivation.checking import Checked, Checker
from chainrule.derivation.conventions import conventions, meaning, scale, title
from chainrule.derivation.equation_chains import Chains
from chainrule.derivation.neuron import factors, neuron
from chainrule.derivation.proving import RULE, ProductProof, proof_element
from chainrule.documents import html_of, latex_fragment_of, latex_of, text_of
from chainrule.documents.elements import (
    Element,
    Heading,
    Line,
    Listed,
    Paragraph,
    Part,
    Phrase,
    Piece,
    Statement,
    statements,
)
from chainrule.errors import InputError, InputTypeError, unknown_name
from chainrule.formulas.arrange import Layout, arrange
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Symbol
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.proofs import Proof
from chainrule.network.architecture import Network
from chainrule.network.drawing import drawing_for_page
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import Backward, Gradients, differentiate
from chainrule.network.optimizers import Optimizer
from chainrule.network.optimizers import find as find_optimizer
from chainrule.network.scope import SAMPLES
from chainrule.plans.fusion.step_plan import StepPlan
from chainrule.plans.plan import plan
from chainrule.validation import checked_choice, requirement

Language = Literal["en", "zh"]
Detail = Literal["brief", "full"]

LAYOUTS: tuple[Layout, ...] = ("rows", "columns")

_INDEXED_LAYERS = 2
"""How many layers are shown entry by entry, from the outputs on; the others would repeat them."""


@dataclass(frozen=True)
class Derivation:
    """The derivation of a network in one layout.

    ``gradients`` gives the matrix form of every ∂Loss/∂parameter by the parameter's name;
    ``str()`` of it is readable.  ``lines`` is all of it, as data.  Make one with
    ``derive``.
    """

    network: Network
    layout: Layout
    batch: bool
    optimizer: Optimizer
    equations: Gradients
    detail: Detail = "brief"

    @property
    def formulation(self) -> Formulation:
        """The forward equations and what they are differentiated by."""
        return self.equations.formulation

    @cached_property
    def parts(self) -> Mapping[Part, Gradients]:
        """The equations that each part is about, in order."""
        parts: dict[Part, Gradients] = {}
        if self.detail == "full" and not self.network.needs_batch:
            alone = neuron(self.network) if self.network.is_dense else None
            if alone is not None:
                parts["neuron"] = differentiate(alone)
            one = differentiate(self.network.formulation(batch=False))
            parts["index"] = parts["sample"] = one
        parts["batch" if self.batch else "sample"] = self.equations
        return parts

    @cached_property
    def gradients(self) -> Mapping[str, Matrix]:
        """The matrix form of each parameter's gradient."""
        trained = set(self.formulation.parameters)
        return {
            entry.of.name: arrange(entry.right, self.layout, entry.of.axes)
            for entry in self.equations.backward
            if entry.of in trained
        }

    def plan(self) -> StepPlan:
        """Return what one training step runs, the update included.

        Printed, it shows which equations run together in which kernel of the core, with operations
        and bytes; its ``operations`` are the list that the reference runs one by one.
        """
        return StepPlan(plan(self.equations, self.optimizer), self.sizes)

    # -- proofs --------------------------------------------------------------------------------

    @property
    def sizes(self) -> Mapping[Axis, int]:
        """The widths by axis; the number of samples is open."""
        return self.network.sizes

    def proofs(self, statement: Statement) -> tuple[Proof, ...]:
        """Return why each matrix product of a statement has this side and these transposes.

        Products of the same axes are proved once, in the statement's last form.
        """
        found: dict[object, Proof] = {}
        for equal in reversed(statement.rights):
            for product in equal.products:
                proof = Proof(product, self.sizes)
                found.setdefault(proof.axes, proof)
        return tuple(found.values())

    def proof(self, name: str) -> ProductProof:
        """Return why one matrix product has its side and its transposes.

        ``name`` is a parameter (the product is that of its gradient), a layer's values as ``A_h``
        (what goes back to them) or ``Z_h`` (its weighted sum).

        Raises ``InputError`` for a name whose equation holds no matrix product.

        >>> found = derive(Network.dense([2, 3, 1])).proof("W_ih")
        >>> print(found.proof.product)
        Xᵀ δ_h
        >>> [axis.name for axis in found.proof.axes]
        ['i', 'B', 'h']
        """
        part = "batch" if self.batch else "sample"
        known: dict[str, ProductProof] = {}
        for statement in self.statements:
            products = statement.rights[-1].products
            if statement.part == part and products:
                called = statement.of or statement.left
                known[called.name] = ProductProof(statement.left, Proof(products[0], self.sizes))
        if name not in known:
            raise unknown_name("matrix product", name, list(known))
        return known[name]

    # -- checks --------------------------------------------------------------------------------

    def check(self, seed: int = 0) -> Checked:
        """Return the lines with a verdict on every equality, each computed as it is displayed.

        Exact in a prime field, with f(z) as a fresh symbol, wherever the field has what the line
        speaks of; in floating point elsewhere.  ``str()`` of the result says how many of each.

        >>> derive(Network.dense([2, 3, 1])).check().passed
        True
        """
        return self._checker(seed).check(self.lines)

    def _checker(self, seed: int) -> Checker:
        sizes = lengths((*self.network.sizes, SAMPLES), self.formulation.same_axes)
        return Checker(self.parts, sizes, self.layout, self.optimizer, seed)

    @cached_property
    def checked(self) -> tuple[Line, ...]:
        """The lines as they are shown: a step that fails its check says so."""
        return self.check().marked

    # -- documents -----------------------------------------------------------------------------

    def to_text(self, language: Language = "en", width: int | None = None) -> str:
        """Return the derivation as text for a terminal of ``width`` columns, by default 80."""
        return text_of(self._with_new_proofs(), language, width)

    def to_latex(self, language: Language = "en", *, document: bool = True) -> str:
        """Return the derivation in LaTeX: a document, or its body to be put into one.

        In the body every equation has a number and a label, such as ``eq:chainrule:forward:Z_h``.

        The English document compiles with pdflatex and xelatex, the Chinese one with xelatex.
        """
        drawing = drawing_for_page(self.network, language)
        if not document:
            return latex_fragment_of(self._with_new_proofs(), language, drawing)
        return latex_of(self._with_new_proofs(), language, drawing=drawing)

    def to_html(self, language: Language = "en", *, document: bool = True) -> str:
        """Return the derivation as one HTML file without scripts, or as a part of a page.

        Every matrix product can be opened there: why this order, why these transposes.
        """
        drawing = drawing_for_page(self.network, language) if document else None
        return html_of(self._with_all_proofs(), language, document=document, drawing=drawing)

    def _repr_html_(self) -> str:
        return self.to_html(document=False)

    def _repr_latex_(self) -> str:
        return latex_of(self._with_new_proofs(), "en", document=False)

    def _with_all_proofs(self) -> Iterator[Element]:
        """Yield the document where proofs can be collapsed: each statement with its proofs."""
        for line in self.checked:
            yield line
            if isinstance(line, Statement):
                yield proof_element(self.proofs(line))

    def _with_new_proofs(self) -> Iterator[Element]:
        """Yield the document where proofs take room: each walk is proved once in each part.

        The brief derivation has none there.
        """
        seen: set[object] = set()
        for line in self.checked:
            yield line
            if self.detail == "full" and isinstance(line, Statement):
                proofs = {(line.part, proof.axes): proof for proof in self.proofs(line)}
                yield proof_element(proofs[key] for key in proofs if key not in seen)
                seen.update(proofs)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        size = "batch" if self.batch else "one sample"
        return f"<Derivation {self.network}; {size}, samples in {self.layout}>"

    # -- lines ---------------------------------------------------------------------------------

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """All lines, in order."""
        lines = self._brief() if self.detail == "brief" else self._full()
        return (title(self.network), *lines)

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The equations among the lines."""
        return tuple(statements(self.lines))

    def _brief(self) -> Iterator[Line]:
        part: Part = "batch" if self.batch else "sample"
        yield from conventions(self.network, self.batch, f"{part}_{self.layout}")
        yield Paragraph("simultaneous")
        yield from meaning(self.optimizer)
        chains = Chains(self.equations, self.layout, part)
        yield Heading("forward")
        yield from chains.forward()
        yield Heading("loss")
        yield from self._loss(chains)
        yield from self._functions("activation", level=2)
        yield from self._backward(chains, level=2, updates=True)

    def _full(self) -> Iterator[Line]:
        last: Part = "batch" if self.batch else "sample"
        yield from conventions(self.network, self.batch, "letters")
        yield Heading("functions")
        yield from self._functions("activation", level=3)
        yield from self._neuron()
        for part in ("index", "sample", "batch"):
            if part in self.parts:
                chains = Chains(self.parts[part], self.layout, part)
                yield from self._stage(chains)
        yield Heading("updates")
        yield Paragraph("simultaneous")
        yield from meaning(self.optimizer)
        chains = Chains(self.parts[last], self.layout, last)
        for parameter in self.formulation.parameters:
            yield from chains.updates(parameter, self.optimizer)

    def _functions(self, phrase: str, level: int) -> Iterator[Line]:
        for function in dict.fromkeys(self.network.activations):
            yield Heading(phrase, {"name": function.name}, level)
            yield from about(function)

    def _loss(self, chains: Chains) -> Iterator[Line]:
        yield from chains.loss()
        first = chains.equations.backward[0]
        if first.of == chains.formulation.output:
            yield chains.backward(first, "loss")

    def _neuron(self) -> Iterator[Line]:
        if not self.network.is_dense:
            return
        yield Heading("neuron")
        if "neuron" not in self.parts:
            yield Paragraph("neuron_coupled")
            return
        chains = Chains(self.parts["neuron"], self.layout, "neuron")
        yield Paragraph("neuron_inputs" if len(self.network.layers) == 2 else "neuron_hidden")
        yield from chains.forward()
        yield from chains.loss()
        yield Paragraph("neuron_factors")
        entries = {entry.of.name: entry for entry in chains.equations.backward}
        if "a" in entries:
            yield chains.backward(entries.pop("a"))
        yield from factors(self.network)
        yield Paragraph("neuron_product")
        below = entries.pop("x")
        yield from map(chains.backward, entries.values())
        if len(self.network.layers) > 2:
            yield Paragraph("neuron_below")
            yield chains.backward(below)

    def _stage(self, chains: Chains) -> Iterator[Line]:
        layout = "index" if chains.part == "index" else f"{chains.part}_{self.layout}"
        yield Heading(f"stage_{chains.part}")
        yield Paragraph(layout)
        if chains.part == "sample":
            yield RULE
        if chains.part == "batch":
            yield scale(self.network, "batch")
            if "sample" in self.parts:
                yield Paragraph("batch_sum")
        yield Heading("forward", level=3)
        yield from chains.forward()
        yield Heading("loss", level=3)
        yield from self._loss(chains)
        yield from self._backward(chains, level=3, updates=False)

    def _backward(self, chains: Chains, level: int, updates: bool) -> Iterator[Line]:
        trained = frozenset(chains.formulation.parameters)
        entries = list(chains.equations.backward)
        if entries and entries[0].of == chains.formulation.output:
            entries = entries[1:]
        starts = sorted(_section_starts(entries, trained))
        for number, start in enumerate(starts, 1):
            if chains.part == "index" and number > _INDEXED_LAYERS and self.network.is_dense:
                yield Paragraph("index_likewise")
                return
            section = entries[start : ([*starts, len(entries)])[number]]
            if self.network.is_dense:
                yield self._heading(number, level)
            else:
                yield self._heading_of_layers(number, level, section)
            yield from map(chains.backward, section)
            if updates:
                yield from self._updates(chains, [e.of for e in section if e.of in trained])

    def _heading_of_layers(self, number: int, level: int, section: list[Backward]) -> Heading:
        layers = dict.fromkeys(
            str(layer) for e in section if (layer := self.network.layer_of(e.of)) is not None
        )
        given: dict[str, Piece] = {"number": str(number), "layers": Listed(tuple(layers))}
        return Heading("backward_layers", given, level)

    def _heading(self, number: int, level: int) -> Heading:
        depth = len(self.network.layers) - 1
        if number == depth:
            below = Phrase("input_layer")
        elif depth == 2:
            below = Phrase("hidden_layer")
        else:
            below = Phrase("layer", {"number": str(depth - number)})
        if number == 1:
            return Heading("backward_first", {"number": "1", "below": below}, level)
        above = (
            Phrase("Hidden_layer")
            if depth == 2
            else Phrase("Layer", {"number": str(depth - number + 1)})
        )
        given: dict[str, Piece] = {"number": str(number), "above": above, "below": below}
        return Heading("backward_next", given, level)

    def _updates(self, chains: Chains, parameters: list[Symbol]) -> Iterator[Line]:
        if parameters:
            yield Paragraph("update")
        for parameter in parameters:
            yield from chains.updates(parameter, self.optimizer)


def _section_starts(entries: list[Backward], trained: frozenset[Symbol]) -> set[int]:
    """A section ends with the parameters of a layer: what follows them starts the next."""
    starts = {0} if entries else set()
    for index in range(1, len(entries)):
        if entries[index].of not in trained and entries[index - 1].of in trained:
            starts.add(index)
    return starts


def derive(
    network: Network,
    *,
    layout: Layout = "rows",
    batch: bool = True,
    optimizer: str | Optimizer = "sgd",
    detail: Detail = "brief",
) -> Derivation:
    """Derive the backpropagation of a network.

    ``layout`` says whether samples are rows or columns, ``batch=False`` derives it for one sample,
    ``optimizer`` is the one whose update ends it.  ``detail="full"`` starts from one output
    neuron in scalars and goes through index notation and one sample to the batch.

    Raises ``InputError`` for a layout, optimizer or detail that does not exist.

    >>> derivation = derive(Network.dense([2, 3, 1]), batch=False)
    >>> for name, gradient in derivation.gradients.items():
    ...     print(name, "=", gradient)
    W_ho = a_hᵀ δ_o
    b_ho = δ_o
    W_ih = Xᵀ δ_h
    b_ih = δ_h
    """
    if not isinstance(network, Network):
        raise InputTypeError(
            requirement("network", "a Network such as cr.Network.dense([2, 3, 1])", network)
        )
    checked_choice("layout", layout, LAYOUTS)
    checked_choice("detail", detail, ("brief", "full"))
    if network.needs_batch and not batch:
        raise InputError(
            "`batch` must be True for a network with batch normalization, whose statistics are "
            "those of several samples, got False"
        )
    gradients = differentiate(network.formulation(batch=batch))
    return Derivation(network, layout, batch, find_optimizer(optimizer), gradients, detail)


def check_layouts(network: Network, seed: int = 0) -> Iterator[tuple[Layout, Checked]]:
    """Yield each layout with the check of the full derivation in it.

    Both have the same equations, so these are derived once, and the points of the check too.
    """
    first = derive(network, detail="full")
    checker = first._checker(seed)
    for layout in LAYOUTS:
        derivation = replace(first, layout=layout)
        derivation.__dict__["parts"] = first.parts
        yield layout, replace(checker, layout=layout).check(derivation.lines)
