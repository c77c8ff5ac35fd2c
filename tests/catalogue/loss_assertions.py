"""What every loss of the catalogue has to fulfil, and what the design and others say of it.

The tests use the assertion on the entries, and on mutants of the entries to show that it can fail.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from chainrule.formulas.expressions import Symbol
from chainrule.kernels.reference import Execution, named_array
from chainrule.network.architecture import Network
from chainrule.network.domains import (
    NOT_NEGATIVE,
    OPEN_UNIT,
    POSITIVE,
    REALS,
    SIMPLEX,
    UNIT,
    Domain,
)
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import Gradients, differentiate
from chainrule.network.loss_equations import LOSS
from chainrule.network.losses import CATALOGUE, Loss
from chainrule.plans.plan import plan

Array = NDArray[np.float64]
Settings = Mapping[str, float]


@dataclass(frozen=True)
class Stated:
    """What design.md says of one form of a loss."""

    outputs: Domain
    targets: Domain
    canonical: str
    averaged: bool
    settings: tuple[Settings, ...] = ({},)


STATED: dict[str, tuple[Stated, ...]] = {
    "mse": (Stated(REALS, REALS, "identity", True),),
    "half_mse": (Stated(REALS, REALS, "identity", False),),
    "mae": (Stated(REALS, REALS, "identity", True),),
    "huber": (Stated(REALS, REALS, "identity", True, ({}, {"delta": 0.37}, {"delta": 2.5})),),
    "quantile": (Stated(REALS, REALS, "identity", True, ({}, {"level": 0.1}, {"level": 0.9})),),
    "log_loss": (
        Stated(SIMPLEX, UNIT, "softmax", False),
        Stated(OPEN_UNIT, UNIT, "sigmoid", False),
    ),
    "poisson": (Stated(POSITIVE, NOT_NEGATIVE, "exponential", True),),
    "gamma": (Stated(POSITIVE, POSITIVE, "exponential", True),),
}

DEFAULTS: dict[str, Settings] = {"huber": {"delta": 1.0}, "quantile": {"level": 0.5}}


# -- oracles --------------------------------------------------------------------------------------


def torch_entries(name: str, place: int, a: Any, y: Any, settings: Settings) -> Any:
    """Return ℓ of every output of every sample by PyTorch, whose gradient in a is right too."""
    import torch

    F = torch.nn.functional
    constants = {**DEFAULTS.get(name, {}), **settings}
    if name == "log_loss":
        if place == 0:
            # Σ y log(y/a): against cross_entropy, which wants logits, only Σ y log y is left out.
            return F.kl_div(torch.log(a), y, reduction="none") - torch.xlogy(y, y)
        return F.binary_cross_entropy(a, y, reduction="none")
    if name == "quantile":
        level = constants["level"]
        return level * F.relu(y - a) + (1 - level) * F.relu(a - y)
    if name == "poisson":
        rest = torch.xlogy(y, y) - y
        return F.poisson_nll_loss(a, y, log_input=False, eps=0.0, reduction="none") + rest
    if name == "gamma":
        law = torch.distributions.Gamma(torch.ones_like(a), 1 / a)
        return -law.log_prob(y) - torch.log(y) - 1
    functions: dict[str, Callable[..., Any]] = {
        "mse": F.mse_loss,
        "half_mse": lambda *pair, reduction: F.mse_loss(*pair, reduction=reduction) / 2,
        "mae": F.l1_loss,
        "huber": lambda *pair, reduction: F.huber_loss(*pair, reduction=reduction, **constants),
    }
    return functions[name](a, y, reduction="none")


def sklearn_value(
    name: str, place: int, A: Array, Y: Array, settings: Settings, w: Array | None
) -> float | None:
    """Return the weighted mean loss by scikit-learn's metrics, where it has one."""
    constants = {**DEFAULTS.get(name, {}), **settings}
    each = None if w is None else np.repeat(w, A.shape[1])
    if name in ("mse", "half_mse"):
        mean = float(metrics.mean_squared_error(Y, A, sample_weight=w))
        return mean if name == "mse" else mean * A.shape[1] / 2
    if name == "mae":
        return float(metrics.mean_absolute_error(Y, A, sample_weight=w))
    if name == "quantile":
        level = constants["level"]
        return float(metrics.mean_pinball_loss(Y, A, sample_weight=w, alpha=level))
    if name == "poisson":
        return float(metrics.mean_poisson_deviance(Y.ravel(), A.ravel(), sample_weight=each)) / 2
    if name == "gamma":
        return float(metrics.mean_gamma_deviance(Y.ravel(), A.ravel(), sample_weight=each)) / 2
    if name == "log_loss" and place == 0:
        # scikit-learn takes labels: each share of a target is one sample of that class.
        share = Y * (np.ones(len(Y)) if w is None else w)[:, np.newaxis]
        labels = np.tile(np.arange(A.shape[1]), len(A))
        outputs = np.repeat(A, A.shape[1], axis=0)
        classes = np.arange(A.shape[1])
        return float(metrics.log_loss(labels, outputs, sample_weight=share.ravel(), labels=classes))
    return None


