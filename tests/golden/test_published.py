"""The published examples, figure by figure: ``examples/published`` states them, once."""

import os

import numpy as np
import pytest

import chainrule as cr
from examples.published import GALLERY, mazur, rumelhart
from examples.published.example import Example, Part, heading

ON_DEMAND = pytest.mark.skipif(
    "CHAINRULE_SLOW" not in os.environ,
    reason="on demand: CHAINRULE_SLOW=1 (the documentation recomputes it too)",
)
COUNTS = {
    "mazur": 48,
    "cs231n": 7,
    "l-layer": 11,
    "minitorch": 4,
    "micrograd": 3,
    "trask": 3,
    "rumelhart": 6,
    "nielsen": 2,
}
"""Figures of each example: one that is dropped is missed."""


def cases():
    for example in GALLERY:
        for part in example.parts:
            marks = [pytest.mark.slow, ON_DEMAND] if example.needs else []
            name = f"{example.name}: {heading(part)}"
            yield pytest.param(example, part, id=name, marks=marks)


@pytest.mark.slow
@pytest.mark.parametrize(("example", "part"), list(cases()))
def test_every_figure_is_met(example: Example, part: Part) -> None:
    if not example.ready:
        pytest.skip(f"no data sets at {example.needs}")
    missed = [f"{f.what}: {f.published}, found {f.found!r}" for f in part() if not f.holds]
    assert not missed, "; ".join(missed)


@pytest.mark.slow
def test_no_figure_is_lost() -> None:
    """Each example keeps its figures; those that need data are counted where it is."""
    found = {
        example.name: sum(len(part()) for part in example.parts)
        for example in GALLERY
        if not example.needs
    }
    assert found == {name: count for name, count in COUNTS.items() if name in found}
    assert set(COUNTS) == {example.name for example in GALLERY}


def test_the_biases_of_mazur_are_held() -> None:
    _, gradients = cr.loss_and_gradients(
        mazur.NETWORK, mazur.PARAMETERS, mazur.X, mazur.Y, backend="reference"
    )
    assert gradients.keys() == {"W_ih", "W_ho"}


def test_mirror_symmetry_is_solved() -> None:
    """The weights compared are those of a network that names all 64 patterns rightly."""
    outputs = rumelhart.learned().predict(rumelhart.X)[:, 0]
    assert np.abs(outputs - rumelhart.Y).max() < 0.5
