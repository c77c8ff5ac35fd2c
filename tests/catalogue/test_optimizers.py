"""Every optimizer of the catalogue, run for 50 steps against PyTorch's and scikit-learn's.

The Plan runs the update equations from its own gradients; the peers step on PyTorch's gradients of
the same network.  Proved: the parameters stay together to 1e-12; a changing learning rate gives
scikit-learn's steps; a published Adam step is met digit by digit; all parameters change together,
from gradients at the old ones.  Mutants of every update equation are caught.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.neural_network import _stochastic_optimizers as sklearn_optimizers

from chainrule.errors import ChainruleError, InputError
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.evaluate import evaluate
from chainrule.formulas.expressions import symbols
from chainrule.kernels.reference import Execution
from chainrule.network.architecture import Network
from chainrule.network.gradients import differentiate
from chainrule.network.optimizers import (
    CATALOGUE,
    SGD,
    Adam,
    AdamHat,
    AdamW,
    Optimizer,
    RMSprop,
    find,
)
from chainrule.plans.plan import plan
from tests.catalogue.mutations import mutants

Array = NDArray[np.float64]
Arrays = dict[str, Array]

STEPS = 50
NETWORK = Network.dense([3, 4, 2], activation=["tanh", "identity"], loss="mse")
_generator = np.random.default_rng(8)
X, Y = _generator.normal(size=(6, 3)), _generator.normal(size=(6, 2))


def start() -> Arrays:
    return {name: np.array(array, float) for name, array in NETWORK.initialize(seed=2).items()}


def ours(optimizer: Optimizer, steps: int = STEPS) -> list[Arrays]:
    """Return the parameters after every step, as the reference runs the Plan."""
    training = plan(differentiate(NETWORK.formulation()), optimizer)
    run = Execution(training)
    run.give({"X": X, "Y_t": Y, **start(), **optimizer.constants})
    run.give({kept.name: np.zeros([run.sizes[x] for x in kept.axes]) for kept in training.memory})
    path = []
    for step in range(1, steps + 1):
        run.give({"t": float(step)})
        run.all()
        path.append({name: run.values[name].copy() for name in NETWORK.parameter_names})
    return path


def torch_gradients(parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return PyTorch's gradients of the network's loss."""
    import torch

    W1, b1, W2, b2 = parameters.values()
    hidden = torch.tanh(torch.nn.functional.linear(torch.tensor(X), W1.T, b1))
    output = torch.nn.functional.linear(hidden, W2.T, b2)
    loss = torch.nn.functional.mse_loss(output, torch.tensor(Y))
    found: tuple[Any, ...] = torch.autograd.grad(loss, list(parameters.values()))
    return found


def by_torch(make: Callable[[list[Any]], Any]) -> list[Arrays]:
    """Return the parameters after every step of a torch.optim optimizer."""
    import torch

    parameters = {n: torch.tensor(array, requires_grad=True) for n, array in start().items()}
    optimizer = make(list(parameters.values()))
    path = []
    for _ in range(STEPS):
        for parameter, gradient in zip(
            parameters.values(), torch_gradients(parameters), strict=True
        ):
            parameter.grad = gradient
        optimizer.step()
        path.append({name: p.detach().numpy().copy() for name, p in parameters.items()})
    return path


def by_sklearn(
    make: Callable[[list[Array]], Any], rates: list[float] | None = None
) -> list[Arrays]:
    """Return the parameters after every step of one of scikit-learn's optimizers."""
    import torch

    parameters = start()
    optimizer = make(list(parameters.values()))
    path = []
    for step in range(STEPS):
        if rates is not None:
            optimizer.learning_rate = rates[step]
        known = {n: torch.tensor(array, requires_grad=True) for n, array in parameters.items()}
        gradients = [gradient.numpy() for gradient in torch_gradients(known)]
        optimizer.update_params(list(parameters.values()), gradients)
        path.append({name: array.copy() for name, array in parameters.items()})
    return path


