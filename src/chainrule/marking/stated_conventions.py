"""Conventions that books and courses derive in, and a catalogue of them.

A convention changes what the names of a line mean: which sign δ has, whether it contains 1/m, how
the loss is scaled, which number the first layer has.  A line is marked against values in its
convention, so that no rule of marking knows any book.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import NoneType
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from chainrule.errors import InputError, InputTypeError, nearest, shown
from chainrule.formulas.arrange import Layout
from chainrule.language.refusals import unknown
from chainrule.marking.matlab_notation import MatlabUse
from chainrule.marking.update_equations import MomentumConvention

Average: TypeAlias = Literal["delta", "gradient", "update", "none"]
SquaredError: TypeAlias = Literal["network", "mean", "half_mean", "sum", "half_sum"]


@dataclass(frozen=True)
class Convention:
    """What the names of lines mean where it is not what `derive` means.

    ``delta`` is the sign of δ: ``slope`` for ∂Loss/∂z (a − y), ``negative`` for −∂Loss/∂z (y − a);
    ∂Loss/∂z itself has one sign.  ``ascent`` gives every derivative the other sign, so that the
    step is W + α dW.  ``average`` is where 1/m stands for a batch of m samples: in
    ``delta`` already, in the ``gradient`` (dW = 1/m …), in the ``update`` (η/m), or nowhere
    (``none``: the loss is the sum over the samples).  ``squared_error`` is that of one sample, if
    the network's loss is a squared error: the ``mean`` over the outputs (1/n Σ), ``half_mean``
    (1/(2n) Σ), the ``sum``, ``half_sum`` (½ Σ), or as in the ``network``.

    ``input_layer`` is the number of the input layer; weights have the number of the layer that they
    lead ``to`` or come ``from``.  ``momentum`` is what its memory v accumulates: the ``step``
    (v ← μ v − α g, W ← W + v), ``minus`` the step (v ← μ v + α g), the ``gradient`` (v ← μ v + g,
    W ← W − α v) or its ``average`` (v ← μ v + (1 − μ) g); None recognizes the first three.
    ``slope_of`` is the argument of f′: ``input`` z, or ``output`` a, as in
    ``sigmoid_derivative(a) = a * (1 - a)``.  ``bias`` is ``added`` in z, ``subtracted`` in z, or
    a ``threshold`` beside the sum z: a = f(z − θ).  ``star`` is what ``*`` multiplies:
    ``entries``, or ``matrix`` as in MATLAB.  ``layout`` is used where none is given.

    ``names`` maps names to those of chainrule: to one quantity (``{"t": "Y"}``), or a letter to
    another for all layers: ``{"a": "z", "z": "a"}``.  ``indices`` are the letters of index forms
    from the input layer to the output layer (``ijk``); weights have the letter of the layer before
    first (w_jk, ``from_to``) or last (w_kj, ``to_from``).

    >>> Convention(delta="negative", average="gradient").changes
    ('delta', 'average')
    >>> Convention(input_layer=2)
    Traceback (most recent call last):
      ...
    chainrule.errors.InputError: Convention: `input_layer` must be 0 or 1, got 2
    """

    name: str = ""
    source: str = ""
    delta: Literal["slope", "negative", "ascent"] = "slope"
    average: Average = "delta"
    squared_error: SquaredError = "network"
    input_layer: Literal[0, 1] = 0
    weights_numbered: Literal["to", "from"] = "to"
    momentum: MomentumConvention | None = None
    slope_of: Literal["input", "output"] = "input"
    bias: Literal["added", "subtracted", "threshold"] = "added"
    star: Literal["entries", "matrix"] = "entries"
    layout: Layout | None = None
    indices: str = ""
    weight_indices: Literal["from_to", "to_from"] = "from_to"
    names: Mapping[str, str] | tuple[tuple[str, str], ...] = field(default=())

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for each in fields(self):
            value = getattr(self, each.name)
            allowed = _choices(hints[each.name])
            if allowed and value not in allowed:
                choices = " or ".join(map(repr, allowed))
                raise InputError(f"Convention: `{each.name}` must be {choices}, got {value!r}")
        pairs = self.names.items() if isinstance(self.names, Mapping) else self.names
        texts = [self.name, self.source, self.indices, *(text for pair in pairs for text in pair)]
        if not all(isinstance(text, str) for text in texts):
            raise InputTypeError("Convention: names must be strings")
        object.__setattr__(self, "names", tuple((one, other) for one, other in pairs))

    @property
    def changes(self) -> tuple[str, ...]:
        """The fields about values and notation that differ from what `derive` means."""
        return tuple(
            each.name
            for each in fields(self)
            if each.name not in ("name", "source") and getattr(self, each.name) != each.default
        )

    @property
    def matlab(self) -> MatlabUse:
        """What of MATLAB's rules holds: another convention may have its * alone."""
        if self.name == "matlab":
            return "whole"
        return "stars" if self.star == "matrix" else "none"

    @property
    def states_scale(self) -> bool:
        """Whether it states the scale of the loss or where 1/m stands."""
        return bool({"average", "squared_error"} & {*self.changes}) or bool(self.name)

    @property
    def own_names(self) -> tuple[tuple[str, str], ...]:
        """The names with those of chainrule, as pairs."""
        assert isinstance(self.names, tuple)
        return self.names

    @property
    def renumbers(self) -> bool:
        """Whether layers have other numbers than in chainrule."""
        return self.input_layer != 0 or self.weights_numbered != "to"

    def squared_error_scale(self, loss: str, outputs: float) -> float:
        """Return the squared error of one sample here, divided by that of the network's loss."""
        scales = {"mean": 1 / outputs, "half_mean": 0.5 / outputs, "sum": 1.0, "half_sum": 0.5}
        own = {"mse": "mean", "half_mse": "half_sum"}.get(loss)
        if own is None or self.squared_error == "network":
            return 1.0
        return scales[self.squared_error] / scales[own]


