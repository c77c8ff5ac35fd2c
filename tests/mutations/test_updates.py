"""Every slip in an optimizer's update equations is caught by ``check`` and by ``explain``.

The equations are changed in the class of the optimizer, so that the derivation, the Plan and the
reference run the same wrong ones: what catches them is the step in plain arithmetic.
"""

from collections.abc import Iterator

import numpy as np
import pytest

import chainrule as cr
from chainrule.derivation.optimizer_steps import _step_of
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Symbol, square_root
from chainrule.network.optimizers import CATALOGUE
from tests.catalogue.mutations import mutants
from tests.explanation.cases import OPTIMIZERS

NETWORK = cr.Network.dense([1, 2, 1])


def with_one_slip(optimizer) -> Iterator[tuple[str, tuple[Equation, ...]]]:
    right = optimizer.updates
    for place, update in enumerate(right):
        for slip, wrong in mutants(update.right):
            changed = (*right[:place], Equation(update.left, wrong), *right[place + 1 :])
            yield f"{update.left}: {slip}", changed


def test_every_optimizer_of_the_catalogue_has_a_step_of_its_own():
    assert all(_step_of(kind()) is not None for kind in CATALOGUE.values())
    assert {type(optimizer) for optimizer in OPTIMIZERS} == set(CATALOGUE.values())


def test_an_optimizer_that_is_stated_elsewhere_is_held_against_its_own_equations():
    class Signs(cr.SGD):
        name = "signs"

    assert _step_of(Signs()) is None
    assert cr.derive(NETWORK, optimizer=Signs()).check().passed


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_the_right_equations_pass(optimizer):
    assert cr.derive(NETWORK, optimizer=optimizer).check().passed


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_check_catches_every_slip(optimizer, monkeypatch):
    left = []
    for slip, changed in with_one_slip(optimizer):
        with monkeypatch.context() as patch:
            patch.setattr(type(optimizer), "updates", property(lambda self, c=changed: c))
            if cr.derive(NETWORK, optimizer=optimizer).check().passed:
                left.append(slip)
    assert left == []


def explained(optimizer):
    parameters = NETWORK.initialize(3)
    X, Y = np.array([[0.3], [0.7]]), np.array([[0.2], [0.9]])
    state = {
        f"{memory.name}_{name}": np.full(array.shape, 0.2)
        for memory in optimizer.memory
        for name, array in parameters.items()
    }
    return cr.explain(NETWORK, parameters, X, Y, optimizer=optimizer, state=state or None)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_explain_catches_slips(optimizer, monkeypatch):
    assert explained(optimizer).passed
    right = optimizer.updates
    for place, update in enumerate(right):
        slip, wrong = next(iter(mutants(update.right)))
        changed = (*right[:place], Equation(update.left, wrong), *right[place + 1 :])
        with monkeypatch.context() as patch:
            patch.setattr(type(optimizer), "updates", property(lambda self, c=changed: c))
            # Plans are cached by optimizer: another learning rate makes a new one.
            again = type(optimizer)(**{**optimizer.settings(), "learning_rate": 0.0123 + place})
            assert not explained(again).passed, (update.left, slip)


def test_adam_without_bias_correction_is_caught(monkeypatch):
    *moments, step = cr.Adam().updates
    m, v = (equation.left for equation in moments)
    W = step.left
    wrong = W - Symbol("α") * m / (square_root(v) + Symbol("ε"))
    changed = (*moments, Equation(W, wrong))
    monkeypatch.setattr(cr.Adam, "updates", property(lambda self: changed))
    checked = cr.derive(NETWORK, optimizer="adam").check()
    assert {statement.left.name for statement, _ in checked.failures} == set(
        NETWORK.parameter_names
    )
    assert not explained(cr.Adam(0.00123)).passed
