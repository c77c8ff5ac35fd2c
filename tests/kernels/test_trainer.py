"""Whole runs: orders, learning rates, stopping, states; both backends, and scikit-learn's rules."""

import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils import shuffle as sklearn_shuffle

import chainrule as cr
from chainrule.errors import InputError, InputTypeError
from chainrule.kernels.compiled_trainer import CompiledTrainer
from chainrule.kernels.orders import Given, Legacy, Seeded, Unshuffled
from chainrule.kernels.stopping import Count, Stopping
from chainrule.kernels.trainer import Criterion, Diverged, ReferenceTrainer, Run

BACKENDS = [CompiledTrainer, ReferenceTrainer]


def data_for(network, samples, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(samples, network.layers[0]))
    Y = random.uniform(0.05, 0.95, size=(samples, network.layers[-1]))
    Y = Y / Y.sum(axis=1, keepdims=True) if network.form.shares else Y
    return {"X": X, network.names.target: Y}


def run_for(network, samples=60, batch=16, optimizer=None, **settings):
    given = optimizer or cr.SGD(0.5, momentum=0.9)
    return Run(network, given, network.initialize(1), data_for(network, samples), batch, **settings)


def started(backend, run):
    """Return a trainer on parameters of its own."""
    return backend(replace(run, parameters=run.parameters.copy()))


def agree(run, epochs=30, tolerance=1e-9):
    """Run with both backends; return the compiled one's trainer."""
    trainers = [started(backend, run) for backend in BACKENDS]
    found, expected = (trainer.run(1, epochs) for trainer in trainers)
    assert found.epochs == expected.epochs
    assert (found.ending, found.best_epoch) == (expected.ending, expected.best_epoch)
    for name in ("loss", "data_loss", "validation_loss", "rate"):
        pair = [np.asarray(getattr(losses, name)) for losses in (found, expected)]
        assert pair[0].shape == pair[1].shape
        assert np.allclose(*pair, rtol=0, atol=tolerance)
    flats = [trainer.given.parameters.flat for trainer in trainers]
    assert np.abs(flats[0] - flats[1]).max() <= tolerance
    for trainer in trainers:
        trainer.restore_best()
    assert np.abs(flats[0] - flats[1]).max() <= tolerance
    return trainers[0]


NETWORK = cr.Network.dense([3, 7, 2], activation="tanh", penalty=cr.L2(0.01))


# -- orders ----------------------------------------------------------------------------------------


def test_every_order_is_the_same_in_both_backends():
    places = np.random.default_rng(3).permutation(60)
    for order in (Unshuffled(), Seeded(5), Given(places)):
        agree(run_for(NETWORK, order=order))


def test_the_legacy_order_is_scikit_learns_and_leaves_the_random_state_where_numpy_would():
    ends = []
    for backend in BACKENDS:
        random_state = np.random.RandomState(11)
        random_state.normal()  # leaves a second number pending
        trainer = started(backend, run_for(NETWORK, order=Legacy(random_state)))
        trainer.run(1, 4)
        trainer.run(5, 3)
        ends.append((trainer, random_state))
    expected = np.random.RandomState(11)
    expected.normal()
    places = np.arange(60)
    for _ in range(7):
        places = sklearn_shuffle(places, random_state=expected)
    for trainer, random_state in ends:
        assert np.array_equal(trainer.indices, places)
        for found, right in zip(random_state.get_state(), expected.get_state(), strict=True):
            assert np.array_equal(found, right)
    flats = [trainer.given.parameters.flat for trainer, _ in ends]
    assert np.abs(flats[0] - flats[1]).max() <= 1e-12


@pytest.mark.parametrize("samples", [1, 2, 3, 4, 5, 31, 32, 33, 255, 1000, 65537, 100_000])
def test_the_mersenne_twister_shuffles_as_numpy_does(samples):
    network = cr.Network.dense([1, 1], activation="identity")
    random_state, expected = np.random.RandomState(samples), np.random.RandomState(samples)
    run = run_for(network, samples, samples, cr.SGD(1e-3), order=Legacy(random_state))
    trainer = started(CompiledTrainer, run)
    places = np.arange(samples)
    for epoch in range(1, 4):
        trainer.run(epoch, 1)
        expected.shuffle(places)
        assert np.array_equal(trainer.indices, places)
    assert random_state.randint(2**31) == expected.randint(2**31)


