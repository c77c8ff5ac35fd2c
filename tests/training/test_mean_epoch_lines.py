"""``verbose=`` of `train_many` and `train_table`: the mean losses of the networks in training."""

import re
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputTypeError

X = np.random.default_rng(0).normal(size=(40, 2))
Y = X[:, 0] * X[:, 1]
NETWORK = cr.Network.dense([2, 3, 1])
IRIS = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"
LINE = re.compile(r"Epoch (\d+) of (\d+), loss = (\S+?)(?:, held-out loss = (\S+))?")


def matched(lines):
    found = [LINE.fullmatch(line) for line in lines]
    assert all(found), lines
    return [match.groups() for match in found if match]


@pytest.mark.parametrize("threads", [1, 3])
def test_lines_have_the_mean_of_the_members(capsys, threads):
    ensemble = cr.train_many(NETWORK, X, Y, folds=3, epochs=6, threads=threads, verbose=True)
    lines = matched(capsys.readouterr().out.splitlines())
    assert [int(line[0]) for line in lines] == [1, 2, 3, 4, 5, 6]
    assert {line[1] for line in lines} == {"6"}
    for column, name in ((2, "loss"), (3, "validation_loss")):
        last = np.mean([member.history[name][-1] for member in ensemble.members])
        assert float(lines[-1][column]) == pytest.approx(last, abs=1e-8)


def test_members_without_folds_have_no_held_out_loss(capsys):
    cr.train_many(NETWORK, X, Y, members=2, epochs=5, verbose=2)
    lines = matched(capsys.readouterr().out.splitlines())
    assert [int(line[0]) for line in lines] == [2, 4, 5]
    assert {line[3] for line in lines} == {None}


def test_as_many_epochs_are_shown_as_the_members_have_finished_in_the_mean(monkeypatch):
    """With one thread the first member has finished before the second begins."""
    shown, finished = [], []
    monkeypatch.setattr(
        "chainrule.training.epoch_lines.EpochLines.show",
        lambda lines, history, of, *, ended=False: shown.append(len(history.get("loss", ()))),
    )
    cr.train_many(
        *(NETWORK, np.tile(X, (500, 1)), np.tile(Y, 500)),
        **{"members": 2, "epochs": 200, "threads": 1, "batch_size": 4, "verbose": True},
        on_progress=lambda members: finished.append([member.done for member in members if member]),
    )
    assert shown == sorted(shown)
    assert shown[-1] == 200
    assert [200] in [done[:1] for done in finished if sum(done) < 400]
    # What is finished may have grown between the two calls, never shrunk.
    assert all(
        length <= max(1, sum(done) // 2) for length, done in zip(shown, finished, strict=False)
    )


def test_nothing_is_printed_by_default(capsys):
    cr.train_many(NETWORK, X, Y, members=2, epochs=3)
    cr.train_table(IRIS, "species", hidden=(4,), epochs=2)
    assert capsys.readouterr().out == ""


def test_a_table_has_lines_too(capsys):
    run = cr.train_table(IRIS, "species", hidden=(4,), epochs=4, verbose=True)
    lines = matched(capsys.readouterr().out.splitlines())
    assert [float(line[2]) for line in lines] == pytest.approx(run.history["loss"], abs=1e-8)
    held = [float(line[3]) for line in lines]
    assert held == pytest.approx(run.history["validation_loss"], abs=1e-8)


def test_several_networks_of_a_table_are_numbered(capsys):
    cr.train_table(IRIS, "species", preset="fast", trials=2, folds=2, epochs=2, verbose="bar")
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("Network")] == [
        "Network 1 of 2",
        "Network 2 of 2",
    ]
    assert len(lines) == 4
    assert all(line.startswith("2 of 2 ") for line in lines[1::2])


def test_anything_else_is_an_error_before_the_table_is_read():
    for train in (
        lambda: cr.train_many(NETWORK, X, Y, verbose="yes"),
        lambda: cr.train_table("no such file", "y", verbose="yes"),
    ):
        with pytest.raises(InputTypeError, match="`verbose` must be True, False"):
            train()