def assert_same_path(found: list[Arrays], expected: list[Arrays]) -> None:
    """Every parameter array after every step, within 1e-12 of its norm."""
    assert len(found) == len(expected) == STEPS
    for step, (mine, theirs) in enumerate(zip(found, expected, strict=True), start=1):
        for name, array in theirs.items():
            error = np.linalg.norm(mine[name].reshape(array.shape) - array)
            assert error <= 1e-12 * np.linalg.norm(array), f"{name} after step {step}: {error}"


def torch_sgd(rate: float, momentum: float = 0.0, nesterov: bool = False) -> Any:
    import torch

    return lambda p: torch.optim.SGD(p, lr=rate, momentum=momentum, nesterov=nesterov)


def torch_adam(rate: float, betas: tuple[float, float], eps: float) -> Any:
    import torch

    return lambda p: torch.optim.Adam(p, lr=rate, betas=betas, eps=eps)


def torch_adamw(rate: float, betas: tuple[float, float], eps: float, decay: float) -> Any:
    import torch

    return lambda p: torch.optim.AdamW(p, lr=rate, betas=betas, eps=eps, weight_decay=decay)


def torch_rmsprop(rate: float, alpha: float, eps: float) -> Any:
    import torch

    return lambda p: torch.optim.RMSprop(p, lr=rate, alpha=alpha, eps=eps)


def sklearn_adam(rate: float, betas: tuple[float, float], eps: float) -> Any:
    return lambda p: sklearn_optimizers.AdamOptimizer(p, rate, *betas, eps)


@dataclass(frozen=True)
class Case:
    """An optimizer of ours and the peer's path, made when asked for."""

    optimizer: Optimizer
    path: Callable[[], list[Arrays]]


CASES = {
    "sgd": Case(SGD(0.1), lambda: by_torch(torch_sgd(0.1))),
    "sgd momentum": Case(SGD(0.05, momentum=0.9), lambda: by_torch(torch_sgd(0.05, 0.9))),
    "sgd nesterov": Case(
        SGD(0.05, momentum=0.8, nesterov=True), lambda: by_torch(torch_sgd(0.05, 0.8, True))
    ),
    "adam": Case(Adam(), lambda: by_torch(torch_adam(1e-3, (0.9, 0.999), 1e-8))),
    "adam large ε": Case(
        Adam(0.02, 0.8, 0.95, 0.1), lambda: by_torch(torch_adam(0.02, (0.8, 0.95), 0.1))
    ),
    "adam_hat": Case(AdamHat(), lambda: by_sklearn(sklearn_adam(1e-3, (0.9, 0.999), 1e-8))),
    "adam_hat large ε": Case(
        AdamHat(0.02, 0.8, 0.95, 0.1), lambda: by_sklearn(sklearn_adam(0.02, (0.8, 0.95), 0.1))
    ),
    "adamw": Case(AdamW(), lambda: by_torch(torch_adamw(1e-3, (0.9, 0.999), 1e-8, 0.01))),
    "adamw strong decay": Case(
        AdamW(0.02, 0.8, 0.95, 0.1, 0.3),
        lambda: by_torch(torch_adamw(0.02, (0.8, 0.95), 0.1, 0.3)),
    ),
    "rmsprop": Case(RMSprop(), lambda: by_torch(torch_rmsprop(0.01, 0.99, 1e-8))),
    "rmsprop large ε": Case(
        RMSprop(0.02, 0.9, 0.1), lambda: by_torch(torch_rmsprop(0.02, 0.9, 0.1))
    ),
}


def test_every_entry_is_tested() -> None:
    assert {case.optimizer.name for case in CASES.values()} == set(CATALOGUE)
    assert all(entry.name == name for name, entry in CATALOGUE.items())