def test_a_random_state_over_another_generator_is_refused():
    with pytest.raises(InputError, match="MT19937"):
        Legacy(np.random.RandomState(np.random.PCG64(0)))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("places", [np.arange(59), np.arange(60) + 1, np.arange(60) - 1])
def test_a_given_order_that_reads_elsewhere_is_refused(backend, places):
    with pytest.raises(InputError, match="order"):
        started(backend, run_for(NETWORK, order=Given(places))).run(1, 1)


# -- stopping and learning rates -------------------------------------------------------------------

RULES = {
    "loss": Stopping(patience=2, tolerance=1e-3),
    "loss, best": Stopping(patience=2, tolerance=1e-3, restore_best=True),
    "weighted": Stopping(patience=2, tolerance=1e-3, data_weight=0.25, restore_best=True),
    "validation": Stopping("validation_loss", patience=3, restore_best=True),
    "slower": Stopping(patience=1, tolerance=1e-2, divisor=5.0, smallest_rate=1e-3),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_stopping_is_the_same_in_both_backends(rule):
    run = run_for(NETWORK, stopping=(rule,), order=Seeded(0), held=data_for(NETWORK, 30, seed=9))
    trainer = agree(run, epochs=400)
    assert trainer.losses.ending == "no_better"
    assert 0 < trainer.losses.best_epoch <= trainer.losses.epochs < 400


def test_two_rules_and_a_schedule_together():
    rules = (
        Stopping(patience=12, tolerance=1e-3, restore_best=True),
        Stopping(patience=1, tolerance=1e-2, divisor=2.0),
    )
    run = run_for(NETWORK, stopping=rules, order=Seeded(0), rate=lambda epoch: 0.5 / epoch**0.25)
    trainer = agree(run, epochs=200)
    rates = trainer.losses.rate
    assert len(rates) == trainer.losses.epochs
    halvings = np.log2([0.5 / n**0.25 / rate for n, rate in enumerate(rates, 1)])
    assert np.allclose(halvings, halvings.round())
    assert halvings.max() >= 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_runs_in_pieces_stop_where_the_run_in_one_does(backend):
    rule = replace(RULES["validation"], restore_best=True)
    run = run_for(NETWORK, stopping=(rule,), order=Seeded(0), held=data_for(NETWORK, 30, seed=9))
    whole, pieces = started(backend, run), started(backend, run)
    whole.run(1, 400)
    for epoch in range(1, 401):
        if pieces.run(epoch, 1).ending == "no_better":
            break
    assert pieces.losses == whole.losses
    whole.restore_best()
    pieces.restore_best()
    assert np.array_equal(whole.given.parameters.flat, pieces.given.parameters.flat)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_best_parameters_are_those_after_the_best_epoch(backend):
    run = run_for(NETWORK, stopping=(RULES["validation"],), held=data_for(NETWORK, 30, seed=9))
    trainer = started(backend, run)
    trainer.run(1, 400)
    best = int(np.argmin(trainer.losses.validation_loss)) + 1
    assert (trainer.losses.best_epoch, trainer.losses.best) == (
        best,
        min(trainer.losses.validation_loss),
    )
    assert best < trainer.losses.epochs
    again = started(backend, replace(run, stopping=()))
    again.run(1, best)
    assert trainer.restore_best()
    assert np.array_equal(trainer.given.parameters.flat, again.given.parameters.flat)


# -- scikit-learn's own runs -----------------------------------------------------------------------


def drawn(widths, random_state, activation="tanh"):
    """Draw starting weights as scikit-learn does."""
    network = cr.Network.dense(widths, activation=[activation] * (len(widths) - 2) + ["identity"])
    arrays = {}
    for number, (fan_in, fan_out) in enumerate(pairwise(widths), 1):
        bound = np.sqrt(6.0 / (fan_in + fan_out))
        arrays[f"W_{number}"] = random_state.uniform(-bound, bound, (fan_in, fan_out))
        arrays[f"b_{number}"] = random_state.uniform(-bound, bound, fan_out)
    return dict(zip(network.parameter_names, arrays.values(), strict=True))


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("schedule", ["constant", "adaptive", "invscaling"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_run_ends_in_the_epoch_in_which_scikit_learns_does(solver, schedule, outputs):
    if solver == "adam" and schedule != "constant":
        pytest.skip("scikit-learn's schedules are for sgd")
    random = np.random.default_rng(2)
    X = random.normal(size=(120, 4))
    Y = np.sin(X @ random.normal(size=(4, outputs))) + 0.1 * random.normal(size=(120, outputs))
    batch, alpha, rate, tolerance = 40, 0.01, 0.05, 1e-3
    theirs = MLPRegressor(
        hidden_layer_sizes=(9,), activation="tanh", solver=solver, alpha=alpha, batch_size=batch,
        learning_rate=schedule, learning_rate_init=rate, max_iter=2000, tol=tolerance,
        n_iter_no_change=4, random_state=np.random.RandomState(5),
    ).fit(X, Y if outputs > 1 else Y[:, 0])  # fmt: skip
    assert 5 < theirs.n_iter_ < 2000

    random_state = np.random.RandomState(5)
    start = drawn([4, 9, outputs], random_state)
    network = cr.Network.dense(
        [4, 9, outputs], activation=["tanh", "identity"], loss="half_mse",
        penalty=cr.L2(alpha / batch),
    )  # fmt: skip
    optimizer = cr.SGD(rate, momentum=0.9, nesterov=True) if solver == "sgd" else cr.AdamHat(rate)
    rule = Stopping(
        patience=4, tolerance=tolerance, data_weight=1 / outputs,
        divisor=5.0 if schedule == "adaptive" else 0.0,
    )  # fmt: skip
    inverse = (lambda n: rate / ((n - 1) * 120 + 1) ** 0.5) if schedule == "invscaling" else None
    for backend in BACKENDS:
        parameters = network.initialize(0)
        for name, value in start.items():
            parameters[name][...] = value
        order = np.random.RandomState()
        order.set_state(random_state.get_state())
        run = Run(
            network, optimizer, parameters, {"X": X, network.names.target: Y}, batch, Legacy(order),
            rate=inverse, stopping=(rule,),
        )  # fmt: skip
        losses = backend(run).run(1, 2000)
        assert losses.epochs == theirs.n_iter_
        data = np.array(losses.data_loss)
        watched = data / outputs + (np.array(losses.loss) - data)
        assert np.allclose(watched, theirs.loss_curve_, rtol=1e-9, atol=0)
        assert losses.best == pytest.approx(theirs.best_loss_, rel=1e-9)
        for number, name in enumerate(network.parameter_names[::2]):
            assert np.allclose(parameters[name], theirs.coefs_[number], rtol=0, atol=1e-8)
        if schedule == "adaptive":
            assert losses.rate[-1] == theirs._optimizer.learning_rate


def test_a_classifiers_run_ends_where_scikit_learns_does():
    random = np.random.default_rng(2)
    X = random.normal(size=(100, 4))
    labels = (X @ random.normal(size=(4, 3))).argmax(axis=1)
    theirs = MLPClassifier(
        hidden_layer_sizes=(8,), activation="relu", learning_rate_init=0.02, max_iter=3000,
        tol=1e-3, batch_size=20, n_iter_no_change=3, alpha=0.0,
        random_state=np.random.RandomState(3),
    ).fit(X, labels)  # fmt: skip
    random_state = np.random.RandomState(3)
    start = drawn([4, 8, 3], random_state, "relu")
    network = cr.Network.dense([4, 8, 3], activation=["relu", "softmax"], loss="log_loss")
    parameters = network.initialize(0)
    for name, value in start.items():
        parameters[name][...] = value
    data = {"X": X, network.names.target: np.eye(3)[labels]}
    rule = Stopping(patience=3, tolerance=1e-3)
    run = Run(
        network, cr.AdamHat(0.02), parameters, data, 20, Legacy(random_state), stopping=(rule,)
    )
    losses = CompiledTrainer(run).run(1, 3000)
    assert losses.epochs == theirs.n_iter_
    assert np.allclose(losses.loss, theirs.loss_curve_, rtol=1e-7, atol=0)


# -- states ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("optimizer", [cr.SGD(0.1, momentum=0.9), cr.Adam(0.01), cr.AdamW(0.01)])
def test_a_state_goes_on_exactly(backend, optimizer):
    rule = Stopping("validation_loss", 5, tolerance=0.05, restore_best=True, divisor=2.0)
    settings = {"stopping": (rule,), "held": data_for(NETWORK, 30, seed=9)}
    run = run_for(NETWORK, optimizer=optimizer, order=Legacy(np.random.RandomState(1)), **settings)
    whole = started(backend, run)
    first = whole.run(1, 20)
    state, parameters = whole.state(), run.parameters.copy()
    parameters.flat[...] = whole.given.parameters.flat
    random_state = np.random.RandomState()
    random_state.set_state(run.order.random_state.get_state())
    second = whole.run(21, 40)

    state = pickle.loads(pickle.dumps(state))
    assert set(state.memory) == {symbol.name for symbol in run.plan.memory}
    other = backend(replace(run, parameters=parameters, order=Legacy(random_state)))
    other.restore(state)
    found = other.run(21, 40)
    assert found == second
    assert found.rate[0] < first.rate[0]
    assert other.steps == whole.steps
    for trainer in (whole, other):
        trainer.restore_best()
    assert np.array_equal(parameters.flat, whole.given.parameters.flat)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_state_of_another_run_is_refused_and_one_without_memory_begins_at_zero(backend):
    trainer = started(backend, run_for(NETWORK, optimizer=cr.Adam(0.01)))
    trainer.run(1, 3)
    state = trainer.state()
    other = started(backend, run_for(NETWORK, optimizer=cr.SGD(0.1, momentum=0.9)))
    with pytest.raises(InputError, match="m_W_ih"):
        other.restore(state)
    with pytest.raises(InputError, match=r"`state.counts` must be 0 counts.*, got 1"):
        trainer.restore(replace(state, counts=[Count()]))
    trainer.restore(replace(state, memory={}))
    assert not any(array.any() for array in trainer.state().memory.values())


def test_memory_is_the_same_in_both_backends():
    run = run_for(NETWORK, optimizer=cr.Adam(0.01))
    states = []
    for backend in BACKENDS:
        trainer = started(backend, run)
        trainer.run(1, 5)
        states.append(trainer.state())
    assert states[0].memory.keys() == states[1].memory.keys()
    for name, array in states[0].memory.items():
        assert np.abs(array).max() > 0
        assert np.allclose(array, states[1].memory[name], rtol=1e-9, atol=1e-15)


# -- other ends ------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_that_diverges_leaves_the_last_complete_step_and_its_finished_epochs(backend):
    network = cr.Network.dense([2, 3, 1], activation="identity")
    run = Run(
        network, cr.SGD(0.02), network.initialize(0),
        {"X": np.full((8, 2), 3.0), network.names.target: np.zeros((8, 1))}, 4,
    )  # fmt: skip
    trainer = started(backend, replace(run, rate=lambda epoch: 0.001 if epoch < 3 else 1e6))
    with pytest.raises(Diverged) as caught:
        trainer.run(1, 100)
    assert trainer.losses.epochs == caught.value.epoch - 1 >= 2
    again = started(backend, replace(run, rate=lambda epoch: 0.001 if epoch < 3 else 1e6))
    again.run(1, caught.value.epoch - 1)
    assert np.isfinite(trainer.given.parameters.flat).all()
    if caught.value.batch == 1:
        assert np.array_equal(trainer.given.parameters.flat, again.given.parameters.flat)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_a_listener_raises_comes_out_and_the_books_are_kept(backend):
    def listener(records):
        told.append(records.copy())
        raise RuntimeError("enough")

    told = []
    trainer = started(backend, run_for(NETWORK))
    with pytest.raises(RuntimeError, match="enough"):
        trainer.run(1, 10**5, listener)
    assert len(told) == 1
    epochs = len(told[0])
    assert epochs <= trainer.losses.epochs <= epochs + 1
    assert trainer.losses.loss[:epochs] == told[0][:, 0].tolist()
    again = started(backend, run_for(NETWORK))
    again.run(1, trainer.losses.epochs)
    assert again.losses.loss == trainer.losses.loss


# -- weights of held-out data, and criteria -------------------------------------------------------


@pytest.mark.parametrize("rows", [7, 2500])  # one piece, and several
def test_held_out_losses_are_weighted(rows):
    held = data_for(NETWORK, rows, seed=3)
    weights = np.random.default_rng(4).uniform(0, 2, rows)
    weights[: rows // 3] = 0.0
    trainer = agree(run_for(NETWORK, held={**held, "w": weights}), epochs=3)
    outputs = cr.predict(NETWORK, trainer.given.parameters, held["X"])
    losses = ((outputs - held[NETWORK.names.target]) ** 2).mean(axis=1)
    assert trainer.losses.validation_loss[-1] == pytest.approx(np.average(losses, weights=weights))


def test_a_piece_without_weight_does_not_count():
    held = data_for(NETWORK, 3000, seed=3)
    weights = np.ones(3000)
    weights[1000:2100] = 0.0  # the whole second piece
    losses = agree(run_for(NETWORK, held={**held, "w": weights}), epochs=2).losses
    assert np.isfinite(losses.validation_loss).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_criterion_stops_and_restores_its_best_epoch(backend):
    run = run_for(NETWORK)
    values = iter([3.0, 1.0, 2.0, 2.5, 4.0, 5.0])
    flats = []

    def value():
        flats.append(trainer.given.parameters.flat.copy())
        return next(values)

    rule = Stopping(patience=1, restore_best=True)
    trainer = started(backend, replace(run, criterion=Criterion(rule, value)))
    losses = trainer.run(1, 10)
    assert (losses.epochs, losses.ending, losses.best_epoch, losses.best) == (4, "no_better", 2, 1)
    assert trainer.losses.criterion == [3.0, 1.0, 2.0, 2.5]
    assert trainer.restore_best()
    assert np.array_equal(trainer.given.parameters.flat, flats[1])


def test_epochs_with_a_criterion_are_those_without():
    run = run_for(NETWORK, held=data_for(NETWORK, 9, seed=2), rate=lambda epoch: 0.5 / epoch)
    plain = started(CompiledTrainer, run)
    judged = started(CompiledTrainer, replace(run, criterion=Criterion(Stopping(), lambda: 0.0)))
    plain.run(1, 8)
    judged.run(1, 8)
    assert judged.losses.loss == plain.losses.loss
    assert judged.losses.validation_loss == plain.losses.validation_loss
    assert judged.losses.rate == plain.losses.rate
    assert np.array_equal(judged.given.parameters.flat, plain.given.parameters.flat)


def test_early_stopping_monitors_a_function():
    X = np.random.default_rng(0).normal(size=(80, 3))
    Y = (X[:, :1] > 0).astype(float)
    seen = []

    def errors(targets, outputs, weights):
        seen.append((targets.shape, outputs.shape, weights.tolist()))
        return np.mean((outputs > 0.5) != targets)

    network = cr.Network.dense([3, 5, 1], loss="log_loss")
    result = cr.train(
        network, X[:60], Y[:60], validation=(X[60:], Y[60:], np.ones(20)), epochs=12,
        early_stopping=cr.EarlyStopping(patience=20, monitor=errors),
    )  # fmt: skip
    assert seen[0] == ((20, 1), (20, 1), [1.0] * 20)
    assert len(result.history["monitored"]) == 12
    assert result.best_epoch == 1 + int(np.argmin(result.history["monitored"]))
    found = np.mean((result.predict(X[60:]) > 0.5) != Y[60:])
    assert found == min(result.history["monitored"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "`monitor` must be 'loss' without validation data, got a function"),
        ({"validation": ([[1.0]], [1.0])}, "must be a function that returns a number, got 'x'"),
        ({"validation": ([[1.0]], [1.0], [-1])}, "`validation weights` must be numbers of at"),
        ({"validation": ([[1.0]], [1.0], [1], 2)}, "`validation` must be a pair"),
    ],
)
def test_monitors_that_cannot_work_are_errors(settings, message):
    stopping = cr.EarlyStopping(monitor=lambda targets, outputs, weights: "x")
    with pytest.raises((InputError, InputTypeError), match=message):
        cr.train(
            cr.Network.dense([1, 1], "identity"), [[1.0]], [1.0], early_stopping=stopping,
            **settings,
        )  # fmt: skip
