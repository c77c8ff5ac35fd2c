"""The compiled backend against the reference: gradients, whole runs, bits, bad ends."""

import gc
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import CoreUnavailable, InputError, NonFiniteLoss, NotFused
from chainrule.formulas.functions import exp, tanh, z
from chainrule.kernels import _core, compiled, core_library, program_cache
from chainrule.kernels.bounded_cache import BoundedCache
from chainrule.kernels.plan_cache import training_plan
from chainrule.kernels.reference import Execution
from chainrule.kernels.runner import Runner
from chainrule.network import activations, losses, optimizers
from chainrule.verification import distance_from_kinks, relative_error
from tests.selection import sampled

OPTIMIZERS = [
    cr.SGD(0.1),
    cr.SGD(0.1, momentum=0.9),
    cr.SGD(0.1, momentum=0.9, nesterov=True),
    *(kind(0.01) for name, kind in optimizers.CATALOGUE.items() if name != "sgd"),
]
PENALTIES = [(), (cr.L2(0.01),), (cr.L1(0.02),), (cr.L2(0.1), cr.L1(0.1))]


def network_and_data(random, widest=300):
    """Draw an admissible network with a batch; about every third is weighted or penalized."""
    while True:
        depth = int(random.integers(1, 7))
        widths = [
            int(random.choice([1, 2, 3, 5, random.integers(1, widest + 1)]))
            for _ in range(depth + 1)
        ]
        names = [str(random.choice(list(activations.CATALOGUE))) for _ in range(depth)]
        penalty = PENALTIES[random.integers(len(PENALTIES))]
        loss = str(random.choice(list(losses.CATALOGUE)))
        try:
            network = cr.Network.dense(widths, activation=names, loss=loss, penalty=penalty)
        except InputError:
            continue
        samples = int(random.choice([1, 2, 17, random.integers(1, widest + 1)]))
        X = random.normal(size=(samples, widths[0]))
        Y = random.uniform(0.05, 0.95, size=(samples, widths[-1]))
        if network.form.shares:
            Y /= Y.sum(axis=1, keepdims=True)
        weights = random.uniform(0.1, 1, size=samples) if random.random() < 0.3 else None
        parameters = network.initialize(int(random.integers(1000)), scheme="glorot_uniform")
        return network, parameters, X, Y, weights


def worst_error(found, expected):
    (loss, gradients), (right_loss, right) = found, expected
    errors = [relative_error(gradients[name], right[name], right_loss) for name in right]
    return max(*errors, abs(loss - right_loss) / (1 + abs(right_loss)))


def gradients_agree(seed):
    random = np.random.default_rng(seed)
    while True:
        network, parameters, X, Y, weights = network_and_data(random)
        with np.errstate(all="ignore"):
            expected = cr.loss_and_gradients(
                network, parameters, X, Y, sample_weight=weights, backend="reference"
            )
        sizes = [np.abs(g).max() for g in expected[1].values()]
        if np.isfinite(expected[0]) and max(sizes) < 1e6:
            break  # exponentials in several layers overflow
    found = cr.loss_and_gradients(
        network, parameters, X, Y, sample_weight=weights, backend="compiled"
    )
    error = worst_error(found, expected)
    assert error <= 1e-12, f"seed {seed}: {network}, {len(X)} samples: {error}"


@pytest.mark.parametrize("seed", sampled(range(300), every=4))
def test_gradients_are_the_references(seed):
    gradients_agree(seed)


@pytest.mark.slow
@pytest.mark.skipif("CHAINRULE_SLOW" not in os.environ, reason="on demand: CHAINRULE_SLOW=1")
@pytest.mark.parametrize("seed", range(10_000, 11_000) if "CHAINRULE_SLOW" in os.environ else [])
def test_gradients_of_a_thousand_networks(seed):
    gradients_agree(seed)


SMOOTH = [name for name, entry in activations.CATALOGUE.items() if not entry.kinks]


@pytest.mark.parametrize("name", SMOOTH)
def test_single_precision_is_within_1e_5_of_double(name):
    random = np.random.default_rng(3)
    hidden = name if activations.CATALOGUE[name].elementwise else "tanh"
    last = name if not activations.CATALOGUE[name].elementwise else "identity"
    network = cr.Network.dense([40, 100, 30, 4], activation=[hidden, hidden, last])
    parameters = network.initialize(0)
    X, Y = random.normal(size=(200, 40)), random.uniform(0.1, 0.9, size=(200, 4))
    single = {name: value.astype(np.float32) for name, value in parameters.items()}
    double = {name: value.astype(np.float64) for name, value in single.items()}
    X, Y = X.astype(np.float32), Y.astype(np.float32)
    found = cr.loss_and_gradients(network, single, X, Y, backend="compiled")
    expected = cr.loss_and_gradients(network, double, X, Y, backend="reference")
    assert found[1][network.parameter_names[0]].dtype == np.float32
    assert worst_error(found, expected) <= 1e-5


