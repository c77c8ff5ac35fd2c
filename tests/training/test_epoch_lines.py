"""``verbose=``: a line for each epoch, or for every n-th, the last always; each epoch once."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError, InputTypeError, NonFiniteLoss

X = np.random.default_rng(0).normal(size=(20, 2))
Y = X[:, 0] * X[:, 1]
NETWORK = cr.Network.dense([2, 3, 1])
LINE = re.compile(r"Epoch (\d+) of (\d+), loss = (\S+?)(?:, held-out loss = (\S+))?")


def printed(capsys, **settings):
    result = cr.train(NETWORK, X, Y, **settings)
    matches = [LINE.fullmatch(line) for line in capsys.readouterr().out.splitlines()]
    assert all(matches)
    return result, [match.groups() for match in matches if match]


def test_nothing_is_printed_by_default(capsys):
    assert printed(capsys, epochs=3)[1] == []
    assert printed(capsys, epochs=3, verbose=0)[1] == []


def test_every_epoch_has_one_line_with_its_losses(capsys):
    result, lines = printed(capsys, epochs=30, verbose=True, validation=(X, Y))
    assert [int(line[0]) for line in lines] == list(range(1, 31))
    assert {line[1] for line in lines} == {"30"}
    assert [float(line[2]) for line in lines] == pytest.approx(result.history["loss"], abs=1e-8)
    held = [float(line[3]) for line in lines]
    assert held == pytest.approx(result.history["validation_loss"], abs=1e-8)


@pytest.mark.parametrize(
    ("epochs", "every", "expected"), [(7, 3, [3, 6, 7]), (6, 3, [3, 6]), (2, 5, [2])]
)
def test_every_nth_epoch_and_the_last(capsys, epochs, every, expected):
    _, lines = printed(capsys, epochs=epochs, verbose=every)
    assert [int(line[0]) for line in lines] == expected


def test_the_last_is_that_of_a_run_that_stops_early(capsys):
    result, lines = printed(capsys, epochs=500, verbose=100, early_stopping=True, validation=(X, Y))
    assert result.stopped_early
    assert int(lines[-1][0]) == len(result.history["loss"])


def test_listeners_are_called_as_without_it(capsys):
    seen, epochs = [], []
    _, lines = printed(
        capsys,
        epochs=4,
        verbose=True,
        on_progress=lambda progress: seen.append(progress.done),
        on_epoch=lambda epoch: epochs.append(epoch.number) or epoch.number == 3,
    )
    assert epochs == [1, 2, 3]
    assert seen[-1] == 3
    assert len(lines) == 3


def test_a_resumed_run_prints_its_own_epochs(capsys, tmp_path):
    printed(capsys, epochs=3, checkpoint=tmp_path, on_epoch=lambda epoch: epoch.number == 2)
    _, lines = printed(capsys, epochs=3, checkpoint=tmp_path, resume=True, verbose=True)
    assert [int(line[0]) for line in lines] == [3]


def test_a_run_that_diverges_prints_what_it_has(capsys):
    network = cr.Network.dense([2, 1], activation="identity")
    with pytest.raises(NonFiniteLoss) as caught:
        cr.train(network, 1e3 * X, Y, optimizer=cr.SGD(10.0), epochs=200, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(caught.value.result.history["loss"])


@pytest.mark.parametrize(("verbose", "error"), [(-1, InputError), ("yes", InputTypeError)])
def test_anything_else_is_an_error(verbose, error):
    with pytest.raises(error, match="`verbose` must be an integer"):
        cr.train(NETWORK, X, Y, verbose=verbose)
