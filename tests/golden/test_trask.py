"""Trask's 50,000 steps by the reference, and by the Plan run by hand."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chainrule.kernels.plan_cache import training_plan
from chainrule.kernels.reference import Execution
from examples.published.running import ready
from examples.published.trask import NETWORK, STEP, X, Y, error, start, trained
from tests.golden.figures import check


def advance(run: Execution, steps: int) -> dict[str, NDArray[Any]]:
    for _ in range(steps):
        run.all()
    return {name: run.values[name] for name in NETWORK.trainable_names}


@pytest.mark.long
def test_the_errors_of_training_by_the_reference() -> None:
    """After 10,000 and after 50,000 steps of one run."""
    step = training_plan(NETWORK, STEP).only("W_ih", "W_ho")  # no step needs the loss
    run = ready(step, {**start(), "X": X, "Y_t": Y, **STEP.constants})
    check(error(advance(run, 10_000)), ".00858452565")
    check(error(advance(run, 40_000)), ".00351012257")


def test_train_takes_the_same_steps() -> None:
    """The Plan run by hand above is what ``cr.train`` does, to the bit."""
    run = ready(training_plan(NETWORK, STEP), {**start(), "X": X, "Y_t": Y, **STEP.constants})
    by_hand = advance(run, 20)
    learned = trained(20, backend="reference")
    assert all(np.array_equal(learned[name], by_hand[name]) for name in by_hand)
