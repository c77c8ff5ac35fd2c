"""What a prompt shows of the objects that people get back: one short line, whatever they hold."""

import pytest

import chainrule as cr
from chainrule.errors import InputError


def test_what_is_evaluated_at_a_prompt_is_one_line() -> None:
    network = cr.Network.dense([4, 16, 3], "relu", "log_loss")
    derivation = cr.derive(network)
    parameters = network.initialize(seed=0)
    X, Y = [[0.1, 0.2, 0.3, 0.4]], [[1.0, 0.0, 0.0]]
    result = cr.train(network, X, Y, epochs=300)
    told = "4-16-3, relu then softmax, log_loss, 131 parameters"
    assert repr(derivation) == f"<Derivation {told}; batch, samples in rows>"
    assert repr(cr.derive(network, layout="columns", batch=False)) == (
        f"<Derivation {told}; one sample, samples in columns>"
    )
    assert repr(result) == f"<Result {told}; 300 epochs, loss {result.history['loss'][-1]:.4g}>"
    assert repr(cr.verify(network)).startswith(f"<Verification {told}; ")
    assert repr(cr.verify(network)).endswith(" checks, all passed>")
    plan = derivation.plan()
    count = len(plan.operations.operations)
    assert repr(plan) == f"<StepPlan of {count} operations>"
    assert repr(plan.operations) == f"<Plan of {count} operations>"
    assert repr(cr.explain(network, parameters, X, Y)) == f"<Explanation {told}; 1 sample>"


def test_a_failed_check_is_counted() -> None:
    verified = cr.verify(cr.Network.dense([2, 1]))
    broken = type(verified)(verified.title, tuple(verified.checks)[:3])
    object.__setattr__(broken.checks[0], "error", 1.0)
    assert repr(broken).endswith("; 3 checks, 1 failed>")


def test_bytes_are_counted_for_the_two_number_types() -> None:
    plan = cr.derive(cr.Network.dense([2, 1])).plan()
    assert plan.to_text(dtype="float64") != plan.to_text(dtype="float32")
    with pytest.raises(InputError, match=r"unknown dtype 'float16'.*float32"):
        plan.to_text(dtype="float16")
