"""``verbose=``: a line for each epoch, or for every n-th, the last always; each epoch once."""

import io
import re
import sys
import time
import types

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


@pytest.mark.parametrize(
    ("verbose", "error", "allowed"),
    [
        (-1, InputError, "an integer"),
        ("yes", InputTypeError, "True, False, a number of epochs or 'bar'"),
        (0.5, InputTypeError, "True, False"),
    ],
)
def test_anything_else_is_an_error(verbose, error, allowed):
    with pytest.raises(error, match=f"`verbose` must be {allowed}"):
        cr.train(NETWORK, X, Y, verbose=verbose)


BAR = re.compile(
    r"(\d+) of 9 ([█·]{16}) ([▁-█]+) loss \S+, held-out loss \S+, best (\S+) in epoch 9"
)


def test_a_bar_without_a_terminal_is_its_last_line(capsys):
    result = cr.train(NETWORK, X, Y, epochs=9, verbose="bar", validation=(X, Y))
    (line,) = capsys.readouterr().out.splitlines()
    found = BAR.fullmatch(line)
    assert found is not None, line
    assert found[1] == "9"
    assert found[2] == "█" * 16
    assert len(found[3]) == 9
    assert found[4] == f"{min(result.history['validation_loss']):.4g}"


def test_a_bar_on_a_terminal_is_one_line_that_is_replaced(monkeypatch):
    class Terminal(io.StringIO):
        encoding = "ascii"

        def isatty(self):
            return True

    written = Terminal()
    monkeypatch.setattr(sys, "stdout", written)
    monkeypatch.setenv("COLUMNS", "50")
    cr.train(NETWORK, X, Y, epochs=40, verbose="bar", on_epoch=lambda epoch: time.sleep(0.01))
    text = written.getvalue()
    states = text.removesuffix("\n").split("\r")[1:]
    assert text.count("\n") == 1
    assert len(states) >= 2
    assert states[-1].startswith(f"40 of 40 {'#' * 16}")
    assert all(len(state) <= 49 and state.isascii() for state in states)


def test_a_bar_in_a_notebook_is_one_display_that_is_replaced(monkeypatch, capsys):
    shown = []

    class Handle:
        def update(self, value):
            shown.append(("update", repr(value)))

    def display(value, *, display_id):
        assert display_id is True
        shown.append(("display", repr(value)))
        return Handle()

    ipython, displays = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    displays.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", displays)
    cr.train(NETWORK, X, Y, epochs=20, verbose="bar", on_epoch=lambda epoch: time.sleep(0.01))
    assert [kind for kind, _ in shown] == ["display"] + ["update"] * (len(shown) - 1)
    assert len(shown) >= 2
    assert shown[-1][1].startswith("20 of 20 ")
    assert capsys.readouterr().out == ""
