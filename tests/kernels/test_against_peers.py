"""Gradients of more than 300 random networks against PyTorch and JAX, in float64, to 1e-10.

The Plan, run by the reference backend, and the matrix form of every equation, evaluated by
position in both layouts, are compared with automatic differentiation of a forward pass that is
written in the peers' own functions.  The networks have 1 to 5 hidden layers, every admissible pair
of last activation and loss, awkward sizes, sample weights, penalties, shared and frozen parameters;
the tests fail where an entry of a catalogue was never drawn.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chainrule.formulas.arrange import Layout, arrange
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.matrices import Indexed, every
from chainrule.formulas.positional import MatrixEvaluation
from chainrule.kernels.reference import Execution, named_array
from chainrule.network import activations, losses, penalties
from chainrule.network.architecture import Network
from chainrule.network.gradients import Gradients, differentiate
from chainrule.plans.plan import plan
from chainrule.verification import random_values, relative_error
from tests.catalogue.oracles import (
    jax_activations,
    jax_losses,
    torch_activations,
    torch_losses,
)
from tests.random_networks import DEPTHS, SIZES, Case, admissible_pairs, random_networks

Array = NDArray[np.float64]
Arrays = dict[str, Array]

LIMIT = 1e-10
CASES = list(random_networks())
every_case = pytest.mark.parametrize("case", CASES, ids=str)


# -- what was drawn -------------------------------------------------------------------------------


def penalties_of(case: Case) -> frozenset[str]:
    return frozenset(penalty.name for penalty in case.network.penalties)


def assert_drawn(cases: list[Case]) -> None:
    """Every entry of every catalogue, every pair, depth, size and option is among the cases."""
    assert len(cases) >= 300
    networks = [case.network for case in cases]
    assert {name for case in cases for name in case.hidden} == set(activations.CATALOGUE)
    assert {case.pair for case in cases} == set(admissible_pairs())
    assert {last for last, _ in admissible_pairs()} == set(activations.CATALOGUE)
    assert {loss for _, loss in admissible_pairs()} == set(losses.CATALOGUE)
    drawn = {penalties_of(case) for case in cases}
    assert frozenset() in drawn
    assert frozenset(penalties.CATALOGUE) in drawn
    assert all(frozenset([name]) in drawn for name in penalties.CATALOGUE)
    assert {len(case.hidden) for case in cases} == set(DEPTHS) == {1, 2, 3, 4, 5}
    for place in (0, 1, -1):
        assert {network.layers[place] for network in networks} >= set(SIZES) == {1, 2, 3, 17}
    assert {case.samples for case in cases} >= set(SIZES)
    for depth in DEPTHS:
        deep = [case for case in cases if len(case.hidden) == depth]
        sizes = [[case.samples, *case.network.layers] for case in deep]
        assert any(len(set(each)) == len(each) for each in sizes), "sizes distinct per axis"
        assert any(len(set(each)) == 1 for each in sizes), "all sizes equal"
        assert {case.weighted for case in deep} == {False, True}
    options = {
        (name[0], option)
        for network in networks
        for name, option in (network.trainable or {}).items()
    }
    assert options >= {("b", "shared"), ("b", False), ("W", False)}


def test_every_entry_of_every_catalogue_was_drawn() -> None:
    assert_drawn(CASES)


WITHOUT: list[tuple[str, Callable[[Case], bool]]] = [
    *((f"hidden {n}", lambda case, n=n: n in case.hidden) for n in activations.CATALOGUE),
    *((f"last {n}", lambda case, n=n: case.pair[0] == n) for n in activations.CATALOGUE),
    *((f"loss {n}", lambda case, n=n: case.pair[1] == n) for n in losses.CATALOGUE),
    *((f"penalty {n}", lambda case, n=n: n in penalties_of(case)) for n in penalties.CATALOGUE),
    ("weights", lambda case: case.weighted),
    ("five layers", lambda case: len(case.hidden) == 5),
    ("17 samples", lambda case: case.samples == 17),
]


@pytest.mark.parametrize(("what", "has"), WITHOUT, ids=[what for what, _ in WITHOUT])
def test_what_was_never_drawn_is_noticed(what: str, has: Callable[[Case], bool]) -> None:
    kept = [case for case in CASES if not has(case)]
    assert len(kept) < len(CASES), what
    # Copies keep the number up, so that it is not the number that is noticed.
    with pytest.raises(AssertionError):
        assert_drawn((kept * len(CASES))[: max(300, len(kept))])


# -- chainrule's side -----------------------------------------------------------------------------


def values_of(case: Case) -> dict[str, Any]:
    """Draw the numbers of a case, away from kinks."""
    return random_values(case.network, case.number, case.samples)


def derived(case: Case) -> Gradients:
    return differentiate(case.network.formulation(weighted=case.weighted))


def by_plan(gradients: Gradients, values: Mapping[str, Any]) -> tuple[float, Arrays]:
    """Run the Plan by the reference backend."""
    steps = plan(gradients)
    run = Execution(steps)
    run.give(values)
    run.all()
    parameters = {symbol.name: symbol for symbol in gradients.formulation.parameters}
    found = {
        name: named_array(run.values[place], parameters[name])
        for name, place in steps.gradients.items()
    }
    return float(run.scalar(steps.loss)), found


def by_matrices(
    gradients: Gradients, values: Mapping[str, Any], layout: Layout
) -> tuple[float, Arrays]:
    """Evaluate the matrix form of every equation by position, each from the ones before.

    The result is as the layout shows it: with samples in columns, weights are (outputs, inputs).
    """
    formulation = gradients.formulation
    known = dict(values)
    shown: Arrays = {}
    equations = [*formulation.equations, *(entry.equation for entry in gradients.backward)]
    for equation in equations:
        axes = equation.left.axes
        matrix = arrange(equation.right, layout, axes)
        assert not any(isinstance(part, Indexed) for part in every(matrix)), equation.left
        # A fresh evaluation: what is known is known by the matrices, and by nothing else.
        named = Evaluation(known).measure((*formulation.inputs, *formulation.parameters))
        found = MatrixEvaluation(named)(matrix)
        shown[equation.left.name] = found
        known[equation.left.name] = unlaid(found, axes, matrix.sides)
    gathered = {
        symbol.name: shown[formulation.cotangent(symbol).name]
        for symbol in formulation.parameters
        if formulation.cotangent(symbol).name in shown
    }
    return float(shown[formulation.loss.name].item()), gathered


def unlaid(value: Array, axes: tuple[Any, ...], sides: tuple[Any, Any]) -> Array:
    """Return a matrix as an array with the given axes: the way back from ``laid_out``."""
    present = [axis for axis in sides if axis is not None]
    lengths = [size for size, axis in zip(value.shape, sides, strict=True) if axis is not None]
    return np.transpose(value.reshape(lengths), [present.index(axis) for axis in axes])


# -- the peers ------------------------------------------------------------------------------------


def data_of(case: Case, values: Mapping[str, Any]) -> tuple[Arrays, Arrays]:
    """Split the drawn numbers into what is differentiated by and what is given."""
    network = case.network
    names = network.trainable_names
    trained = {name: np.asarray(values[name], dtype=float) for name in names}
    kept = [name for name in network.parameter_names if name not in trained]
    given = {name: np.asarray(values[name], dtype=float) for name in kept}
    given["X"], given["Y"] = values["X"], values[network.names.target]
    given["w"] = values["w"] if case.weighted else np.ones(case.samples)
    return trained, given


def forward(
    network: Network,
    known: Mapping[str, Any],
    functions: Mapping[str, Any],
    losses_of: Mapping[str, Any],
) -> Any:
    """Return the loss as a peer computes it: Σ w ℓ / Σ w, and the penalties of all weights."""
    a = known["X"]
    pairs = list(zip(network.parameter_names[::2], network.parameter_names[1::2], strict=True))
    for (W, b), activation in zip(pairs, network.activations, strict=True):
        z = a @ known[W] + known[b]
        a = functions[activation.name](z)
    last = network.activations[-1].name
    each = losses_of[network.loss.name](z, a, known["Y"], last, **network.loss.settings)
    assert each.shape == known["w"].shape
    total = (known["w"] * each).sum() / known["w"].sum()
    measures = {"L2": lambda W: (W * W).sum() / 2, "L1": lambda W: abs(W).sum()}
    for penalty in network.penalties:
        for W, _ in pairs:
            total = total + penalty.strength * measures[penalty.name](known[W])
    return total


def by_torch(case: Case, values: Mapping[str, Any]) -> tuple[float, Arrays]:
    """Return loss and gradients by PyTorch's autograd."""
    import torch

    trained, given = data_of(case, values)
    leaves = {name: torch.tensor(array, requires_grad=True) for name, array in trained.items()}
    fixed = {name: torch.tensor(array) for name, array in given.items()}
    loss = forward(case.network, {**leaves, **fixed}, torch_activations(), torch_losses())
    loss.backward()
    return loss.item(), {name: leaf.grad.numpy() for name, leaf in leaves.items()}


