"""Every piece that a writer writes, broken once in each medium, is caught by reading back.

The matrix lines of derivations are written as text, LaTeX and MathML, and each is read by the
parser of learners' lines, which knows nothing of the writers, and marked with numbers.  Index
notation is read back in ``tests/formulas``.
"""

import pytest

import chainrule as cr
from chainrule.errors import ChainruleError
from chainrule.formulas.expressions import Symbol
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render import LATEX, MATHML, TEXT, latex, mathml, text
from chainrule.formulas.render.writer import Writer
from tests.mutations.mathml_to_latex import latex_of_mathml


def latex_of_page(formula):
    return latex_of_mathml(mathml(formula))


MEDIA = {"text": (TEXT, text), "latex": (LATEX, latex), "mathml": (MATHML, latex_of_page)}
NETWORKS = (
    cr.Network.dense([2, 3, 4, 2], ["tanh", "sigmoid", "softmax"], "log_loss"),
    cr.Network.dense([2, 3, 2], ["sigmoid", "identity"], "mse"),
)


def lines():
    for network in NETWORKS:
        for optimizer in ("sgd", "adam"):
            for layout in ("rows", "columns"):
                derivation = cr.derive(network, layout=layout, optimizer=optimizer)
                for statement in derivation.statements:
                    for equal in statement.rights:
                        if isinstance(equal.formula, Matrix) and statement.stage != "function":
                            settings = {"layout": layout, "optimizer": optimizer}
                            left = Symbol(statement.left.name)  # as displayed: no indices
                            yield network, left, equal.formula, settings


LINES = tuple(lines())


def wrong_line(medium):
    """The first line that is not right as it is written, or None."""
    _, write = MEDIA[medium]
    for network, left, formula, settings in LINES:
        line = f"{write(left)} = {write(formula)}"
        try:
            correct = cr.check_line(network, line, batch=True, **settings).correct
        except ChainruleError:
            correct = False  # what cannot be read is not right either
        if not correct:
            return line
    return None


@pytest.mark.parametrize("medium", MEDIA)
def test_every_line_is_read_back_as_right(medium):
    assert len(LINES) > 200
    assert wrong_line(medium) is None


METHODS = {
    "a transpose is lost": ("transpose", lambda own: lambda inside: inside),
    "a fraction is turned over": (
        "fraction",
        lambda own: lambda top, bottom, *, tight: own(bottom, top, tight=tight),
    ),
    "a denominator is lost": ("fraction", lambda own: lambda top, bottom, *, tight: top),
    "a partial derivative is turned over": (
        "partial",
        lambda own: lambda top, bottom: own(bottom, top),
    ),
    "an exponent is lost": ("power", lambda own: lambda base, exponent: base),
    "an entrywise exponent is lost": ("entrywise_power", lambda own: lambda base, exponent: base),
    "a root is lost": ("root", lambda own: lambda inside: inside),
    "ones are turned": (
        "ones",
        lambda own: lambda kind: own({"row": "column", "column": "row"}.get(kind, kind)),
    ),
    "a function is lost": ("call", lambda own: lambda name, *arguments: arguments[0]),
    "an index is lost": ("symbol", lambda own: lambda name, index="": own(name.split("_")[0])),
    "brackets are lost": ("brackets", lambda own: lambda inside: inside),
    "a factor is lost": ("beside", lambda own: lambda left, right: left),
    "a constant is lost": ("fronted", lambda own: lambda number, rest: rest),
    "a number is another": ("digits", lambda own: lambda number: own("7")),
}
SIGNS = {
    "minus becomes plus": ("less", "plus"),
    "plus becomes minus": ("plus", "less"),
    "⊙ becomes a matrix product": ("hadamard", "product"),
    "a matrix product becomes ⊙": ("product", "hadamard"),
    "⊘ becomes ⊙": ("over", "hadamard"),
    "a leading minus is lost": ("minus", "nothing"),
}


def pieces():
    for medium in MEDIA:
        for name in METHODS:
            # In text ∂Loss/∂W is the name of a symbol, whose index is lost above.
            if (medium, METHODS[name][0]) != ("text", "partial"):
                yield medium, name


@pytest.mark.parametrize(("medium", "name"), list(pieces()))
def test_a_broken_piece_is_caught(medium, name, monkeypatch):
    style, _ = MEDIA[medium]
    method, broken = METHODS[name]
    monkeypatch.setattr(type(style), method, staticmethod(broken(getattr(style, method))))
    assert wrong_line(medium) is not None


@pytest.mark.parametrize("name", SIGNS)
@pytest.mark.parametrize("medium", MEDIA)
def test_a_sign_for_another_is_caught(medium, name, monkeypatch):
    style, _ = MEDIA[medium]
    sign, other = SIGNS[name]
    monkeypatch.setitem(style.__dict__, sign, getattr(style, other))
    assert wrong_line(medium) is not None


@pytest.mark.parametrize("medium", MEDIA)
def test_a_product_written_backwards_is_caught(medium, monkeypatch):
    own = Writer._matrix

    def backwards(self, matrix):
        factors = getattr(matrix, "factors", ())
        if len(factors) > 1:
            turned = object.__new__(type(matrix))
            turned.__dict__.update(matrix.__dict__, factors=factors[::-1])
            matrix = turned
        return own(self, matrix)

    monkeypatch.setattr(Writer, "_matrix", backwards)
    assert wrong_line(medium) is not None