# -- chainrule's side -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Bare:
    """A loss alone: the outputs are what is differentiated by."""

    gradients: Gradients
    outputs: Symbol
    target: Symbol

    def run(self, A: Array, Y: Array, w: Array | None = None) -> tuple[float, Array]:
        """Return the loss and ∂Loss/∂A as the Plan computes them."""
        steps = plan(self.gradients)
        run = Execution(steps)
        values = {self.outputs.name: A, self.target.name: Y}
        run.give(values if w is None else {**values, "w": w})
        run.all()
        place = steps.gradients.get(self.outputs.name)  # none where the loss is a constant
        found = np.zeros_like(A) if place is None else named_array(run.values[place], self.outputs)
        return float(run.scalar(steps.loss)), np.asarray(found)


def bare(loss: Loss, place: int = 0, *, weighted: bool = False, batch: bool = True) -> Bare:
    """Cut the last equation out of a network with this loss: all conventions are the network's."""
    last = STATED[loss.name][place].canonical
    network = Network.dense([2, 3], [last], loss)
    whole = network.formulation(weighted=weighted, batch=batch)
    *_, outputs, cut = whole.equations
    given = {symbol.name: symbol for symbol in whole.inputs}
    target = given[network.names.target]
    formulation = Formulation(
        equations=(cut,),
        loss=LOSS,
        parameters=(outputs.left,),
        inputs=(target, *([given["w"]] if weighted else [])),
        output=outputs.left,
        data_loss=LOSS,
    )
    return Bare(differentiate(formulation), outputs.left, target)


def made(name: str, settings: Settings) -> Loss:
    return CATALOGUE[name](**settings)


def drawn(name: str, place: int, samples: int, outputs: int, seed: int = 0) -> tuple[Array, Array]:
    """Draw outputs and targets in the middle of the stated domains."""
    generator = np.random.default_rng([seed, samples, outputs])
    stated, shape = STATED[name][place], (samples, outputs)
    A: Array
    if stated.outputs.simplex:
        return generator.dirichlet(np.ones(outputs), samples), generator.dirichlet(
            np.ones(outputs), samples
        )
    if stated.outputs is OPEN_UNIT:
        return generator.uniform(0.02, 0.98, shape), generator.uniform(0, 1, shape)
    if stated.outputs is POSITIVE:
        A, Y = generator.gamma(2.0, 1.0, shape) + 0.05, generator.gamma(2.0, 1.0, shape) + 0.05
        if 0.0 in stated.targets:
            Y[:, 0] = np.floor(Y[:, 0])  # counts, and rates: 0 and nearly 0 are among them
            Y[0, 0], Y[-1, -1] = 0.0, 0.004
        return A, Y
    return 2 * generator.normal(size=shape), 2 * generator.normal(size=shape)


# -- value and gradient ---------------------------------------------------------------------------


def assert_value_and_gradient(name: str, place: int, loss: Loss, settings: Settings) -> None:
    """The Plan's loss and ∂Loss/∂A are PyTorch's, over many outputs, weighted and not."""
    import torch

    averaged = STATED[name][place].averaged
    generator = np.random.default_rng(5)
    for samples, outputs in ((1, 3), (3, 2), (17, 3), (400, 2)):
        A, Y = drawn(name, place, samples, outputs)
        for w in (None, generator.uniform(0.2, 3.0, samples)):
            a, y = torch.tensor(A, requires_grad=True), torch.tensor(Y)
            entries = torch_entries(name, place, a, y, settings)
            each = entries.mean(1) if averaged else entries.sum(1)
            weights = torch.ones(samples) if w is None else torch.tensor(w)
            expected = (weights * each).sum() / weights.sum()
            expected.backward()
            found, slope = bare(loss, place, weighted=w is not None).run(A, Y, w)
            assert abs(found - expected.item()) <= 1e-13 * (1 + abs(expected.item()))
            np.testing.assert_allclose(slope, a.grad.numpy(), rtol=1e-12, atol=1e-16)
