"""The diagnosis: each finding where its cause was made, and none where there is none."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.language.phrase_books import phrases_of
from chainrule.reports import diagnosis
from chainrule.reports.diagnosis import curve_findings, diagnosed
from chainrule.reports.score_measures import measure_scores
from chainrule.reports.subject import Subject

N = 200
SEEN: set[str] = set()


def found(table, target="y", **settings):
    subject = Subject.of_run(cr.train_table(table, target, **{"hidden": (8,), **settings}))
    findings = {each.key: each.numbers for each in diagnosed(subject, measure_scores(subject))}
    SEEN.update(findings)
    return findings


def curve(losses, held=None, **training):
    history = {"loss": losses} | ({} if held is None else {"validation_loss": held})
    findings = {each.key: each.numbers for each in curve_findings([history], training)}
    SEEN.update(findings)
    return findings


@pytest.fixture
def columns():
    generator = np.random.default_rng(0)
    x, z = generator.normal(size=(2, N))
    return {"x": x, "z": z, "y": x + z + generator.normal(size=N)}


def test_nothing_is_found_in_a_sound_run():
    x, z, noise = np.random.default_rng(0).normal(size=(3, 3000))
    assert found(pl.DataFrame({"x": x, "z": z, "y": x + z + noise}), epochs=20) == {}


def test_a_column_that_decides_alone(columns):
    leak = columns | {"leak": 3.0 * columns["y"] + 1.0}
    assert found(pl.DataFrame(leak))["decides_number"]["column"] == "leak"
    classes = columns | {"y": np.where(columns["y"] > 0, "a", "b")}
    leak = classes | {"leak": columns["y"], "code": np.where(columns["y"] > 0, "k", "l")}
    keys = found(pl.DataFrame(leak))
    assert keys["decides_class"] == {"column": "code", "share": "100.0 %"}
    assert "decides_class" not in found(pl.DataFrame(classes))


def test_rows_that_are_trained_on_and_scored(columns):
    table = pl.DataFrame(columns)
    twice = pl.concat([table, table[:60]])
    numbers = found(twice, preset="fast", hidden=None, epochs=2)["duplicates"]
    assert numbers["rows"] == "260"
    subject = Subject.of_run(cr.train_table(twice, "y", preset="fast", epochs=2))
    rows, expected = list(twice.iter_rows()), 0
    for training, held in subject.rows.folds:
        seen = {rows[n] for n in training.tolist()}
        expected += sum(rows[n] in seen for n in held.tolist())
    assert numbers["count"] == str(expected)
    assert expected > 30


def test_a_cell_far_from_the_others(columns):
    columns["z"][3] = 1e4
    findings = found(pl.DataFrame(columns))
    assert findings["far"]["column"] == "z"
    assert float(findings["far"]["value"]) == pytest.approx(np.sqrt(N), rel=0.2)
    assert "far" not in found(pl.DataFrame(columns), hidden=None, preset="fast", epochs=2)


def test_a_class_that_is_never_predicted(columns):
    y = np.where(np.arange(N) % 12 == 0, "rare", "common")
    findings = found(pl.DataFrame({"x": columns["x"], "y": y}), epochs=3)
    assert findings["never"]["classes"] == "rare"


def test_units_that_do_nothing(columns):
    table = pl.DataFrame(columns | {"y": np.where(columns["y"] > 0, "a", "b")})
    settings = {"optimizer": "sgd", "learning_rate": 30.0, "epochs": 3}
    assert "dead_rate" in found(table, activation="relu", **settings)
    assert "saturated" in found(table, activation="tanh", **settings)


@pytest.mark.parametrize(("training", "key"), [({"best_epoch": True}, "idle"), ({}, "dead")])
def test_idle_units_of_a_preset_ask_for_nothing(columns, monkeypatch, training, key):
    """Decay of weights idles units of relu; with a network of one's own they are dead."""
    run = cr.train_table(pl.DataFrame(columns), "y", hidden=(8,), activation="relu", epochs=2)
    (member,) = run.model.members
    W, b = member.parameters["W_ih"], np.array([-99.0] * 3 + [1.0] * 5)
    parameters = {**member.parameters, "W_ih": W, "b_ih": b}
    model = replace(run.model, members=(replace(member, parameters=parameters),))
    model = replace(model, training={**model.training, **training})
    subject = Subject.of_run(replace(run, model=model))
    findings = {each.key: each for each in diagnosed(subject, measure_scores(subject))}
    SEEN.update(findings)
    assert findings[key].numbers == {"count": "3", "units": "8", "rows": "40"}
    assert findings[key].note is (key == "idle")
    text = phrases_of("report", "en")[f"found_{key}"]
    assert "--learning-rate" not in text


