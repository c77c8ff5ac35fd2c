"""A matrix product opened: the walk that proves it and the arrangements it excludes, in sentences.

All of it is read from a ``Proof``; nothing is decided here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chainrule.documents import html_of, latex_of, text_of
from chainrule.documents.elements import (
    Arrangement,
    Heading,
    Line,
    Listed,
    Paragraph,
    Phrase,
    Piece,
    Plain,
    ProofBlock,
    Sides,
    SymbolName,
    Walk,
)
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Symbol
from chainrule.formulas.matrices import OnesMatrix, Passed
from chainrule.formulas.proofs import Proof, RejectedArrangement, Trial


@dataclass(frozen=True)
class ProductProof:
    """The proof of one matrix product of a derivation, as data (``proof``) and on paper."""

    name: Symbol
    proof: Proof

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines of the proof, in order."""
        return (
            Heading("proof_of", {"name": SymbolName(self.name)}),
            RULE,
            *proof_paragraphs(self.proof),
        )

    def to_text(self, language: str = "en") -> str:
        """Return the proof as text for a terminal."""
        return text_of(self.lines, language)

    def to_latex(self, language: str = "en", *, document: bool = False) -> str:
        """Return the proof in LaTeX: to be put into a document, or a document of its own."""
        return latex_of(self.lines, language, document=document)

    def to_html(self, language: str = "en", *, document: bool = False) -> str:
        """Return the proof in HTML: a part of a page, or a whole file."""
        return html_of(self.lines, language, document=document)

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return self.to_html()


RULE = Paragraph("proof_rule")
"""What every proof rests on."""

_DIGITS = 3


def proof_paragraphs(proof: Proof) -> tuple[Paragraph, ...]:
    """Return a proof in sentences: the walk, each factor, the sum, what is excluded and why."""
    start, end = map(_axis, proof.product.sides)
    inner = Plain(", ".join(axis.name for axis in proof.axes[1:-1] if axis is not None))
    shown = [refusal for refusal in proof.refused if refusal.trial is not None]
    silent = [refusal for refusal in proof.refused if refusal.trial is None]
    return (
        Paragraph(
            "proof_walk",
            {"product": proof.product, "start": start, "end": end, "walk": Walk(proof.product)},
        ),
        *(_passed(passed) for passed in proof.walk),
        Paragraph(
            "proof_sum" if inner.text else "proof_outer", {"axes": inner, "index": proof.index}
        ),
        *([_refused_alike(silent, proof)] if silent else []),
        *([Paragraph("proof_numbers")] if shown else []),
        *(_refused(refusal, refusal.trial, proof) for refusal in shown if refusal.trial),
    )


def proof_element(proofs: Iterable[Proof]) -> ProofBlock:
    """Return proofs as one element of a document."""
    return ProofBlock(tuple(line for proof in proofs for line in proof_paragraphs(proof)))


def _passed(passed: Passed) -> Paragraph:
    how = "proof_transposed" if passed.transposed else "proof_straight"
    ones = passed.stored.rows if isinstance(passed.stored, OnesMatrix) else None
    given: dict[str, Piece] = {
        "factor": Arrangement((passed.stored,)),
        "stored": Sides(*passed.stored.sides),
        "axis": _axis(passed.enter),
        "as": Arrangement((passed.factor,)),
        "summed": _axis(ones),
    }
    return Paragraph("proof_ones" if ones else how, given, item=True)


def _refused_alike(refusals: list[RejectedArrangement], proof: Proof) -> Paragraph:
    items = tuple(Phrase("refused_alike", _why(refusal, proof)) for refusal in refusals)
    return Paragraph("proof_refused", {"refused": Listed(items)})


def _why(refusal: RejectedArrangement, proof: Proof) -> dict[str, Piece]:
    factors = Arrangement(refusal.factors)
    if refusal.meets is not None:
        left, right = map(_axis, refusal.meets)
        return {"factors": factors, "why": Phrase("meets", {"left": left, "right": right})}
    assert refusal.gives is not None, "an arrangement is refused for one or the other"
    sides: dict[str, Piece] = {
        "gives": Sides(*refusal.gives),
        "wanted": Sides(*proof.product.sides),
    }
    return {"factors": factors, "why": Phrase("gives", sides)}


def _refused(refusal: RejectedArrangement, trial: Trial, proof: Proof) -> Paragraph:
    """State why an arrangement is wrong that the sizes allow, with the numbers that show it."""
    known = {axis: length for axis, length in proof.sizes.items() if axis in trial.sizes}
    widened = any(refusal.sizes[axis] != length for axis, length in known.items())
    given: dict[str, Piece] = {
        **_why(refusal, proof),
        "sizes": Plain(_lengths(refusal.coincide, refusal.sizes)),
        "short": Plain(_lengths(refusal.coincide, trial.sizes)),
        "right": Plain(_number(trial.right)),
        "found": Plain(_number(trial.found)),
        "row": str(trial.index[0] + 1),
        "column": str(trial.index[1] + 1),
    }
    how = "refused_same" if trial.same else "refused_one" if widened else "refused_numbers"
    if trial.shortened and how == "refused_numbers":
        how = "refused_short"
    return Paragraph(how, given, item=True)


def _lengths(axes: tuple[Axis, ...], sizes: Mapping[Axis, int]) -> str:
    """Return which axes are as long as which: B = h = 2."""
    equal: dict[int, list[str]] = {}
    for axis in axes:
        equal.setdefault(sizes[axis], []).append(axis.name)
    return ", ".join(" = ".join((*names, str(length))) for length, names in equal.items())


def _axis(axis: Axis | None) -> Plain:
    return Plain("1" if axis is None else axis.name)


def _number(value: float) -> str:
    return f"{value:.{_DIGITS}f}".replace("-", "−")
