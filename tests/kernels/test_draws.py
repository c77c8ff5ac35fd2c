"""What is drawn at random in a step: its statistics, and the core against the definition."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import chainrule as cr
from chainrule.errors import NotFused
from chainrule.formulas.axes import SAMPLES_POSITION, Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Symbol, mean, product, total
from chainrule.formulas.functions import cosine, equal, sine
from chainrule.kernels import compiled
from chainrule.kernels.compiled_trainer import CompiledTrainer
from chainrule.kernels.draws import GOLDEN, _hashed, _mixed, drawn, keys, words
from chainrule.kernels.orders import Seeded
from chainrule.kernels.reference import Execution
from chainrule.kernels.runner import Runner
from chainrule.kernels.trainer import ReferenceTrainer, Run
from chainrule.network.distributions import Mask, Noise
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import differentiate
from chainrule.network.layers import Dense, Input
from chainrule.network.parameters import Parameters
from chainrule.network.random_layers import Dropout, GaussianNoise
from chainrule.plans.plan import plan

B, I, H = Axis("B", SAMPLES_POSITION), Axis("i", 0), Axis("h", 1)
X, W, LOSS = Symbol("X", (B, I)), Symbol("W", (I, H)), Symbol("Loss")
TYPES = [np.float32, np.float64]
BOUND = 4.5
"""Standard deviations: one of 150,000 right values is farther away."""

# -- the definition ----------------------------------------------------------------------------


def scattered():
    """Keys of many seeds, steps and streams: small numbers and large ones."""
    return [
        (seed, step, stream)
        for seed in (0, 1, 2, 12345, 2**63, 2**64 - 1)
        for step in (1, 2, 3, 1000, 2**40)
        for stream in (0, 1, 2)
    ]


def z_of_bits(differing):
    """Return how far each of the 32 bits is from half ones, in standard deviations, (32,)."""
    counts = np.array([np.count_nonzero(differing >> np.uint32(bit) & 1) for bit in range(32)])
    return (counts - differing.size / 2) / np.sqrt(differing.size / 4)


@pytest.mark.parametrize("which", [0, 1])
def test_each_bit_is_one_in_half_of_the_words(which):
    for case in scattered():
        found = words(keys(*case)[which], 256, 64)
        assert np.abs(z_of_bits(found)).max() < BOUND + 1, case


def test_words_are_uniform():
    for case in scattered():
        found = words(keys(*case)[0], 500, 100)
        counts = np.bincount((found >> np.uint32(24)).ravel(), minlength=256)
        assert stats.chisquare(counts).pvalue > 1e-6, case


def test_neighbors_are_independent():
    """Pairs of words along rows and columns, over 16 x 16 cells."""
    for case in scattered():
        found = (words(keys(*case)[0], 300, 200) >> np.uint32(28)).astype(int)
        for first, second in [
            (found[:, 1:], found[:, :-1]),
            (found[1:], found[:-1]),
            (found[:, 2:], found[:, :-2]),
            (found[1:, 1:], found[:-1, :-1]),
        ]:
            counts = np.bincount((first * 16 + second).ravel(), minlength=256)
            assert stats.chisquare(counts).pvalue > 1e-6, case


def test_seeds_steps_and_streams_are_independent():
    """Words that belong together differ in half of their bits."""
    near = [(0, 1, 0), (0, 1, 1), (1, 1, 1), (1, 2, 1), (2, 2, 1), (2, 2, 2), (2**32, 2, 2)]
    for first, second in pairwise(near):
        for one in keys(*first):
            for other in keys(*second):
                differing = words(one, 256, 64) ^ words(other, 256, 64)
                assert np.abs(z_of_bits(differing)).max() < BOUND, (first, second)
    one, other = (words(key, 256, 64) for key in keys(0, 1, 0))
    assert np.abs(z_of_bits(one ^ other)).max() < BOUND


def test_all_keys_differ():
    cases = [(s, t, k) for s in range(30) for t in range(1, 40) for k in range(8)]
    found = {key for case in cases for key in keys(*case)}
    assert len(found) == 2 * len(cases)


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.3, 0.5, 0.999])
@pytest.mark.parametrize("dtype", TYPES)
def test_a_mask_has_its_rate_and_the_mean_one(rate, dtype):
    found = drawn(Mask(rate), 7, 3, 0, 1000, 500, dtype)
    assert found.dtype == dtype
    assert set(np.unique(found)) <= {dtype(0), dtype(1 / (1 - rate))}
    zeros = np.count_nonzero(found == 0)
    spread = np.sqrt(found.size * rate * (1 - rate))
    assert abs(zeros - found.size * rate) <= BOUND * spread
    assert abs(found.mean(dtype=float) - 1) <= BOUND * spread / (found.size * (1 - rate)) + 1e-6


def test_rows_and_columns_of_masks_are_uncorrelated():
    found = drawn(Mask(0.5), 1, 1, 0, 2000, 64, np.float64) - 1
    between_columns = np.triu(found.T @ found, 1) / np.sqrt(2000)
    assert np.abs(between_columns).max() < BOUND + 0.5
    rows = drawn(Mask(0.5), 1, 1, 0, 64, 2000, np.float64) - 1
    assert np.abs(np.triu(rows @ rows.T, 1)).max() / np.sqrt(2000) < BOUND + 0.5


def test_steps_of_masks_are_uncorrelated():
    steps = np.array([drawn(Mask(0.5), 1, step, 0, 40, 50, np.float64) for step in range(1, 65)])
    steps = steps.reshape(64, -1) - 1
    assert np.abs(np.triu(steps @ steps.T, 1)).max() / np.sqrt(2000) < BOUND + 0.5


@pytest.mark.parametrize("deviation", [0.0, 0.1, 3.0])
def test_noise_is_normal(deviation):
    found = drawn(Noise(deviation), 5, 2, 1, 1000, 500, np.float64)
    if deviation == 0:
        assert not found.any()
        return
    found = found / deviation
    assert abs(found.mean()) <= BOUND / np.sqrt(found.size)
    assert abs(np.mean(found**2) - 1) <= BOUND * np.sqrt(2 / found.size)
    assert abs(np.mean(found**3)) <= BOUND * np.sqrt(15 / found.size)
    assert abs(np.mean(found**4) - 3) <= BOUND * np.sqrt(96 / found.size)
    assert stats.kstest(found.ravel(), "norm").pvalue > 1e-6
    for first, second in [(found[1:], found[:-1]), (found[:, 1:], found[:, :-1])]:
        assert abs(np.mean(first * second)) <= BOUND / np.sqrt(first.size)


def test_an_entry_depends_on_its_row_and_column_alone():
    large = drawn(Mask(0.5), 1, 1, 0, 64, 24, np.float32)
    np.testing.assert_array_equal(drawn(Mask(0.5), 1, 1, 0, 17, 24, np.float32), large[:17])
    np.testing.assert_array_equal(drawn(Mask(0.5), 1, 1, 0, 17, 24, np.float64), large[:17])


def test_published_values():
    """The first outputs of splitmix64 with the seed 0, and lowbias32 written out."""
    outputs = [_mixed(step * GOLDEN) for step in (1, 2, 3)]
    assert outputs == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    x = 1
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ x >> shift) * factor % 2**32
    assert _hashed(np.array([1], np.uint32)).tolist() == [x ^ x >> 16]


# -- the core ----------------------------------------------------------------------------------


def disturbed(distribution):
    """Loss = mean of Σ (D ⊙ X W)², with D drawn in each step."""
    D, A = Symbol("D", (B, H)), Symbol("A", (B, H))
    stated = Formulation(
        equations=(
            Equation(A, D * product(X, W, over=[I])),
            Equation(LOSS, mean(total(A**2, H), B)),
        ),
        loss=LOSS,
        parameters=(W,),
        inputs=(X, D),
        output=A,
        data_loss=LOSS,
        draws={D: distribution},
    )
    return plan(differentiate(stated), cr.SGD(0.1), draws=True)


def drawn_by_core(distribution, rows, width, count, dtype, *, threads=1, seed=0, step=1):
    """Return D as the core draws it for the first ``count`` of ``rows`` rows."""
    made = disturbed(distribution)
    values = {"W": np.ones((3, width), dtype), "α": 0.0}
    given = {"X": np.ones((rows, 3), dtype)}
    runner = Runner(made, [made.loss, "D"], values, given, dtype, rows, threads=threads)
    runner.step(0, rows)  # leaves entries where a short batch has padding
    runner.machine.set_draws(seed, step)
    runner.step(0, count)
    found = np.full((count, width), np.nan, dtype)
    runner.read("D", found)
    return found


SIZES = [
    # rows, width, count: wide and narrow, the narrow ones stored transposed
    (1, 1, 1),
    (33, 1, 32),
    (9, 3, 4),
    (40, 10, 40),
    (17, 16, 16),
    (128, 70, 99),
    (257, 128, 256),
]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_the_core_draws_the_same_masks(size, dtype, seed):
    rows, width, count = size
    for rate, step in ((0.3, 1), (0.0, 2), (0.999, 2**40), (0.5, 7)):
        found = drawn_by_core(Mask(rate), rows, width, count, dtype, seed=seed, step=step)
        expected = drawn(Mask(rate), seed, step, 0, count, width, dtype)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("size", SIZES)
def test_the_core_draws_the_same_noise(size, dtype):
    rows, width, count = size
    for deviation, step in ((1.0, 1), (0.1, 5)):
        found = drawn_by_core(Noise(deviation), rows, width, count, dtype, seed=3, step=step)
        expected = drawn(Noise(deviation), 3, step, 0, count, width, dtype)
        np.testing.assert_array_max_ulp(found, expected, 4)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("distribution", [Mask(0.4), Noise(0.7)], ids=str)
@pytest.mark.parametrize(("rows", "width"), [(3000, 501), (200_000, 3)])
def test_threads_change_no_bit(distribution, dtype, rows, width):
    one = drawn_by_core(distribution, rows, width, rows - 1, dtype)
    for threads in (2, 3, 8):
        found = drawn_by_core(distribution, rows, width, rows - 1, dtype, threads=threads)
        np.testing.assert_array_equal(found, one)


def test_a_value_with_the_axis_of_the_samples_alone():
    """One number for each sample, and one for each unit."""
    c, d = Symbol("c", (B,)), Symbol("d", (H,))
    A = Symbol("A", (B, H))
    stated = Formulation(
        (
            Equation(A, c * d * product(X, W, over=[I])),
            Equation(LOSS, mean(total(A**2, H), B)),
        ),
        LOSS,
        (W,),
        (X, c, d),
        A,
        LOSS,
        draws={c: Mask(0.5), d: Noise(1.0)},
    )
    made = plan(differentiate(stated), cr.SGD(0.1), draws=True)
    values = {"W": np.ones((3, 20)), "α": 0.01}
    runner = Runner(made, [made.loss, "A"], values, {"X": np.ones((50, 3))}, float, 50, seed=9)
    runner.step(0, 50)
    found = np.zeros((50, 20))
    runner.read("A", found)
    reference = Execution(made)
    reference.seed = 9
    reference.give({name: np.array(value) for name, value in values.items()})
    reference.give({"X": np.ones((50, 3))})
    reference.all()
    np.testing.assert_allclose(found, reference.values["A"], rtol=1e-14)
    c_drawn, d_drawn = (
        drawn(Mask(0.5), 9, 1, 0, 50, 1, float),
        drawn(Noise(1), 9, 1, 1, 1, 20, float),
    )
    np.testing.assert_allclose(found, 3 * c_drawn * d_drawn, rtol=1e-14)


def test_a_single_number_is_not_drawn_in_the_core():
    d, A = Symbol("d"), Symbol("A", (B, H))
    stated = Formulation(
        (Equation(A, d * product(X, W, over=[I])), Equation(LOSS, mean(total(A**2, H), B))),
        LOSS,
        (W,),
        (X, d),
        A,
        LOSS,
        draws={d: Mask(0.5)},
    )
    made = plan(differentiate(stated), draws=True)
    with pytest.raises(NotFused, match="d: the core draws matrices, not single numbers"):
        Runner(made, [made.loss], {"W": np.ones((3, 20))}, {"X": np.ones((5, 3))}, float, 5)


@pytest.mark.parametrize("width", [3, 40])
def test_gradients_are_those_of_the_same_mask(width):
    random = np.random.default_rng(0)
    weights, data = random.normal(size=(6, width)), random.normal(size=(30, 6))
    made = disturbed(Mask(0.3))
    loss, gradients = compiled.loss_and_gradients(
        made, {"W": weights, "α": 0.0}, {"X": data}, float, seed=4
    )
    mask = drawn(Mask(0.3), 4, 1, 0, 30, width, float)
    assert loss == pytest.approx(np.sum((mask * (data @ weights)) ** 2) / 30)
    expected = data.T @ (2 * mask**2 * (data @ weights)) / 30
    np.testing.assert_allclose(gradients["W"], expected, rtol=1e-12)
    other, _ = compiled.loss_and_gradients(made, {"W": weights, "α": 0.0}, {"X": data}, float)
    assert other != loss


# -- whole runs --------------------------------------------------------------------------------


NETWORK = SimpleNamespace(
    input_names=("X",),
    target_names=("Y",),
    constants={},
    needs_batch=False,
    trainable_names=("W", "U"),
    running_names=(),
)
"""What a trainer reads of a network, for a formulation that is no network."""


def random_plan():
    D, E = Symbol("D", (B, H)), Symbol("E", (B, I))
    O = Axis("o", 2)
    U, Y, A, P = Symbol("U", (H, O)), Symbol("Y", (B, O)), Symbol("A", (B, H)), Symbol("P", (B, O))
    stated = Formulation(
        equations=(
            Equation(A, D * sine(product(X + E, W, over=[I]))),
            Equation(P, product(A, U, over=[H])),
            Equation(LOSS, mean(total((P - Y) ** 2, O), B)),
        ),
        loss=LOSS,
        parameters=(W, U),
        inputs=(X, Y, D, E),
        output=P,
        data_loss=LOSS,
        draws={D: Mask(0.3), E: Noise(0.1)},
    )
    return plan(differentiate(stated), cr.SGD(0.05), draws=True)


RANDOM_PLAN = random_plan()


class RandomRun(Run):
    """A run whose Plan draws a mask and noise."""

    @property
    def plan(self):
        return RANDOM_PLAN


def trained(trainer, dtype=np.float64, seed=0, calls=(4,), threads=1, sizes=(9, 21, 2)):
    random = np.random.default_rng(1)
    parameters = Parameters(
        {"W": sizes[:2], "U": sizes[1:]},
        (random.normal(size=sizes[0] * sizes[1] + sizes[1] * sizes[2]) / 4).astype(dtype),
    )
    data = {
        "X": random.normal(size=(53, sizes[0])).astype(dtype),
        "Y": random.normal(size=(53, sizes[2])).astype(dtype),
    }
    run = RandomRun(
        NETWORK, cr.SGD(0.05), parameters, data, 20, Seeded(1), seed=seed, threads=threads
    )
    made = trainer(run)
    first = 1
    for epochs in calls:
        made.run(first, epochs)
        first += epochs
    return made.losses.loss, parameters.flat.copy()


@pytest.mark.parametrize("dtype", TYPES)
def test_runs_of_the_core_are_those_of_the_reference(dtype):
    (losses, parameters), (right_losses, right) = (
        trained(kind, dtype) for kind in (CompiledTrainer, ReferenceTrainer)
    )
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(losses, right_losses, rtol=tolerance)
    np.testing.assert_allclose(parameters, right, rtol=0, atol=tolerance)


@pytest.mark.parametrize("trainer", [CompiledTrainer, ReferenceTrainer])
def test_a_run_repeats_with_its_seed_and_continues_exactly(trainer):
    losses, parameters = trained(trainer)
    again, same = trained(trainer, calls=(1, 2, 1))
    assert again == losses
    np.testing.assert_array_equal(same, parameters)
    other, _ = trained(trainer, seed=2**63 + 1)
    assert other != losses


def test_a_network_with_dropout_and_noise_trains_alike_on_both_backends():
    inputs = Input(6)
    hidden = Dropout(0.2)(Dense(16, "relu")(GaussianNoise(0.1)(inputs)))
    network = cr.Network(inputs, Dense(3)(hidden))
    random = np.random.default_rng(0)
    data = {"X": random.normal(size=(50, 6)), network.names.target: random.normal(size=(50, 3))}
    losses = []
    for kind in (CompiledTrainer, ReferenceTrainer):
        run = Run(network, cr.SGD(0.05), network.initialize(0), data, 16, seed=5)
        losses.append(kind(run).run(1, 5).loss)
    np.testing.assert_allclose(*losses, rtol=1e-12)


def test_each_step_draws_anew():
    """The loss of the same batch and parameters, with masks of one step after another."""
    made = disturbed(Mask(0.5))
    values = {"W": np.ones((3, 30)), "α": 0.0}
    runner = Runner(made, [made.loss], values, {"X": np.ones((8, 3))}, float, 8)
    found = []
    for step in range(1, 6):
        runner.machine.set_draws(0, step)
        runner.step(0, 8)
        found.append(runner.scalar("Loss"))
    expected = [9 * np.sum(drawn(Mask(0.5), 0, s, 0, 8, 30, float) ** 2) / 8 for s in range(1, 6)]
    assert found == pytest.approx(expected)
    assert len(set(found)) == 5


# -- sin, cos and equal ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("width", [2, 37])
def test_sines_and_equality_in_the_core(dtype, width):
    A, C, E = (Symbol(name, (B, H)) for name in "ACE")
    Z = Symbol("Z", (B, H))
    given = Symbol("G", (B, H))
    stated = Formulation(
        (
            Equation(Z, product(X, W, over=[I])),
            Equation(A, sine(Z)),
            Equation(C, cosine(3 * Z)),
            Equation(E, equal(given, 1) * C + A),
            Equation(LOSS, mean(total(E**2, H), B)),
        ),
        LOSS,
        (W,),
        (X, given),
        E,
        LOSS,
    )
    made = plan(differentiate(stated))
    random = np.random.default_rng(2)
    values = {"W": random.normal(size=(5, width)).astype(dtype)}
    data = {
        "X": (10 * random.normal(size=(40, 5))).astype(dtype),
        "G": random.integers(0, 3, (40, width)).astype(dtype),
    }
    runner = Runner(made, [made.loss, "E", *made.gradients.values()], values, data, dtype, 40)
    runner.step(0, 40)
    reference = Execution(made)
    reference.give({name: array.astype(float) for name, array in {**values, **data}.items()})
    reference.all()
    tolerance = 1e-12 if dtype == np.float64 else 3e-4
    for name in ("E", made.gradients["W"]):
        expected = reference.values[name]
        found = np.zeros(expected.shape, dtype)
        runner.read(name, found)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)
