"""What a prompt shows of the objects that people get back: one short line, whatever they hold."""

import dataclasses
from html.parser import HTMLParser
from pathlib import Path

import polars
import pytest

import chainrule as cr
from chainrule.errors import InputError
from chainrule.training.metrics import ClassScore


def test_what_is_evaluated_at_a_prompt_is_one_line() -> None:
    network = cr.Network.dense([4, 16, 3], "relu", "log_loss")
    derivation = cr.derive(network)
    parameters = network.initialize(seed=0)
    X, Y = [[0.1, 0.2, 0.3, 0.4]], [[1.0, 0.0, 0.0]]
    result = cr.train(network, X, Y, epochs=300)
    told = "4-16-3, relu then softmax, log_loss, 131 parameters"
    assert repr(derivation) == f"<Derivation {told}; batch, samples in rows>"
    assert repr(cr.derive(network, layout="columns", batch=False)) == (
        f"<Derivation {told}; one sample, samples in columns>"
    )
    assert repr(result) == f"<Result {told}; 300 epochs, loss {result.history['loss'][-1]:.4g}>"
    assert repr(cr.verify(network)).startswith(f"<Verification {told}; ")
    assert repr(cr.verify(network)).endswith(" checks, all passed>")
    plan = derivation.plan()
    count = len(plan.operations.operations)
    assert repr(plan) == f"<StepPlan of {count} operations>"
    assert repr(plan.operations) == f"<Plan of {count} operations>"
    assert repr(cr.explain(network, parameters, X, Y)) == f"<Explanation {told}; 1 sample>"


def test_a_failed_check_is_counted() -> None:
    verified = cr.verify(cr.Network.dense([2, 1]))
    broken = type(verified)(verified.title, tuple(verified.checks)[:3])
    object.__setattr__(broken.checks[0], "error", 1.0)
    assert repr(broken).endswith("; 3 checks, 1 failed>")


def test_bytes_are_counted_for_the_two_number_types() -> None:
    plan = cr.derive(cr.Network.dense([2, 1])).plan()
    assert plan.to_text(dtype="float64") != plan.to_text(dtype="float32")
    with pytest.raises(InputError, match=r"unknown dtype 'float16'.*float32"):
        plan.to_text(dtype="float16")


IRIS = Path(__file__).parents[1] / "examples" / "iris.csv"
HOSTILE = "<script>alert('x')</script>"


class Cells(HTMLParser):
    """The tags of a display, and the texts of the cells of its tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in ("td", "th", "tr"):
            self.inside = tag != "tr"
            self.cells += [""] * self.inside

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.cells[-1] += data

    def value(self, name: str) -> str:
        """Return the cell after the one with a name."""
        return self.cells[self.cells.index(name) + 1]


def test_a_table_run_and_its_model_are_one_line() -> None:
    run = cr.train_table(IRIS, "species", folds=2, epochs=2)
    count = len(run.model.members)
    told = f"TableModel 'species' from 4 columns: {count} networks, {run.model.network}"
    assert "88,655 parameters" in told or "28,751 parameters" in told
    assert repr(run) == f"<TableRun {told}; {run.seconds:.1f} s>"
    assert repr(run.model) == f"<{told}>"


def test_a_table_run_is_shown_with_its_score_and_its_losses() -> None:
    run = cr.train_table(IRIS, "species", folds=2, epochs=2, seed=1)
    shown = Cells(run._repr_html_())
    assert {"table", "svg"} <= set(shown.tags)
    assert shown.value("target") == "species"
    assert shown.value("rows") == "150"
    (score,) = run.scores
    assert isinstance(score, ClassScore)
    assert shown.value("accuracy") == f"{score.accuracy:.1%}"
    assert "classes" not in shown.cells  # the score has the name of the target
    assert len(run._repr_html_()) < 60_000
    model = Cells(run.model._repr_html_())
    assert model.value("classes") == "setosa, versicolor, virginica"
    assert model.value("training rows") == "150"


def test_displays_of_numbers_escape_every_name() -> None:
    frame = polars.read_csv(IRIS).rename({"sepal_length": HOSTILE, "sepal_width": "宽度"})
    run = cr.train_table(frame, [HOSTILE, "宽度"], hidden=(2,), epochs=2)
    for html in (run._repr_html_(), run.model._repr_html_()):
        shown = Cells(html)
        assert "script" not in shown.tags
        assert any(HOSTILE in cell and "宽度" in cell for cell in shown.cells)
    assert len(repr(run)) < 200


def test_a_result_a_verification_and_a_verdict_are_tables() -> None:
    network = cr.Network.dense([2, 3, 1])
    result = cr.train(network, [[0.0, 1.0]], [1.0], epochs=3)
    shown = Cells(result._repr_html_())
    assert shown.value("last loss") == f"{result.history['loss'][-1]:.4g}"
    assert "held-out loss" not in shown.cells
    empty = type(result)(network, result.parameters)
    assert "svg" not in Cells(empty._repr_html_()).tags

    verified = cr.verify(network)
    table = Cells(verified._repr_html_())
    for method, count, worst in verified.methods():
        assert table.value(method) == str(count)
        assert f"{worst.error:.2e}" in table.cells
    assert table.cells.count("✓") == len(verified.methods())

    verdict = cr.check_line(network, "dW_ho = delta_o.T @ A_h")
    assert repr(verdict) == "<LineVerdict side: 'dW_ho = delta_o.T @ A_h'>"
    marked = Cells(verdict._repr_html_())
    assert marked.value("where") == "delta_o.T @ A_h"
    assert marked.value("repaired") == verdict.repaired
    assert marked.value("verdict") == str(verdict)
    hostile = dataclasses.replace(verdict, line=HOSTILE, repaired=HOSTILE, position=None)
    assert "script" not in Cells(hostile._repr_html_()).tags
    assert Cells(hostile._repr_html_()).value("line") == HOSTILE