def filled(given: Arrays, samples: int) -> Arrays:
    """Repeat the first sample, with weight 0, until there are so many samples."""
    missing = samples - len(given["X"])
    added = {name: np.repeat(given[name][:1], missing, axis=0) for name in ("X", "Y")}
    added["w"] = np.zeros(missing)
    return given | {name: np.concatenate([given[name], more]) for name, more in added.items()}


def widened(network: Network, arrays: Arrays, width: int) -> Arrays:
    """Give every layer so many units; the weights from and to an added unit are 0.

    The outputs stay, and so does a layer of softmax, in which an added unit would count.
    """
    first = [width, *(width if f.elementwise else n for n, f in _hidden_layers(network))]
    widths = [*first, network.layers[-1]]
    found = dict(arrays)
    if "X" in arrays:
        found["X"] = _padded(arrays["X"], (len(arrays["X"]), width))
    for name, rows, columns in zip(
        network.parameter_names[::2], widths[:-1], widths[1:], strict=True
    ):
        if name in arrays:
            found[name] = _padded(arrays[name], (rows, columns))
    options = network.trainable or {}
    for name, columns in zip(network.parameter_names[1::2], widths[1:], strict=True):
        if name in arrays and options.get(name) != "shared":
            found[name] = _padded(arrays[name], (columns,))
    return found


