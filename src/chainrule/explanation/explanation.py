"""``explain``: a network's derivation with the numbers of chosen samples, every line marked."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.arrays import Array
from chainrule.derivation.derivation import Language, derive
from chainrule.documents import html_of, latex_fragment_of, latex_of, text_of
from chainrule.errors import InputError, InputTypeError
from chainrule.explanation.build_document import document_of
from chainrule.explanation.evaluated_derivation import EvaluatedDerivation
from chainrule.explanation.json_record import record_of
from chainrule.explanation.sample_labels import SampleLabels
from chainrule.explanation.step_drawing import step_drawing
from chainrule.explanation.step_values import StepValues, memory_from
from chainrule.explanation.weight_selector import entry_of
from chainrule.formulas.arrange import Layout
from chainrule.network.architecture import Network
from chainrule.network.optimizers import Optimizer
from chainrule.network.optimizers import find as find_optimizer
from chainrule.training.inputs import inputs_of, parameters_of, targets_of
from chainrule.validation import (
    checked_choice,
    checked_integer,
    checked_seed,
    is_integer,
    requirement,
)


class Explanation(EvaluatedDerivation):
    """A derivation with the numbers of one step; ``str()`` of it is readable.

    ``values`` gives the value of each line by its left side, ``passed`` is whether every formula
    that could be checked agrees with its independent value, and ``weight`` is the account of the
    chosen weight.  Make one with ``explain``.
    """

    def to_text(self, language: Language = "en", width: int | None = None) -> str:
        """Return the explanation as text for a terminal of ``width`` columns, by default 80."""
        return text_of(document_of(self), language, width)

    def to_latex(self, language: Language = "en", *, document: bool = True) -> str:
        """Return the explanation in LaTeX: a document, or its body to be put into one.

        In the body every equation has a number and a label, such as ``eq:chainrule:forward:Z_h``.
        """
        drawing = step_drawing(self.batch, self.values, language)
        if not document:
            return latex_fragment_of(document_of(self), language, drawing)
        return latex_of(document_of(self), language, drawing=drawing)

    def to_html(self, language: Language = "en", *, document: bool = True) -> str:
        """Return the explanation in HTML with MathML: a file, or a part of a page."""
        drawing = step_drawing(self.batch, self.values, language) if document else None
        return html_of(document_of(self), language, document=document, drawing=drawing)

    def _repr_html_(self) -> str:
        return self.to_html(document=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as plain values for JSON, numbers unrounded."""
        return record_of(self)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        count = len(self.rows)
        return f"<Explanation {self.batch.network}; {count} sample{'s' * (count > 1)}>"


def explain(
    network: Network,
    parameters: Mapping[str, Any],
    X: ArrayLike,
    Y: ArrayLike,
    *,
    row: int | None = None,
    rows: Sequence[int] | None = None,
    weight: str | None = None,
    optimizer: str | Optimizer = "sgd",
    state: Mapping[str, Any] | None = None,
    step: int = 1,
    seed: int = 0,
    layout: Layout = "rows",
    labels: SampleLabels | None = None,
) -> Explanation:
    """Explain one step of training: the derivation with the numbers of the chosen samples.

    ``X`` is (samples, inputs) and ``Y`` (samples, outputs); ``row`` chooses one sample, ``rows``
    several, otherwise all are taken as one batch.  A single sample is shown without an axis of
    samples.  ``weight`` is the name of one weight or bias to be followed (``"W_ih[0,2]"``: indices
    as stored, from 0).  The step is that of ``optimizer``; ``state`` is its memory before the step,
    by the Plan's names (``{"m_W_ih": ..., "v_W_ih": ...}``, zeros where nothing is given), and
    ``step`` counts from 1; masks of dropout and noise are those of this step in a run with the
    ``seed``.  ``labels`` are the names of inputs, outputs and samples.

    Values are computed unrounded in float64, whatever the type of the parameters, and only shown
    with fewer digits.  Each formula of a line is evaluated in its displayed form and compared with
    an independent value: ``Explanation.passed``.

    Everything is computed when it is first used.

    Raises ``InputError`` for arrays that do not suit the network, a row that does not exist and an
    unknown weight, with what is allowed.

    >>> network = Network.dense([2, 2, 1])
    >>> explanation = explain(
    ...     network, network.initialize(seed=0), [[0.5, -1.0], [1.0, 2.0]], [0, 1],
    ...     row=1, weight="W_ih[0,1]", optimizer="adam")
    >>> explanation.passed
    True
    >>> explanation.weight.gradient.adds_up, explanation.weight.step.adds_up
    (True, True)
    """
    checked_choice("layout", layout, ("rows", "columns"))
    data = _data(network, X, Y)
    chosen = rows_of(row, rows, len(next(iter(data.values()))))
    found = find_optimizer(optimizer)
    derivation = derive(network, layout=layout, batch=len(chosen) > 1, optimizer=found)
    gathered = parameters_of(network, parameters, 0)
    batch = StepValues(
        network,
        derivation.equations,
        found,
        {name: np.array(array, dtype=float) for name, array in gathered.items()},
        {name: array[list(chosen)] for name, array in data.items()},
        memory_from(network, derivation.formulation, found, state),
        checked_integer("step", step),
        checked_seed(seed),
    )
    named = labels or SampleLabels()
    entry = None
    if weight is not None:
        entry = entry_of(network, derivation.formulation, weight, named.inputs, named.outputs)
    return Explanation(derivation, batch, named, chosen, entry)


def _data(network: Network, X: Any, Y: Any) -> dict[str, Array]:
    """Return checked inputs and targets by symbol; one vector is one sample."""
    if len(network.inputs) == 1 and not isinstance(X, Mapping):
        array = np.asarray(X)
        X = array[None, :] if array.ndim == 1 and network.input_names == ("X",) else array
    inputs = inputs_of(network, X, float)
    samples = len(next(iter(inputs.values())))
    if len(network.outputs) == 1 and not isinstance(Y, Mapping):
        array = np.asarray(Y)
        single = array.ndim == 1 and samples == 1 and array.size == network.outputs[0].width
        Y = array[None, :] if single else array
    return {**inputs, **targets_of(network, Y, samples, float)}


def rows_of(
    row: int | None, rows: Sequence[int] | None, samples: int, source: str = ""
) -> tuple[int, ...]:
    """Return the indices of the chosen rows, all of them if none is named.

    >>> rows_of(None, [2, 0], 3)
    (2, 0)
    """
    if row is not None and rows is not None:
        raise InputError("`row` and `rows` were both given. Give one of the two")
    if row is None and rows is None:
        return tuple(range(samples))
    chosen: list[int] = []
    for index in [row] if rows is None else list(rows):
        if not is_integer(index):
            raise InputTypeError(requirement("row", "an integer", index))
        if not 0 <= index < samples:
            raise InputError(
                f"`row` must be from 0 to {samples - 1:,}, got {index}: {source or 'X'} has "
                f"{samples:,} row{'s' * (samples > 1)}"
            )
        chosen.append(int(index))
    if not chosen:
        raise InputError("`rows` must have at least one index, got none")
    return tuple(chosen)
