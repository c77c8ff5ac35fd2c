"""Many networks at once: each as it is alone, folds, averages, and how a run ends."""

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

import chainrule as cr
from chainrule.data.splits import fold_numbers
from chainrule.errors import InputError, InputTypeError, NonFiniteLoss
from chainrule.kernels.bounded_cache import BoundedCache

GENERATOR = np.random.default_rng(5)
X = GENERATOR.normal(size=(60, 3))
Y = np.sin(X).sum(axis=1) + GENERATOR.normal(0.0, 0.1, 60)
NETWORK = cr.Network.dense([3, 5, 1], "tanh")


def same(one: Any, other: Any) -> None:
    np.testing.assert_array_equal(one.parameters.flat, other.parameters.flat)
    assert one.history == other.history
    assert one.best_epoch == other.best_epoch


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("backend", ["reference", "compiled"])
def test_members_have_the_bits_of_runs_of_their_own(threads: int, dtype: Any, backend: Any) -> None:
    pairs = list(KFold(4, shuffle=True, random_state=0).split(X))
    options: dict[str, Any] = {
        "epochs": 6,
        "optimizer": "adam",
        "batch_size": 7,
        "early_stopping": cr.EarlyStopping(patience=2),
        "schedule": cr.CosineDecay(),
        "backend": backend,
    }
    weights = GENERATOR.uniform(0.5, 2.0, 60)
    ensemble = cr.train_many(
        NETWORK,
        X,
        Y,
        folds=pairs,
        seed=3,
        dtype=dtype,
        sample_weight=weights,
        threads=threads,
        **options,
    )
    assert len(ensemble) == 4
    for number, (rows, held) in enumerate(pairs):
        alone = cr.train(
            NETWORK,
            X[rows],
            Y[rows],
            parameters=NETWORK.initialize(3 + number, dtype=dtype),
            seed=3 + number,
            sample_weight=weights[rows],
            validation=(X[held], Y[held], weights[held]),
            **options,
        )
        same(ensemble.members[number], alone)
        assert ensemble.members[number].parameters.flat.dtype == dtype
        np.testing.assert_array_equal(ensemble.out_of_fold[held], alone.predict(X[held]))


def test_members_without_folds_take_all_rows() -> None:
    ensemble = cr.train_many(NETWORK, X, Y, members=3, epochs=3, seed=7)
    for number, member in enumerate(ensemble.members):
        same(member, cr.train(NETWORK, X, Y, epochs=3, seed=7 + number))
    assert ensemble.out_of_fold is None
    assert [len(rows) for rows in ensemble.held_rows] == [0, 0, 0]
    assert len(cr.train_many(NETWORK, X, Y, epochs=1)) == 8


def test_predictions_are_the_mean_and_spread_of_the_members() -> None:
    ensemble = cr.train_many(NETWORK, X, Y, members=5, epochs=2)
    each = np.stack([member.predict(X) for member in ensemble.members])
    np.testing.assert_array_equal(ensemble.predict_each(X), each)
    np.testing.assert_allclose(ensemble.predict(X), sum(each) / 5, rtol=1e-12)
    by_hand = np.sqrt(sum((outputs - sum(each) / 5) ** 2 for outputs in each) / 5)
    np.testing.assert_allclose(ensemble.spread(X), by_hand, rtol=1e-10)


def test_several_inputs_and_heads() -> None:
    numbers, color = cr.Input(3, name="numbers"), cr.Categories(4, name="color")
    trunk = cr.Dropout(0.2)(cr.Dense(6, "tanh")(numbers, cr.Embedding(2)(color)))
    network = cr.Network(
        [numbers, color], [cr.Dense(1)(trunk), cr.Dense(2, "softmax")(trunk)], ["mse", "log_loss"]
    )
    codes, classes = GENERATOR.integers(4, size=60), np.eye(2)[GENERATOR.integers(2, size=60)]
    data = {"numbers": X, "color": codes}
    ensemble = cr.train_many(network, data, [Y, classes], folds=3, epochs=2, threads=2)
    rows = np.setdiff1d(np.arange(60), ensemble.held_rows[1])
    part = {"numbers": X[rows], "color": codes[rows]}
    held = ensemble.held_rows[1]
    checked = ({"numbers": X[held], "color": codes[held]}, [Y[held], classes[held]])
    alone = cr.train(network, part, [Y[rows], classes[rows]], epochs=2, seed=1, validation=checked)
    same(ensemble.members[1], alone)
    value, probabilities = ensemble.predict(data)
    assert value.shape == (60, 1)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-12)
    assert [part.shape for part in ensemble.out_of_fold] == [(60, 1), (60, 2)]
    assert not any(np.isnan(part).any() for part in ensemble.out_of_fold)


def test_folds_by_number_are_divisions_of_the_rows() -> None:
    ensemble = cr.train_many(NETWORK, X, Y, folds=7, members=14, epochs=1)
    first, second = ensemble.held_rows[:7], ensemble.held_rows[7:]
    for division in (first, second):
        np.testing.assert_array_equal(np.sort(np.concatenate(division)), np.arange(60))
        assert {len(rows) for rows in division} == {8, 9}
    assert not np.array_equal(first[0], second[0])
    by_hand = np.zeros((60, 1))
    for member, rows in zip(ensemble.members, ensemble.held_rows, strict=True):
        by_hand[rows] += member.predict(X[rows]) / 2
    np.testing.assert_allclose(ensemble.out_of_fold, by_hand, rtol=1e-12)


