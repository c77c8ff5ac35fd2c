"""The choice of backend: what every package computes through, with and without the core."""

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import CoreUnavailable, InputError, NotFused
from chainrule.kernels import backend, core_library, gradient_runner, machine_pool

NETWORK = cr.Network.dense([2, 3, 1], penalty=cr.L2(0.1))
PARAMETERS = NETWORK.initialize(0)
X = np.random.default_rng(0).normal(size=(70, 2))
DATA = {"X": X, NETWORK.names.target: X[:, :1] ** 2}


def refuse(*given: Any, **named: Any) -> None:
    raise NotFused("General: no kernel runs this operation")


def evaluated() -> dict[str, Any]:
    """Return the results of the functions that choose by themselves."""
    function = backend.LossFunction(NETWORK, PARAMETERS.copy(), DATA)
    return {
        "pooled": backend.pooled_outputs(NETWORK, PARAMETERS, X),
        "one row": backend.pooled_outputs(NETWORK, PARAMETERS, X[:1]),
        "outputs": backend.outputs(NETWORK, PARAMETERS, {"X": X})[0],
        "losses": function(),
        "gradient": function.gradient.flat,
    }


def same(first: dict[str, Any], second: dict[str, Any]) -> None:
    for name, value in first.items():
        np.testing.assert_allclose(value, second[name], rtol=1e-12, err_msg=name)


def test_the_reference_replaces_a_core_without_a_form(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = evaluated()
    monkeypatch.setattr(machine_pool, "outputs", refuse)
    monkeypatch.setattr(gradient_runner, "GradientRunner", refuse)
    same(evaluated(), expected)
    with pytest.raises(NotFused, match="General"):
        backend.LossFunction(NETWORK, PARAMETERS.copy(), DATA, "compiled")


def test_the_reference_replaces_a_missing_core(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = evaluated()
    monkeypatch.setattr(core_library, "_missing", ImportError("no module"))
    same(evaluated(), expected)
    for name in ("auto", "reference"):
        backend.check_backend(name)
    with pytest.raises(CoreUnavailable, match="pip install"):
        backend.check_backend("compiled")


def test_the_loss_function_agrees_with_loss_and_gradients() -> None:
    loss, gradients = backend.loss_and_gradients(NETWORK, PARAMETERS, DATA)
    for name in ("compiled", "reference"):
        function = backend.LossFunction(NETWORK, PARAMETERS.copy(), DATA, name)
        assert function()[0] == pytest.approx(loss, rel=1e-12)
        for parameter, gradient in gradients.items():
            np.testing.assert_allclose(function.gradient[parameter], gradient, rtol=1e-12)


def test_an_unknown_backend_is_refused() -> None:
    message = "`backend` must be 'auto', 'reference' or 'compiled', got 'fast'"
    with pytest.raises(InputError, match=message):
        backend.check_backend("fast")
    with pytest.raises(InputError, match=message):
        cr.predict(NETWORK, PARAMETERS, X, backend="fast")  # type: ignore[arg-type]
