"""Networks, numbers and optimizers that the tests of explanations share."""

from typing import Any

import numpy as np

import chainrule as cr
from chainrule.kernels.plan_cache import training_plan
from chainrule.kernels.reference import Execution, named_array
from chainrule.network.optimizers import Optimizer
from chainrule.verification import random_values
from tests.random_networks import Case, random_networks

OPTIMIZERS = [
    cr.SGD(0.3),
    cr.SGD(0.1, momentum=0.9),
    cr.SGD(0.1, momentum=0.9, nesterov=True),
    cr.Adam(0.01),
    cr.AdamHat(0.01),
    cr.AdamW(0.01, weight_decay=0.1),
    cr.RMSprop(0.01),
]


def cases() -> list[Case]:
    """One network for each admissible pair of last activation and loss."""
    return list(random_networks(rounds=1))


def drawn(case: Case) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Parameters, inputs and targets that suit a case, away from every kink."""
    network = case.network
    values = random_values(network, case.number, case.samples)
    parameters = {name: np.array(values[name]) for name in network.parameter_names}
    for name, shape in network.parameter_shapes.items():
        parameters[name] = parameters[name].reshape(shape)
    return parameters, values["X"], values[network.names.target]


def places(network: cr.Network, generator: np.random.Generator, count: int) -> list[str]:
    """Random weights and biases that are trained, by the names that ``explain`` takes."""
    found = []
    for name in network.trainable_names:
        shape = network.parameter_shapes[name]
        for _ in range(count if shape else 1):
            index = ",".join(str(generator.integers(length)) for length in shape)
            found.append(f"{name}[{index}]" if shape else name)
    return list(dict.fromkeys(found))


def entry(array: Any, weight: str) -> float:
    """The number that a name like ``W_ih[0,2]`` stands for, in an array."""
    _, _, inside = weight.partition("[")
    index = tuple(int(part) for part in inside.rstrip("]").split(",") if part)
    return float(np.asarray(array)[index])


def steps(
    network: cr.Network, optimizer: Optimizer, parameters: Any, X: Any, Y: Any, count: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Run steps by the reference; return the parameters and the optimizer's memory after them."""
    plan = training_plan(network, optimizer)
    run = Execution(plan)
    symbols = {symbol.name: symbol for symbol in (*plan.formulation.parameters, *plan.memory)}
    kept = {
        symbol.name: np.zeros(network.parameter_shapes[symbol.name.split("_", 1)[1]])
        for symbol in plan.memory
    }
    start = {name: np.array(array, dtype=float) for name, array in parameters.items()}
    scalars = {**network.strengths, **optimizer.constants}
    run.give({**start, **kept, **scalars, "X": X, network.names.target: Y})
    for step in range(1, count + 1):
        run.give({"t": step})
        run.all()
    after = {name: named_array(run.values[name], symbol) for name, symbol in symbols.items()}
    memory = {symbol.name: after[symbol.name].copy() for symbol in plan.memory}
    found = {name: after[name].copy() if name in after else start[name] for name in start}
    return found, memory