KINKED = [
    *((name, "mse") for name, entry in activations.CATALOGUE.items() if entry.kinks),
    *(("tanh", name) for name in ("mae", "huber", "quantile")),
]


@pytest.mark.parametrize(("activation", "loss"), KINKED)
def test_single_precision_is_within_1e_5_of_double_away_from_kinks(activation, loss):
    """860 pre-activations, drawn again until each is at least 1e-4 from a kink."""
    network = cr.Network.dense(
        [12, 20, 20, 3], activation=[activation, activation, "identity"], loss=loss
    )
    samples = 20
    for seed in range(100):
        random = np.random.default_rng(seed)
        parameters = network.initialize(seed, dtype=np.float32)
        X = random.normal(size=(samples, 12)).astype(np.float32)
        Y = random.normal(size=(samples, 3)).astype(np.float32)
        double = {name: value.astype(np.float64) for name, value in parameters.items()}
        values = {**double, "X": X.astype(float), network.names.target: Y.astype(float)}
        if distance_from_kinks(network.formulation(), values) >= 1e-4:
            break
    else:
        pytest.fail("every draw came near a kink")
    found = cr.loss_and_gradients(network, parameters, X, Y, backend="compiled")
    expected = cr.loss_and_gradients(network, double, X, Y, backend="reference")
    assert worst_error(found, expected) <= 1e-5


def data_for(network, samples, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(samples, network.layers[0]))
    Y = random.uniform(0.05, 0.95, size=(samples, network.layers[-1]))
    return X, Y / Y.sum(axis=1, keepdims=True) if network.form.shares else Y


def both(network, X, Y, **settings):
    return tuple(
        cr.train(network, X, Y, backend=backend, **settings)
        for backend in ("compiled", "reference")
    )


def permuted(network, parameters, seed=5):
    """Return the same network with the units of its first hidden layer in another order."""
    names = network.parameter_names
    order = np.random.default_rng(seed).permutation(network.layers[1])
    changed = {name: value.copy() for name, value in parameters.items()}
    changed[names[0]] = parameters[names[0]][:, order]
    changed[names[1]] = parameters[names[1]][order]
    changed[names[2]] = parameters[names[2]][order]
    return changed, order


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize(
    ("layers", "activation", "loss", "penalty"),
    [
        ([4, 16, 3], "relu", "log_loss", cr.L2(0.01)),
        ([30, 64, 64, 1], "tanh", "mse", ()),
        ([2, 3, 1], "sigmoid", "log_loss", cr.L1(0.001)),
    ],
    ids=["4-16-3", "30-64-64-1", "2-3-1"],
)
def test_a_run_of_200_steps_ends_where_the_references_does(
    optimizer, layers, activation, loss, penalty
):
    network = cr.Network.dense(layers, activation=activation, loss=loss, penalty=penalty)
    X, Y = data_for(network, 100)
    start = network.initialize(1)
    settings = {"optimizer": optimizer, "batch_size": 32, "epochs": 50, "seed": 4}
    found, expected = both(network, X, Y, parameters=start, validation=(X[:7], Y[:7]), **settings)
    other, order = permuted(network, start)
    moved = cr.train(network, X, Y, parameters=other, backend="reference", **settings)
    first = network.parameter_names[0]
    amplified = np.abs(moved.parameters[first] - expected.parameters[first][:, order]).max()
    allowed = max(1e-9, 10 * amplified)
    assert np.abs(found.parameters.flat - expected.parameters.flat).max() <= allowed
    assert found.history.keys() == expected.history.keys()
    for name, values in expected.history.items():
        assert np.abs(np.subtract(found.history[name], values)).max() <= allowed, name


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("batch", [1, 7, 64, None])
def test_batches_orders_and_weights(batch, weighted, shuffle):
    network = cr.Network.dense([33, 20, 2], activation="tanh")
    X, Y = data_for(network, 61)
    weights = np.random.default_rng(2).uniform(0.1, 2, size=61) if weighted else None
    found, expected = both(
        network, X, Y, batch_size=batch, epochs=3, shuffle=shuffle, sample_weight=weights, seed=9
    )
    assert np.abs(found.parameters.flat - expected.parameters.flat).max() <= 1e-12