@pytest.mark.peers("torch")
@pytest.mark.parametrize("name", CASES)
def test_fifty_steps(name: str) -> None:
    case = CASES[name]
    path = ours(case.optimizer)
    assert_same_path(path, case.path())
    assert np.linalg.norm(path[-1]["W_ih"] - start()["W_ih"]) > 1e-3, "the parameters have moved"


@pytest.mark.peers("torch")
def test_the_two_adams_differ() -> None:
    with pytest.raises(AssertionError):
        assert_same_path(ours(AdamHat(0.02, 0.8, 0.95, 0.1)), CASES["adam large ε"].path())
    with pytest.raises(AssertionError):
        assert_same_path(ours(AdamHat()), CASES["adam"].path())


@pytest.mark.peers("torch")
@pytest.mark.parametrize("nesterov", [False, True])
def test_a_changing_learning_rate_gives_the_steps_of_sklearn(nesterov: bool) -> None:
    # The momentum keeps steps, not gradients: PyTorch's and ours part when α changes.
    rates = [0.1 / (1 + step / 5) for step in range(STEPS)]
    expected = by_sklearn(
        lambda p: sklearn_optimizers.SGDOptimizer(p, 0.1, momentum=0.8, nesterov=nesterov), rates
    )
    optimizer = SGD(0.1, momentum=0.8, nesterov=nesterov)
    training = plan(differentiate(NETWORK.formulation()), optimizer)
    run = Execution(training)
    run.give({"X": X, "Y_t": Y, **start(), **optimizer.constants})
    run.give({kept.name: np.zeros([run.sizes[x] for x in kept.axes]) for kept in training.memory})
    path = []
    for rate in rates:
        run.give({"α": rate})
        run.all()
        path.append({name: run.values[name].copy() for name in NETWORK.parameter_names})
    assert_same_path(path, expected)


def applied(optimizer: Optimizer, values: Mapping[str, Any]) -> dict[str, Any]:
    """Run the update equations once, in order, on bare arrays."""
    known = {**optimizer.constants, **values}
    for update in optimizer.updates:
        known[update.left.name] = apply(update, known)
    return known


def apply(update: Equation, known: Mapping[str, Any]) -> Any:
    """Evaluate one assignment entry by entry: its symbols carry no axes."""
    shape = np.shape(known["W"])
    entries = [
        evaluate(update.right, {n: v[at] if np.ndim(v) else v for n, v in known.items()})
        for at in np.ndindex(shape)
    ]
    return np.array(entries, dtype=float).reshape(shape)


def test_the_adam_step_of_cs231n() -> None:
    def ramp(first: float, last: float) -> Array:
        return np.linspace(first, last, 20).reshape(4, 5)

    values = {
        "W": ramp(-0.4, 0.6),
        "∂Loss/∂W": ramp(-0.6, 0.4),
        "m": ramp(0.6, 0.9),
        "v": ramp(0.7, 0.5),
        "t": 6.0,  # 5, incremented before use
    }
    stepped = applied(Adam(learning_rate=0.01), values)
    assert round(float(stepped["W"][0, 0]), 8) == -0.40094747
    late = applied(Adam(learning_rate=0.01), {**values, "t": 5.0})
    assert round(float(late["W"][0, 0]), 8) != -0.40094747


@pytest.mark.parametrize("name", CATALOGUE)
def test_all_parameters_change_together_from_the_old_ones(name: str) -> None:
    optimizer = find(name)
    training = plan(differentiate(NETWORK.formulation()), optimizer)
    stages = [operation.stage for operation in training.operations]
    assert stages == sorted(stages, key=["forward", "backward", "update"].index)
    updates = [operation for operation in training.operations if operation.stage == "update"]
    assert len(updates) == len(optimizer.updates) * len(NETWORK.parameter_names)
    for operation in updates:
        own = operation.target.removeprefix("m_").removeprefix("v_")
        for reference in operation.uses:
            others = set(NETWORK.parameter_names) - {own}
            assert reference.name not in others


