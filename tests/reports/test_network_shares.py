"""Models that are a mean of several kinds of networks are described by the largest share."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.command_line.main import command
from chainrule.language.phrase_books import phrases_of
from chainrule.reports.comparison import comparison_of
from chainrule.reports.make_report import report_of, report_on
from chainrule.reports.network_shares import layer_settings, network_shares
from chainrule.reports.settings import largest_settings, settings_of
from chainrule.reports.subject import Subject
from chainrule.table_models.candidates import Trial
from chainrule.table_models.leaderboard import leaderboard_csv
from chainrule.table_models.recipes import Candidate
from chainrule.table_models.run_folders import write_run

TABLE = pl.DataFrame(
    {
        "x": np.linspace(0.0, 1.0, 60),
        "y": ["low"] * 20 + ["middle"] * 20 + ["high"] * 20,
    }
)


@pytest.fixture(scope="module")
def mixed():
    """A tenth is of two networks of 3 units, tried first; nine tenths are of one of 7 and 5."""
    small, large = (
        cr.train_table(TABLE, "y", hidden=hidden, dropout=dropout, activation=name, epochs=2)
        for hidden, dropout, name in (((3,), 0.0, "relu"), ((7, 5), 0.25, "tanh"))
    )
    (first,), (second,) = small.model.members, large.model.members
    members = (
        replace(first, weight=0.05),
        replace(first, weight=0.05),
        replace(second, weight=0.9),
    )
    optimizer = cr.AdamW(0.011, weight_decay=0.7)
    trials = (
        Trial(Candidate((7, 5), optimizer=optimizer, batch_size=16), 0.2, 0.9, 1.0),
        Trial(Candidate((3,)), 0.3, 0.1, 1.0),
    )
    return replace(small, model=replace(small.model, members=members), trials=trials)


def test_shares_are_those_of_members_of_equal_layers(mixed):
    large, small = network_shares(mixed.model)
    assert (large.count, large.share) == (1, 0.9)
    assert (small.count, small.share) == (2, pytest.approx(0.1))
    assert large.network is mixed.model.members[2].network


def test_layers_tell_the_settings_that_they_were_made_by():
    for settings in (
        {"hidden": [6, 4], "encoding": "both", "dropout": 0.2, "activation": ["silu"]},
        {"hidden": [5], "encoding": "periodic", "dropout": 0.0, "activation": ["relu"]},
        {"hidden": [5, 5], "encoding": "piecewise", "dropout": 0.0, "activation": ["relu", "tanh"]},
    ):
        names = settings["activation"]
        given = {**settings, "activation": names[0] if len(names) == 1 else names}
        run = cr.train_table(TABLE, "y", epochs=1, folds=1, validation=0, **given)
        assert layer_settings(run.model.network) == settings


def test_a_report_draws_and_lists_the_largest(mixed):
    page = report_of(mixed).html
    assert "Dense(7, tanh)" in page
    assert "Dense(3, relu)" not in page
    for text in ("90.0 %", "10.0 %", "7, 5 tanh", "3 relu"):
        assert f"<td>{text}</td>" in page or f'<td class="number">{text}</td>' in page
    assert "<td>learning_rate" not in page
    assert "adamw, learning_rate 0.011, weight_decay 0.7" in page
    start = phrases_of("report", "en")["curves_of"].format(hidden="3", share="10.0 %")
    assert start in page


def test_settings_are_those_of_the_largest_or_unknown(mixed):
    settings = largest_settings(Subject.of_run(mixed))
    assert settings["hidden"] == [7, 5]
    assert settings["batch_size"] == 16
    assert settings["dropout"] == 0.25
    alone = largest_settings(replace(Subject.of_run(mixed), leaders=()))
    assert "optimizer" not in alone
    assert settings_of(alone)["hidden"] == "7, 5"
    one = replace(mixed, model=replace(mixed.model, members=mixed.model.members[:1]))
    assert largest_settings(replace(Subject.of_run(one), leaders=()))["hidden"] == [3]


def test_folders_are_described_by_the_largest_too(mixed, tmp_path):
    folder = tmp_path / "run"
    board = leaderboard_csv(mixed.trials, mixed.task.objective)
    write_run(folder, mixed.model, mixed.history, board)
    subject = Subject.of_folder(str(folder))
    assert settings_of(largest_settings(subject))["optimizer"] == (
        "adamw, learning_rate 0.011, weight_decay 0.7"
    )
    assert "Dense(7, tanh)" in report_on(subject).html
    page = comparison_of([str(folder), str(folder)]).html
    size = mixed.model.members[2].network.size
    assert f"<td>{size}</td>" in page
    assert "<td>90.0 %</td>" in page
    output = CliRunner().invoke(command, ["info", str(folder)]).stdout
    assert (
        "mean of     90.0 %: 1 × 7-5 tanh, encoding none, dropout 0.25; 10.0 %: 2 × 3 relu"
        in output
    )
    assert f"{size} parameters" in output
    assert "hidden 3" not in output
    (folder / "leaderboard.csv").write_text("rank,share\n1,much\n")
    assert "optimizer" not in largest_settings(Subject.of_folder(str(folder)))
    assert Path(folder, "leaderboard.csv").read_text().startswith("rank")


def test_a_loss_is_not_taken_for_the_score():
    """Labels are smoothed: the curve has another loss than the table."""
    run = cr.train_table(TABLE, "y", hidden=(3,), smoothing=0.1, epochs=2)
    assert run.model.training["smoothing"] > 0.0
    texts = phrases_of("report", "en")
    assert texts["curves_loss"].replace("'", "&#x27;") in report_of(run).html
    numbers = cr.train_table(TABLE.with_columns(y=pl.col("x")), "y", hidden=(3,), epochs=2)
    page = report_of(numbers).html
    assert "calibrated" not in page