def test_every_column_of_few_rows_decides_nothing():
    generator = np.random.default_rng(3)
    table = {name: generator.normal(size=20) for name in "abc"}
    y = np.where(np.arange(20) % 2, "one", "two")
    assert "decides_class" not in found(
        pl.DataFrame({**table, "y": y}), preset="fast", hidden=None, epochs=2
    )


def test_what_losses_show():
    falling = np.geomspace(1.0, 0.1, 50).tolist()
    assert curve([1.0, float("nan")]) == {"not_finite": {"epoch": "2"}}
    assert curve([1.0, 2.0] * 10) == {"loss_rises": {"share": "52.6 %"}}
    flat = [*np.geomspace(1.0, 0.2, 30).tolist(), *[0.2] * 20]
    assert curve(flat, flat) == {}
    assert curve(falling, falling)["still_falling"]["epochs"] == "5"
    assert curve(falling)["falling_unseen"]["epochs"] == "5"
    rising = [*flat[:30], *np.linspace(0.2, 0.4, 20).tolist()]
    expected = {"rise": "100.0 %", "epoch": "30", "value": "0.2"}
    assert curve(flat, rising) == {"overfitting": expected}
    assert curve(flat, rising, best_epoch=True) == {"overfitting_ended": expected}
    above = [2.0 * value for value in flat]
    gap = {"epoch": "30", "held": "0.4", "seen": "0.2"}
    assert curve(flat, above) == {"gap": gap}
    assert curve(flat, above, dropout=0.1) == {"gap": gap}
    assert curve([], []) == {}


def test_rows_known_by_heart_are_overfitting_and_nothing_else():
    """A table of 400 rows and 300 columns: the training loss is noise near 0, the other flat."""
    noise = np.random.default_rng(0).uniform(0.8, 1.25, size=200)
    seen = (np.maximum(np.geomspace(1.6, 1e-6, 200), 0.003) * noise).tolist()
    held = np.linspace(0.8, 0.72, 200)
    held[0] = 1.29
    assert np.mean(np.diff(seen) > 0) > 0.35  # steps are not too large: it is close to 0
    found = curve(seen, held.tolist(), best_epoch=True, dropout=0.05)
    assert list(found) == ["by_heart"]
    assert found["by_heart"]["held"] == "0.72"
    small = 1e-3 * held
    assert curve(seen, [1.29, *small[1:]], best_epoch=True) == {}  # small, whatever the other is


def test_more_epochs_are_advised_only_while_the_held_out_loss_falls():
    seen = np.geomspace(1.8, 0.13, 40).tolist()
    held = np.geomspace(1.6, 0.33, 40).tolist()
    assert list(curve(seen, held)) == ["still_falling"]
    held[30:] = [held[30]] * 10
    assert list(curve(seen, held)) == ["gap"]


def test_a_rate_beyond_all_use_is_the_one_cause():
    optimizer = {"name": "adam", "learning_rate": 10.0}
    assert list(curve([5.0, 9.0] * 10, [3.0, *[9.0] * 19], optimizer=optimizer)) == ["rate"]
    usual = {"name": "adam", "learning_rate": 0.003}
    assert list(curve([5.0, 9.0] * 10, [3.0, *[9.0] * 19], optimizer=usual)) == ["loss_rises"]


@pytest.mark.parametrize("falls", [True, False])
def test_a_better_linear_model_and_longer_training(columns, falls):
    """Longer training is an alternative only while the held-out loss falls."""
    run = cr.train_table(pl.DataFrame(columns), "y", hidden=(4,), epochs=2, learning_rate=1e-5)
    losses = np.geomspace(2.0, 0.5, 20) if falls else np.full(20, 2.0)
    history = {"loss": losses.tolist(), "validation_loss": losses.tolist()}
    page = replace(run, history=history, member_histories=(history,)).report().html
    texts = phrases_of("report", "en")
    worse = texts["worse_linear_falling" if falls else "worse_linear"].split("{value}")
    assert worse[0] in page
    assert worse[1] in page
    assert ("train longer" in page) is falls


def test_every_finding_has_a_text_in_both_languages_and_was_seen():
    source = Path(diagnosis.__file__).read_text(encoding="utf-8")
    for language in ("en", "zh"):
        texts = phrases_of("report", language)
        keys = {key.removeprefix("found_") for key in texts if key.startswith("found_")}
        assert keys == SEEN
        for key in keys:
            assert f'"{key}"' in source
            asked = set(re.findall(r"\{(\w+)\}", texts[f"found_{key}"]))
            assert asked == set(
                re.findall(r"\{(\w+)\}", phrases_of("report", "en")[f"found_{key}"])
            )