def test_frozen_and_shared_parameters():
    network = cr.Network.dense([4, 7, 3], trainable={"b_ih": "shared", "W_ho": False})
    X, Y = data_for(network, 50)
    for optimizer in OPTIMIZERS:
        found, expected = both(
            network, X, Y, optimizer=optimizer, epochs=4, validation=(X[:9], Y[:9])
        )
        assert np.abs(found.parameters.flat - expected.parameters.flat).max() <= 1e-9
        change = np.subtract(*(r.history["validation_loss"] for r in (found, expected)))
        assert np.abs(change).max() <= 1e-12


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layers", [[5, 3, 1], [40, 33, 10], [3, 300, 2], [300, 3, 70]], ids=str)
def test_a_rows_bits_depend_on_nothing_else(layers, dtype):
    network = cr.Network.dense(layers, activation="tanh")
    parameters = network.initialize(0, dtype=dtype)
    X, _ = data_for(network, 1500)
    X = X.astype(dtype)
    whole = cr.predict(network, parameters, X, backend="compiled")
    for first, last in ((0, 1), (7, 8), (3, 20), (1023, 1025), (100, 900), (1499, 1500)):
        part = cr.predict(network, parameters, X[first:last], backend="compiled")
        assert np.array_equal(part, whole[first:last])


def test_runs_in_pieces_are_the_run_in_one():
    network = cr.Network.dense([4, 8, 2])
    X, Y = data_for(network, 40)
    settings = {"optimizer": cr.Adam(0.01), "epochs": 6, "backend": "compiled"}
    whole = cr.train(network, X, Y, **settings)
    told = []
    pieces = cr.train(network, X, Y, on_epoch=told.append, **settings)
    assert [epoch.number for epoch in told] == [1, 2, 3, 4, 5, 6]
    assert np.array_equal(whole.parameters.flat, pieces.parameters.flat)
    assert whole.history == pieces.history
    stopped = cr.train(network, X, Y, on_epoch=lambda epoch: epoch.number == 2, **settings)
    assert stopped.history["loss"] == whole.history["loss"][:2]


def test_a_users_own_activation_runs_on_the_tape():
    own = cr.activation("own", tanh(z) * (1 + exp(-(z**2))) + z / 7)
    network = cr.Network.dense([6, 20, 3, 2], activation=[own, own, "identity"])
    plan = training_plan(network, cr.SGD(0.1))
    runner = Runner(
        plan,
        [plan.loss, plan.data_loss],
        {**network.initialize(0), "α": 0.1},
        dict(zip(("X", network.names.target), data_for(network, 8), strict=True)),
        np.float64,
        8,
    )
    assert -1 in {row[0] for row in runner.program.formulas}, "nothing ran on the tape"
    X, Y = data_for(network, 50)
    found, expected = both(network, X, Y, epochs=10)
    assert np.abs(found.parameters.flat - expected.parameters.flat).max() <= 1e-12


@pytest.fixture
def unfused(monkeypatch):
    """Each operation is a kernel of its own."""
    monkeypatch.setattr(program_cache, "_programs", BoundedCache(9))
    whole = program_cache.fuse
    monkeypatch.setattr(
        program_cache, "fuse", lambda plan, names: whole(plan, names, together=False)
    )


@pytest.mark.usefixtures("unfused")
@pytest.mark.parametrize("seed", sampled(range(40), every=4))
def test_each_operation_alone_computes_the_same(seed):
    gradients_agree(seed)


@pytest.mark.usefixtures("unfused")
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_runs_of_operations_alone_compute_the_same(optimizer):
    network = cr.Network.dense([4, 16, 3], activation="relu", loss="log_loss")
    X, Y = data_for(network, 50)
    found, expected = both(network, X, Y, optimizer=optimizer, epochs=3)
    assert np.abs(found.parameters.flat - expected.parameters.flat).max() <= 1e-9


@pytest.mark.parametrize("seed", sampled(range(40), every=4))
def test_without_generated_kernels_the_tape_computes_the_same(seed, monkeypatch):
    monkeypatch.setattr(program_cache, "_programs", BoundedCache(9))
    monkeypatch.setattr(core_library, "natives", dict)
    gradients_agree(seed)


def test_a_loss_that_is_not_finite_names_its_place():
    network = cr.Network.dense([2, 3, 1], activation="identity")
    X, Y = np.full((8, 2), 1e3), np.zeros((8, 1))
    messages = []
    for backend in ("compiled", "reference"):
        with pytest.raises(NonFiniteLoss) as caught:
            cr.train(
                network, X, Y, optimizer=cr.SGD(10.0), epochs=99, batch_size=4, backend=backend
            )
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert "epoch" in messages[0]


def test_ctrl_c_ends_a_run_soon():
    network = cr.Network.dense([4, 16, 3])
    X, Y = data_for(network, 320)
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        cr.train(network, X, Y, epochs=10**7, backend="compiled")
    timer.join()


