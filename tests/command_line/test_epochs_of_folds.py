"""The lines of a training in folds: means over the folds that have finished the epoch."""

from __future__ import annotations

import pytest

from chainrule.command_line.training_report import TrainingReport
from chainrule.table_models.candidates import Run
from chainrule.training.results import Progress


def progress(*held: float) -> Progress:
    losses = [value / 2 for value in held]
    return Progress(
        len(held), 5, {"loss": losses, "data_loss": losses, "validation_loss": list(held)}
    )


FIRST, SECOND = progress(9.0, 5.0, 3.0, 4.0, 4.0), progress(7.0, 5.0, 1.0, 2.0, 3.0)


def lines_of(language: str, capsys: pytest.CaptureFixture[str], *members: Progress | None):
    TrainingReport(language, quiet=False, as_json=False).progress(Run(0, 1, list(members)))
    return capsys.readouterr().out.splitlines()


def test_the_means_are_over_the_folds_that_have_finished_the_epoch(capsys):
    lines = lines_of("en", capsys, FIRST, SECOND, progress(20.0, 10.0), None)
    assert lines == [
        "epoch     1 of 5: loss 6, held-out loss 12, best 12 (3 of 4 folds)",
        "epoch     2 of 5: loss 3.333, held-out loss 6.667, best 6.667 (3 of 4 folds)",
        "epoch     3 of 5: loss 1, held-out loss 2, best 2 (2 of 4 folds)",
    ]


def test_the_best_is_the_lowest_mean_and_all_folds_are_not_counted(capsys):
    last = lines_of("zh", capsys, FIRST, SECOND)[-1]
    assert last == "轮次      5 / 5：损失 1.75，验证损失 3.5，最低 2"