def test_folds_of_scikit_learn() -> None:
    classes = np.repeat([0, 1, 2], 20)
    for pairs in (
        StratifiedKFold(4).split(X, classes),
        GroupKFold(3).split(X, groups=classes),  # a generator is read once
    ):
        assert len(cr.train_many(NETWORK, X, Y, folds=pairs, epochs=1)) in (3, 4)


def test_rows_that_every_member_saw_have_no_prediction() -> None:
    pairs = [(np.arange(40), np.arange(40, 50)), (np.arange(40), np.arange(45, 60))]
    ensemble = cr.train_many(NETWORK, X, Y, folds=pairs, epochs=1)
    missing = np.isnan(ensemble.out_of_fold[:, 0])
    np.testing.assert_array_equal(np.flatnonzero(missing), np.arange(40))


@pytest.mark.parametrize("parts", [2, 3, 10])
def test_folds_are_balanced_in_each_class(parts: int) -> None:
    classes = GENERATOR.choice(["a", "b", "c"], p=[0.7, 0.2, 0.1], size=203)
    numbers = fold_numbers(203, parts, 1, classes)
    for label in ("a", "b", "c", None):
        chosen = numbers if label is None else numbers[classes == label]
        counts = np.bincount(chosen, minlength=parts)
        assert counts.max() - counts.min() <= 1
    assert not np.array_equal(numbers, fold_numbers(203, parts, 1, classes, division=1))


REFUSED: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "folds": (
        lambda: cr.train_many(NETWORK, X, Y, folds=61),
        InputError,
        "`folds` must be an integer from 2 to 60, got 61",
    ),
    "one": (
        lambda: cr.train_many(NETWORK, X, Y, folds=1),
        InputError,
        "`folds` must be an integer from 2 to 60, got 1",
    ),
    "kind": (
        lambda: cr.train_many(NETWORK, X, Y, folds=[3, 4]),  # type: ignore[list-item]
        InputTypeError,
        "`folds` must be a number or pairs (rows to train on, rows held out), got [3, 4]",
    ),
    "mask": (
        lambda: cr.train_many(NETWORK, X, Y, folds=[(np.ones(60, bool), [1])]),
        InputTypeError,
        "`folds` must have one-dimensional arrays of row numbers, got bool of shape (60,) in "
        "fold 0",
    ),
    "range": (
        lambda: cr.train_many(NETWORK, X, Y, folds=[([0, 1], [2]), ([0, 60], [1])]),
        InputError,
        "`folds` must have row numbers from 0 to 59, got 60 in fold 1",
    ),
    "both": (
        lambda: cr.train_many(NETWORK, X, Y, folds=[([0, 1], [1, 2])]),
        InputError,
        "`folds` must not train on rows that are held out, got row 1 in both parts of fold 0",
    ),
    "none": (
        lambda: cr.train_many(NETWORK, X, Y, folds=[]),
        InputError,
        "`folds` must be a number or at least one pair, got []",
    ),
    "members": (
        lambda: cr.train_many(NETWORK, X, Y, members=0),
        InputError,
        "`members` must be an integer of at least 1, got 0",
    ),
    "optimizer": (
        lambda: cr.train_many(NETWORK, X, Y, optimizer="adm"),
        InputError,
        "unknown optimizer 'adm'. Did you mean 'adam'?",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    make, kind, message = REFUSED[name]
    with pytest.raises(kind) as caught:
        make()
    assert str(caught.value).startswith(message)


def test_a_run_that_diverges_names_its_member() -> None:
    targets = Y.copy()
    targets[50:] = 1e200
    with pytest.raises(NonFiniteLoss) as caught:
        cr.train_many(
            NETWORK,
            X,
            targets,
            folds=[(np.arange(40), np.arange(40, 45)), (np.arange(50, 60), np.arange(5))],
            optimizer=cr.SGD(1e9),
            epochs=200,
            seed=4,
        )
    assert any(note.startswith("in member ") for note in caught.value.__notes__)


def test_progress_of_each_member_and_an_end_by_it() -> None:
    seen: list[list[int]] = []

    def listen(members: Any) -> bool:
        seen.append([0 if member is None else member.done for member in members])
        return False

    cr.train_many(NETWORK, X, Y, members=3, epochs=4, on_progress=listen)
    assert seen[-1] == [4, 4, 4]

    def end(members: Any) -> bool:
        return sum(member is not None and member.done > 3 for member in members) == 2

    ensemble = cr.train_many(NETWORK, X, Y, members=5, epochs=1_000_000, threads=2, on_progress=end)
    assert 2 <= len(ensemble) <= 3
    assert all(3 < len(member.history["loss"]) < 1_000_000 for member in ensemble.members)


def test_threads_make_a_value_once() -> None:
    made: list[int] = []
    cache: BoundedCache[str] = BoundedCache(3)

    def slow(key: int) -> str:
        made.append(key)
        time.sleep(0.002)  # the other threads come
        return str(key)

    keys = [number // 8 for number in range(160)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda key: cache.get(key, lambda: slow(key)), keys))
    assert found == list(map(str, keys))
    assert len(made) < 80  # not 160, of 20 keys; one that was displaced is made again
    assert len(cache) <= 3


def test_an_interrupt_ends_all_runs_and_keeps_what_they_learned() -> None:
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    begun = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        cr.train_many(NETWORK, X, Y, members=6, epochs=1_000_000, threads=2)
    assert time.monotonic() - begun < 5.0
    ensemble = caught.value.result  # type: ignore[attr-defined]
    assert 1 <= len(ensemble) <= 2
    assert len(ensemble.members[0].history["loss"]) > 1
    assert np.isfinite(ensemble.predict(X)).all()
    assert threading.active_count() < 10