def test_arrays_passed_in_stay_as_they_are():
    network = cr.Network.dense([32, 16, 3])
    X, Y = data_for(network, 64)
    kept = X.copy(), Y.copy()
    cr.train(network, X, Y, epochs=2, shuffle=False, backend="compiled")
    assert np.array_equal(X, kept[0])
    assert np.array_equal(Y, kept[1])


def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads Linux's /proc")
def test_memory_does_not_grow_over_ten_thousand_fits():
    network = cr.Network.dense([4, 16, 3])
    X, Y = data_for(network, 64)
    settings = [
        {},
        {"validation": (X[:9], Y[:9]), "early_stopping": True, "optimizer": cr.Adam()},
        {"schedule": cr.ExponentialDecay(), "shuffle": False, "on_progress": lambda progress: 0},
        {"schedule": cr.ReduceOnPlateau(), "sample_weight": np.ones(64)},
    ]

    def fits(count):
        for number in range(count):
            given = settings[number % len(settings)]
            cr.train(network, X, Y, epochs=2, backend="compiled", **given)
        gc.collect()
        return memory()

    before = fits(1000)
    # A hundred bytes a fit would be seen; a run's arena alone is some thousands.
    assert fits(10_000) - before < 2**20


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads Linux's /proc")
def test_a_large_array_is_not_copied():
    program = (
        "import numpy as np, resource, chainrule as cr\n"
        "X = np.ones((60000, 784), np.float32); Y = np.full((60000, 10), 0.1, np.float32)\n"
        "network = cr.Network.dense([784, 30, 10])\n"
        "parameters = network.initialize(0, dtype=np.float32)\n"
        "cr.train(network, X[:100], Y[:100], parameters=parameters, epochs=1)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for shuffle in (True, False):\n"
        "    cr.train(network, X, Y, parameters=parameters, epochs=1, shuffle=shuffle)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 32 * 1024


@pytest.mark.slow
def test_each_instruction_set_agrees_with_the_reference():
    program = (
        "import sys; sys.path.insert(0, 'tests/kernels'); import test_compiled as t\n"
        "from chainrule.kernels import _core\n"
        "for seed in range(25): t.gradients_agree(seed)\n"
        "for layers in ([5, 3, 1], [40, 33, 10]):\n"
        "    t.test_a_rows_bits_depend_on_nothing_else(layers, 'f4')\n"
        "print(_core.in_use())\n"
    )
    for name in _core.instruction_sets():
        environment = {**os.environ, "CHAINRULE_ISA": name}
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == name


def test_an_unknown_instruction_set_is_refused():
    environment = {**os.environ, "CHAINRULE_ISA": "x86-64-v9"}
    program = (
        "import chainrule as cr\ncr.predict(cr.Network.dense([1, 1]), {'W_1': [[1.0]], "
        "'b_1': [0.0]}, [[1.0]], backend='compiled')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert "x86-64-v9" in done.stderr
    assert "CoreUnavailable" in done.stderr


def test_a_missing_core_is_explained_and_the_reference_works(monkeypatch):
    monkeypatch.setattr(core_library, "_missing", ImportError("no module"))
    network = cr.Network.dense([2, 1])
    with pytest.raises(CoreUnavailable, match="pip install"):
        cr.train(network, [[1.0, 2.0]], [0.5], epochs=1, backend="compiled")
    assert cr.train(network, [[1.0, 2.0]], [0.5], epochs=1).history["loss"]


def test_the_reference_execution_is_what_auto_is_held_against():
    network = cr.Network.dense([2, 1])
    plan = training_plan(network, cr.SGD(0.1))
    assert isinstance(Execution(plan), Execution)
    assert core_library.available()


def test_show_config_says_what_runs(capsys):
    cr.show_config()
    text = capsys.readouterr().out
    assert "compiled" in text
    assert _core.in_use() in text
    assert "threads" in text


def test_the_reference_takes_over_what_the_core_has_no_form_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Under "auto" a Plan the core cannot run is run all the same; asked for, the core says so."""

    def refuse(*given: object, **named: object) -> None:
        raise NotFused("General: no kernel runs this operation")

    for name in ("CompiledTrainer", "loss_and_gradients", "outputs"):
        monkeypatch.setattr(compiled, name, refuse)
    network = cr.Network.dense([2, 3, 1])
    parameters, X, Y = network.initialize(0), np.ones((4, 2)), np.ones((4, 1))
    calls = (
        lambda backend: cr.train(network, X, Y, epochs=1, backend=backend),
        lambda backend: cr.loss_and_gradients(network, parameters, X, Y, backend=backend),
        lambda backend: cr.predict(network, parameters, X, backend=backend),
    )
    for call in calls:
        call("auto")
        with pytest.raises(NotFused, match="General"):
            call("compiled")
