"""Numbers beyond what a machine can count or store are refused by name, never a Python error."""

import numpy as np
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.command_line.main import command
from chainrule.errors import InputError
from chainrule.validation import MOST_COUNT

X, Y = np.zeros((4, 2)), np.zeros((4, 1))
HUGE = 10**400


@pytest.mark.parametrize(
    "count", [10**30, 2**63 - 1, 2**63, MOST_COUNT + 1, 10**5000], ids=range(5)
)
def test_counts(count):
    for use in (
        lambda: cr.train(cr.Network.dense([2, 1]), X, Y, epochs=count),
        lambda: cr.train(cr.Network.dense([2, 1]), X, Y, epochs=1, batch_size=count),
        lambda: cr.Dense(count),
        lambda: cr.EarlyStopping(patience=count),
        lambda: cr.StepDecay(every=count),
    ):
        with pytest.raises(InputError, match=f"must be an integer from . to {MOST_COUNT}, got"):
            use()


def test_numbers_larger_than_every_float():
    for use in (
        lambda: cr.SGD(HUGE),
        lambda: cr.SGD(momentum=-HUGE),
        lambda: cr.L2(HUGE),
        lambda: cr.Dropout(HUGE),
        lambda: cr.train(cr.Network.dense([2, 1]), X, Y, epochs=1, schedule=lambda _: HUGE),
    ):
        with pytest.raises(InputError, match="must"):
            use()


@pytest.mark.parametrize("option", ["--epochs", "--batch-size", "--folds", "--patience"])
def test_counts_of_the_command_line(option, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("x,y\n" + "".join(f"{row}.5,{row}.25\n" for row in range(40)))
    output = str(tmp_path / "run")
    for count in ("99999999999999999999", "9" * 5000):
        arguments = ["train", str(table), "--target", "y", "--output", output, option, count]
        result = CliRunner().invoke(command, arguments)
        assert result.exit_code == 2, result.output
        (line,) = result.stderr.splitlines()
        assert line.startswith("chainrule: error: ")
        assert len(line) < 1100
