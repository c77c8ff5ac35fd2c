"""The assertions about activations and losses can fail: mutants of every entry are caught by them.

A mutant is a formula of the catalogue with one slip of the pen (a sign flipped, a factor lost, z
for a, a constant changed by a hundredth).  The few that pass are listed: they are the same
function.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chainrule.errors import InputError
from chainrule.formulas.functions import a, a_k, g_k, z, z_k
from chainrule.network import activations, losses
from chainrule.network.activations import Activation
from tests.catalogue.activation_assertions import (
    assert_computed,
    assert_logarithms,
    assert_slope,
    assert_value,
)
from tests.catalogue.loss_assertions import STATED, assert_value_and_gradient
from tests.catalogue.mutations import mutants

# -- activations ----------------------------------------------------------------------------------

ASSERTIONS: dict[str, Callable[[str, Activation], None]] = {
    "value": assert_value,
    "computed": assert_computed,
    "slope": assert_slope,
    "pullback": assert_slope,
    "logarithm": assert_logarithms,
    "log_complement": assert_logarithms,
}
"""The assertion that holds each formula of an entry."""

FORMULAS = [
    (name, which)
    for name, entry in activations.CATALOGUE.items()
    for which in ASSERTIONS
    if getattr(entry, which) is not None
]

SAME_ACTIVATION = {
    # The branch with this e^(−|z|) is taken for z > 0 only.
    ("sigmoid", "computed"): {"abs forgotten": 1},
    # The minimum only keeps a branch that is not taken from overflowing.
    ("elu", "computed"): {"constant 0 changed": 1},
    ("selu", "computed"): {"constant 0 changed": 1},
    # z and a have the same sign.
    ("relu", "slope"): {"a replaced by z": 1},
    ("leaky_relu", "slope"): {"a replaced by z": 1},
}
"""The mutants that are the same function, and how many places each of these slips has."""


def activation_survivors(name: str, which: str) -> Counter[str]:
    """Return the slips that the assertion lets pass."""
    entry = activations.CATALOGUE[name]
    exchanged = {z: a, a: z, z_k: a_k, a_k: z_k, g_k: a_k} if which in SLOPES else {}
    left: Counter[str] = Counter()
    for slip, mutant in mutants(getattr(entry, which), exchanged):
        with np.errstate(all="ignore"):
            try:
                changed: dict[str, Any] = {which: mutant}
                ASSERTIONS[which](name, replace(entry, **changed))
            except (AssertionError, InputError):
                continue
        left[slip] += 1
    return left


SLOPES = ("slope", "pullback")


@pytest.mark.peers("mpmath", "torch")
@pytest.mark.parametrize(("name", "which"), FORMULAS)
def test_mutants_of_activations_are_caught(name: str, which: str) -> None:
    assert activation_survivors(name, which) == SAME_ACTIVATION.get((name, which), {})


@pytest.mark.parametrize("name", activations.CATALOGUE)
def test_every_slope_has_mutants(name: str) -> None:
    entry = activations.CATALOGUE[name]
    formula = entry.slope if entry.slope is not None else entry.pullback
    assert formula is not None
    slips = [slip for slip, _ in mutants(formula, {a: z})]
    assert len(slips) >= 2, "sign flipped, and at least one more"


# -- losses ---------------------------------------------------------------------------------------

SAME_LOSS = {
    # 0 times the logarithm of any number.
    ("poisson", 0): {"constant 1 changed": 1},
}
"""The mutants that are the same function, and how many places each of these slips has."""


def loss_survivors(name: str, place: int) -> Counter[str]:
    """Return the slips that the assertion lets pass."""
    loss = losses.CATALOGUE[name]()
    left: Counter[str] = Counter()
    for slip, mutant in mutants(loss.forms[place].value, {losses.a: losses.y, losses.y: losses.a}):
        forms = list(loss.forms)
        forms[place] = replace(forms[place], value=mutant)
        with np.errstate(all="ignore"):
            try:
                assert_value_and_gradient(name, place, replace(loss, forms=tuple(forms)), {})
            except (AssertionError, InputError):
                continue
        left[slip] += 1
    return left


@pytest.mark.peers("torch")
@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name in STATED for place in range(len(STATED[name]))]
)
def test_mutants_of_losses_are_caught(name: str, place: int) -> None:
    assert loss_survivors(name, place) == SAME_LOSS.get((name, place), {})


@pytest.mark.peers("torch")
@pytest.mark.parametrize("name", STATED)
def test_a_wrong_reduction_is_caught(name: str) -> None:
    for place in range(len(STATED[name])):
        loss = losses.CATALOGUE[name]()
        forms = list(loss.forms)
        forms[place] = replace(forms[place], averaged=not forms[place].averaged)
        with pytest.raises(AssertionError):
            assert_value_and_gradient(name, place, replace(loss, forms=tuple(forms)), {})