def _choices(hint: Any) -> tuple[object, ...]:
    """Return the values that a field may have, none where they are not listed."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    parts = [_choices(each) for each in get_args(hint) if each is not NoneType]
    is_optional = NoneType in get_args(hint) and len(parts) == 1
    return (*parts[0], None) if is_optional else ()


OWN = Convention()
"""What `derive` means."""

_ROWS: Layout = "rows"
_COLUMNS: Layout = "columns"
CATALOGUE: Mapping[str, Convention] = {
    convention.name: convention
    for convention in (
        Convention(
            "nielsen",
            "M. Nielsen, Neural Networks and Deep Learning",
            average="update",
            squared_error="half_sum",
            input_layer=1,
            momentum="step",
            layout=_COLUMNS,
            weight_indices="to_from",
            names={"w": "W", "η": "alpha", "C": "Loss", "n": "B"},
        ),
        Convention(
            "ng",
            "A. Ng, Deep Learning Specialization",
            average="gradient",
            momentum="average",
            layout=_COLUMNS,
            names={"J": "Loss", "β": "mu", "m": "B"},
        ),
        Convention(
            "goodfellow",
            "I. Goodfellow, Y. Bengio, A. Courville, Deep Learning",
            average="gradient",
            momentum="step",
            layout=_COLUMNS,
            names={"a": "z", "h": "a", "ŷ": "output", "y": "Y", "ε": "alpha", "α": "mu"},
        ),
        Convention(
            "bishop",
            "C. M. Bishop, Pattern Recognition and Machine Learning",
            average="none",
            squared_error="half_sum",
            layout=_COLUMNS,
            indices="ijk",
            weight_indices="to_from",
            names={"a": "z", "z": "a", "y": "output", "t": "Y", "w": "W", "η": "alpha"},
        ),
        Convention(
            "cs231n",
            "Stanford CS231n",
            momentum="step",
            layout=_ROWS,
            names={"num_examples": "B", "step_size": "alpha"},
        ),
        Convention(
            "xigua",
            "周志华《机器学习》（西瓜书）",
            delta="negative",
            average="none",
            squared_error="half_sum",
            bias="threshold",
            layout=_COLUMNS,
            indices="ihj",
            names={
                **{"v": "W_ih", "w": "W_ho", "γ": "b_h", "θ": "b_o", "x": "X", "η": "alpha"},
                **{"α": "z_h", "b": "a_h", "β": "z_o", "ŷ": "output", "y": "Y"},
                **{"e": "delta_h", "g": "delta_o"},
            },
        ),
        Convention(
            "nndl",
            "邱锡鹏《神经网络与深度学习》",
            average="gradient",
            momentum="step",
            layout=_COLUMNS,
            names={"ŷ": "output", "y": "Y", "ρ": "mu"},
        ),
        Convention("matlab", "MATLAB", star="matrix", layout=_COLUMNS),
    )
}
"""Conventions by name, one statement each."""
ALIASES = {
    **{"西瓜书": "xigua", "周志华": "xigua", "邱锡鹏": "nndl", "神经网络与深度学习": "nndl"},
    **{"prml": "bishop", "coursera": "ng", "deeplearning.ai": "ng"},
}


def find(convention: "str | Convention | None") -> Convention:
    """Return a convention by name; a ``Convention`` is returned as it is, None is chainrule's own.

    >>> find("ng").average, find("西瓜书").delta
    ('gradient', 'negative')
    """
    if convention is None:
        return OWN
    if isinstance(convention, Convention):
        return convention
    if not isinstance(convention, str):
        raise InputTypeError(
            "`convention` must be a name such as 'ng' or a chainrule.Convention, "
            f"got {shown(convention)}"
        )
    name = ALIASES.get(convention, convention.casefold())
    if name not in CATALOGUE:
        guess = nearest(convention, [*CATALOGUE, *ALIASES])
        raise unknown("convention", convention, guess, tuple(CATALOGUE))
    return CATALOGUE[name]
