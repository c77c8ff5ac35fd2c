"""One step of each optimizer in plain arithmetic, which its printed equations are compared with.

Written from the papers and from PyTorch's documentation, not from the equations in
``network.optimizers``: a sign turned there, or a bias correction left out, does not turn here.  The
arithmetic is that of arrays, of floating-point numbers as well as of residues.
"""

from collections.abc import Callable, Mapping

import numpy as np

from chainrule.arrays import Array
from chainrule.formulas.expressions import Symbol
from chainrule.network.gradients import Gradients
from chainrule.network.optimizers import SGD, STEPS, Adam, AdamHat, AdamW, Optimizer, RMSprop
from chainrule.plans.plan import memory_of

Known = Mapping[str, Array]
"""The weight ``W``, its gradient ``G``, the memory, the constants by letter, and ``t``."""


def _sgd(at: Known) -> dict[str, Array]:
    return {"W": at["W"] - at["α"] * at["G"]}


def _momentum(at: Known) -> dict[str, Array]:
    velocity = at["μ"] * at["v"] - at["α"] * at["G"]
    return {"v": velocity, "W": at["W"] + velocity}


def _nesterov(at: Known) -> dict[str, Array]:
    # Sutskever et al. 2013 at the point ahead: the step that momentum would take next.
    velocity = at["μ"] * at["v"] - at["α"] * at["G"]
    return {"v": velocity, "W": at["W"] + at["μ"] * velocity - at["α"] * at["G"]}


def _moments(at: Known) -> tuple[Array, Array]:
    first = at["m"] + (1 - at["β_1"]) * (at["G"] - at["m"])
    second = at["v"] + (1 - at["β_2"]) * (at["G"] * at["G"] - at["v"])
    return first, second


def _adam_step(at: Known, first: Array, second: Array) -> Array:
    unbiased = first / (1 - at["β_1"] ** at["t"])
    scale = np.sqrt(second / (1 - at["β_2"] ** at["t"])) + at["ε"]
    return np.asarray(at["α"] * unbiased / scale)


def _adam(at: Known) -> dict[str, Array]:
    first, second = _moments(at)
    return {"m": first, "v": second, "W": at["W"] - _adam_step(at, first, second)}


def _adam_hat(at: Known) -> dict[str, Array]:
    first, second = _moments(at)
    rate = at["α"] * np.sqrt(1 - at["β_2"] ** at["t"]) / (1 - at["β_1"] ** at["t"])
    return {"m": first, "v": second, "W": at["W"] - rate * first / (np.sqrt(second) + at["ε"])}


def _adamw(at: Known) -> dict[str, Array]:
    first, second = _moments(at)
    shrunk = at["W"] * (1 - at["α"] * at["λ_w"])
    return {"m": first, "v": second, "W": shrunk - _adam_step(at, first, second)}


def _rmsprop(at: Known) -> dict[str, Array]:
    second = at["ρ"] * at["v"] + (1 - at["ρ"]) * at["G"] * at["G"]
    return {"v": second, "W": at["W"] - at["α"] * at["G"] / (np.sqrt(second) + at["ε"])}


_STEPS: dict[type[Optimizer], Callable[[Known], dict[str, Array]]] = {
    Adam: _adam,
    AdamHat: _adam_hat,
    AdamW: _adamw,
    RMSprop: _rmsprop,
}


def _step_of(optimizer: Optimizer) -> Callable[[Known], dict[str, Array]] | None:
    if type(optimizer) is SGD:
        if not optimizer.momentum:
            return _sgd
        return _nesterov if optimizer.nesterov else _momentum
    return _STEPS.get(type(optimizer))


def stepped(
    parameter: Symbol,
    gradients: Gradients,
    optimizer: Optimizer,
    value: Callable[[Symbol], Array],
) -> dict[Symbol, Array] | None:
    """Return the parameter and its memory after a step, each with the parameter's axes.

    ``value`` gives what every symbol is before the step.  None for an optimizer that is not of the
    catalogue: nothing here knows what it should do.

    >>> from chainrule.network.architecture import Network
    >>> from chainrule.network.gradients import differentiate
    >>> gradients = differentiate(Network.dense([1, 1]).formulation())
    >>> _, bias = gradients.formulation.parameters
    >>> values = {"b_1": 1.0, "∂Loss/∂b_1": 2.0, "α": 0.25}
    >>> after = stepped(bias, gradients, SGD(), lambda symbol: np.asarray(values.get(symbol.name)))
    >>> float(after[bias])
    0.5
    """
    step = _step_of(optimizer)
    if step is None:
        return None
    memory = dict(zip(optimizer.memory, memory_of(parameter, optimizer), strict=True))
    known = {"W": value(parameter), "G": value(gradients.formulation.cotangent(parameter))}
    known.update({symbol.name: value(own) for symbol, own in memory.items()})
    known.update({letter: value(Symbol(letter)) for letter in optimizer.letters.values()})
    known[STEPS.name] = value(STEPS)
    after = step(known)
    named = {"W": parameter, **{symbol.name: own for symbol, own in memory.items()}}
    return {named[name]: np.asarray(found) for name, found in after.items()}