def _hidden_layers(network: Network) -> Any:
    return zip(network.layers[1:-1], network.activations[:-1], strict=True)


def _padded(array: Array, shape: tuple[int, ...]) -> Array:
    return np.pad(array, [(0, new - old) for old, new in zip(array.shape, shape, strict=True)])


def by_jax(case: Case, values: Mapping[str, Any]) -> tuple[float, Arrays]:
    """Return loss and gradients by JAX."""
    import jax

    jax.config.update("jax_disable_most_optimizations", True)  # of the compiler
    with jax.enable_x64(True):
        trained, given = data_of(case, values)
        # JAX compiles every operation for every shape it meets, which is nearly all of the time:
        # so there are few shapes.
        wide = widened(case.network, filled({**given, **trained}, max(SIZES)), max(SIZES))
        leaves = {name: wide.pop(name) for name in trained}
        fixed = {name: jax.numpy.asarray(array) for name, array in wide.items()}

        def loss_of(leaves: Mapping[str, Any]) -> Any:
            return forward(case.network, {**leaves, **fixed}, jax_activations(), jax_losses())

        loss, gradients = jax.value_and_grad(loss_of)(leaves)
        return float(loss), {
            name: np.asarray(array)[tuple(map(slice, trained[name].shape))]
            for name, array in gradients.items()
        }


# -- the comparison -------------------------------------------------------------------------------


def assert_agree(
    found: tuple[float, Arrays], expected: tuple[float, Arrays], turned: bool = False
) -> None:
    """Loss and every gradient within the limit, by the relative error of design.md section 5."""
    loss, gradients = expected
    assert abs(found[0] - loss) <= LIMIT * (1 + abs(loss))
    assert set(found[1]) == set(gradients)
    for name, gradient in gradients.items():
        mine = found[1][name].T if turned else found[1][name]
        if mine.ndim != gradient.ndim:
            mine = mine.reshape(gradient.shape)  # a bias is a row or a column of a matrix
        assert mine.shape == gradient.shape, name
        assert gradient.dtype == np.float64
        error = relative_error(mine, gradient, loss)
        assert error <= LIMIT, f"{name}: relative error {error:.2e}"


@cache
def solved(number: int) -> tuple[Gradients, dict[str, Any], tuple[float, Arrays]]:
    """Return a case's derivation, its numbers, and what the Plan makes of them."""
    case = CASES[number]
    gradients, values = derived(case), values_of(case)
    return gradients, values, by_plan(gradients, values)


@every_case
@pytest.mark.peers("torch")
def test_against_torch(case: Case) -> None:
    gradients, values, found = solved(case.number)
    expected = by_torch(case, values)
    assert_agree(found, expected)
    assert_agree(by_matrices(gradients, values, "rows"), expected)
    assert_agree(by_matrices(gradients, values, "columns"), expected, turned=True)


@every_case
@pytest.mark.peers("jax")
def test_against_jax(case: Case) -> None:
    _, values, found = solved(case.number)
    assert_agree(found, by_jax(case, values))