# -- names, letters and constants -----------------------------------------------------------------


@pytest.mark.parametrize("name", CATALOGUE)
def test_equations_use_what_is_declared(name: str) -> None:
    for optimizer in {case.optimizer for case in CASES.values() if case.optimizer.name == name}:
        used = {symbol.name for update in optimizer.updates for symbol in symbols(update.right)}
        memory = {symbol.name for symbol in optimizer.memory}
        assert used - {"W", "∂Loss/∂W", "t"} == memory | set(optimizer.constants)
        assert {update.left.name for update in optimizer.updates} == memory | {"W"}
        assert type(optimizer)(**optimizer.settings()) == optimizer


def test_find() -> None:
    assert find("adam") == Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8)
    assert find("sgd", learning_rate=0.5, momentum=0.9) == SGD(0.5, 0.9)
    given = RMSprop(0.5)
    assert find(given) is given
    with pytest.raises(InputError, match="Did you mean 'adam'"):
        find("adan")


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_the_learning_rate_must_be_above_0_and_finite(name: str, rate: float) -> None:
    with pytest.raises(InputError, match="learning_rate"):
        find(name, learning_rate=rate)


@pytest.mark.parametrize(
    ("name", "setting"),
    [("rmsprop", "decay")]
    + [(adam, beta) for adam in ("adam", "adam_hat", "adamw") for beta in ("beta_1", "beta_2")],
)
@pytest.mark.parametrize("value", [-0.1, 1.0, 1.5, float("nan")])
def test_means_must_forget(name: str, setting: str, value: float) -> None:
    with pytest.raises(InputError, match=setting):
        find(name, **{setting: value})


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_momentum_lies_between_0_and_1(value: float) -> None:
    with pytest.raises(InputError, match="momentum"):
        find("sgd", momentum=value)
    assert find("sgd", momentum=1.0) == SGD(momentum=1.0)  # allowed by scikit-learn too


@pytest.mark.parametrize(
    ("name", "setting"),
    [(name, "epsilon") for name in ("adam", "adam_hat", "adamw", "rmsprop")]
    + [("adamw", "weight_decay")],
)
@pytest.mark.parametrize("value", [-1e-8, float("nan"), float("inf")])
def test_other_constants_must_be_finite_and_not_negative(
    name: str, setting: str, value: float
) -> None:
    with pytest.raises(InputError, match=setting):
        find(name, **{setting: value})


def test_nesterov_needs_momentum() -> None:
    with pytest.raises(InputError, match="momentum"):
        SGD(nesterov=True)


# -- mutants --------------------------------------------------------------------------------------


def mutated(optimizer: Optimizer, place: int, equation: Equation) -> Optimizer:
    """Return the same optimizer with one update equation replaced."""
    updates = list(optimizer.updates)
    updates[place] = equation
    kind = type(optimizer)

    class Mutant(kind):  # type: ignore[misc, valid-type]
        name: ClassVar[str] = "mutant"
        memory = optimizer.memory
        letters = optimizer.letters

        @property
        def updates(self) -> tuple[Equation, ...]:
            return tuple(changed)

    changed = updates
    result: Optimizer = Mutant(**optimizer.settings())
    return result


@pytest.mark.peers("torch")
@pytest.mark.parametrize("name", [name for name in CASES if name.count(" ")])
def test_mutants_are_caught(name: str) -> None:
    case = CASES[name]
    expected = case.path()
    left: Counter[str] = Counter()
    for place, update in enumerate(case.optimizer.updates):
        for slip, mutant in mutants(update.right):
            wrong = mutated(case.optimizer, place, Equation(update.left, mutant))
            with np.errstate(all="ignore"):
                try:
                    assert_same_path(ours(wrong), expected)
                except (AssertionError, ChainruleError, KeyError):
                    continue
            left[f"{update.left}: {slip}"] += 1
    assert not left
