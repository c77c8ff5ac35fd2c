"""A live page while a network trains: what it shows, its button, its end."""

from __future__ import annotations

import dataclasses
import json
import re
import signal
import string
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.command_line import browser
from chainrule.language.phrase_books import phrases_of
from chainrule.live.live_page import page_of
from chainrule.live.live_training import LiveTraining
from chainrule.live.live_view import Moment, view_of
from chainrule.table_models.candidates import Run
from chainrule.table_models.model_files import load
from chainrule.table_models.recipes import Candidate
from chainrule.training.results import Progress
from tests.live.page_client import Page
from tests.live.trainings import IRIS, training

OWN = ("--hidden", "16", "--batch-size", "4")
LONG = (*OWN, "--epochs", "1000000", "--patience", "1000000")


def fact(view, name):
    return dict(map(tuple, view["facts"]))[name]


def eventually(page, holds, seconds=60.0):
    """Return the first view of a page of which something holds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        view = json.loads(page.got())
        if view and holds(view):
            return view
        time.sleep(0.1)
    raise AssertionError(view)


def epochs(view):
    return int(fact(view, "Epoch").split(" of ")[0].replace(",", ""))


# -- a process -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_curves_grow_and_stop_writes_the_best_epoch(tmp_path):
    with training(tmp_path, *LONG, "--seed", "3") as run:
        first = eventually(run.page, lambda view: view["picture"])
        later = eventually(run.page, lambda view: epochs(view) > 2 * epochs(first))
        assert later["picture"] != first["picture"]
        assert later["share"] > first["share"] > 0.0
        assert later["state"] == "training"
        assert run.page.stop() == 204
        final = eventually(run.page, lambda view: view["ended"])
        assert final["state"] == "stopped"
        assert run.ended() == 130
        assert "stopped on the page; the model so far is written" in run.output
        assert "Traceback" not in run.output
        with pytest.raises(ConnectionRefusedError):
            run.page.got()
    model = load(tmp_path / "iris" / "model.safetensors")
    lines = (tmp_path / "iris" / "metrics.jsonl").read_text().splitlines()
    held = [json.loads(line)["validation_loss"] for line in lines]
    best = int(np.argmin(held)) + 1
    assert fact(final, "Best epoch").startswith(f"{best:,}, loss ")
    assert Path(fact(final, "Model")).name == "model.safetensors"
    assert Path(fact(final, "Report")).name == "report.html"
    # The same training up to its best epoch, without a page, has the same model.
    again = cr.train_table(IRIS, "species", hidden=(16,), batch_size=4, epochs=best, seed=3)
    np.testing.assert_array_equal(
        model.members[0].parameters.flat, again.model.members[0].parameters.flat
    )


@pytest.mark.slow
def test_a_run_that_ends_by_itself_closes_its_page(tmp_path):
    with training(tmp_path, *OWN, "--epochs", "20") as run:
        assert run.ended() == 0
        with pytest.raises(ConnectionRefusedError):
            run.page.got()
        assert "iris/report.html" in run.output


@pytest.mark.slow
def test_ctrl_c_closes_the_page_too(tmp_path):
    with training(tmp_path, *LONG) as run:
        eventually(run.page, lambda view: view["picture"])
        run.process.send_signal(signal.SIGINT)
        assert eventually(run.page, lambda view: view["ended"])["state"] == "stopped"
        assert run.ended() == 130
    assert (tmp_path / "iris" / "model.safetensors").is_file()


@pytest.mark.parametrize("option", ["--json", "--quiet"])
def test_the_address_is_printed_beside_the_output(tmp_path, option):
    with training(tmp_path, *OWN, "--epochs", "3", "--no-report", option) as run:
        assert run.ended() == 0
        note, *rest = run.output.splitlines()
        assert note == f"chainrule: note: live at {run.page.address}"
        assert len(rest) == (option == "--json")


@pytest.mark.slow
def test_hostile_clients_leave_the_training_alone(tmp_path):
    """The same model, bit for bit, whatever clients send; the terminal stays clean."""
    with training(tmp_path, *OWN, "--epochs", "4000", "--no-report") as run:
        ending = threading.Event()

        def attacks(number: int) -> None:
            requests = (b"\x00" * 2000, b"GET / HTTP/1.1\r\nHost: evil\r\n\r\n", b"", b"POST")
            while not ending.is_set():
                try:
                    run.page.sent(requests[number % len(requests)], 0.2)
                except OSError:
                    time.sleep(0.01)

        threads = [threading.Thread(target=attacks, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        try:
            assert run.ended() == 0
        finally:
            ending.set()
            for thread in threads:
                thread.join()
        assert "Exception" not in run.output
    attacked = load(tmp_path / "iris" / "model.safetensors").members[0].parameters.flat
    alone = cr.train_table(IRIS, "species", hidden=(16,), batch_size=4, epochs=4000)
    np.testing.assert_array_equal(attacked, alone.model.members[0].parameters.flat)


# -- a training inside a process -------------------------------------------------------------------


def seen_training(language="en", **settings):
    """Train with a page, and return the run, and the views while it trained and at its end."""
    views = []
    with LiveTraining(language) as live:

        def listen(run):
            ends = live.progress(run)
            assert live.address is not None
            views.append(json.loads(Page(live.address).got()))
            return ends

        run = cr.train_table(IRIS, "species", on_start=live.starts, on_progress=listen, **settings)
        live.trained(run)
        assert live.address is not None
        views.append(json.loads(Page(live.address).got()))
    return run, views


def test_members_have_lines_and_a_table():
    run, views = seen_training(preset="fast", epochs=60)
    final = views[-1]
    assert final["state"] == "writing"
    (members,) = final["tables"]
    assert members["caption"] == phrases_of("live", "en")["members"]
    assert len(members["rows"]) == len(run.member_histories) > 1
    for row, history in zip(members["rows"], run.member_histories, strict=True):
        held = history["validation_loss"]
        assert row[-1].startswith(f"{int(np.argmin(held)) + 1}, loss ")
        assert float(row[3]) == pytest.approx(held[-1], rel=1e-2)
    assert final["picture"].count('class="thin two"') >= len(run.member_histories)


def test_a_search_lists_what_it_has_tried():
    run, views = seen_training(preset="fast", trials=3, epochs=20, folds=2)
    networks = views[-1]["tables"][-1]
    assert networks["caption"] == phrases_of("live", "en")["networks"]
    assert [row[0] for row in networks["rows"]] == ["1", "2", "3"]
    tried = {", ".join(map(str, trial.candidate.to_dict()["hidden"])) for trial in run.trials}
    assert {row[1] for row in networks["rows"]} == tried
    assert fact(views[-1], "Network") == "3 of 3"


def test_a_stop_before_the_first_epoch_waits_for_it():
    with LiveTraining("en") as live:

        def starts(task):
            live.starts(task)
            assert live.address is not None
            assert Page(live.address).stop() == 204
            assert json.loads(Page(live.address).got())["state"] == "stopping"

        run = cr.train_table(
            IRIS, "species", epochs=10**6, threads=1, on_start=starts, on_progress=live.progress
        )
    assert live.stopped
    assert run.ended
    assert len(run.history["loss"]) >= 1
    assert 0.0 <= run.score.accuracy <= 1.0


def test_a_training_that_fails_says_so_to_who_looks():
    views, looks = [], []
    live = LiveTraining("zh")

    def fails(task):
        live.starts(task)
        assert live.address is not None
        page = Page(live.address)
        page.got()
        looks.append(threading.Timer(0.5, lambda: views.append(json.loads(page.got()))))
        looks[0].start()
        raise RuntimeError

    def trains():
        with live:
            cr.train_table(IRIS, "species", hidden=(4,), on_start=fails)

    with pytest.raises(RuntimeError):
        trains()
    looks[0].join()
    assert views[0]["status"] == phrases_of("live", "zh")["failed"]


@pytest.mark.long
def test_pictures_are_made_rarely_and_only_for_who_looks(monkeypatch):
    made = []
    monkeypatch.setattr(
        "chainrule.live.live_training.view_of",
        lambda moment, language: made.append(time.perf_counter()) or view_of(moment, language),
    )
    with LiveTraining("en") as live:
        cr.train_table(
            *(IRIS, "species"),
            **{"hidden": (8,), "epochs": 2000, "on_start": live.starts},
            on_progress=live.progress,
        )
        assert made == []
        assert live.address is not None
        page, began = Page(live.address), time.perf_counter()
        while len(made) < 3 and time.perf_counter() < began + 30:
            page.got()
        seconds = time.perf_counter() - began
    between = np.diff(made[:-1])  # the last is that of the end
    assert 3 <= len(made) <= 3 + seconds / 0.4
    assert np.all(between >= 0.4)


# -- views -----------------------------------------------------------------------------------------


def progress(*held, of=10):
    return Progress(len(held), of, {"loss": held, "data_loss": held, "validation_loss": held})


def test_a_hostile_name_of_the_data_is_a_text():
    page = page_of("</title><script>alert(1)</script>&", "en", "n", keeps_best=True).decode()
    assert page.count("<script") == page.count("</script>") == 1
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(("keeps_best", "key"), [(True, "keeps_best"), (False, "keeps_last")])
def test_the_button_says_what_it_keeps(keeps_best, key):
    page = page_of("x.csv", "zh", "n", keeps_best=keeps_best).decode()
    assert phrases_of("live", "zh")[key] in page


def test_the_time_left_follows_from_the_share_that_is_done():
    candidate = Candidate.__new__(Candidate)
    moment = Moment((candidate,), seconds=60.0).after(
        Run(0, 1, [progress(3.0, 2.0), progress(3.0, 1.0, 2.0, 2.0)])
    )
    view = view_of(moment, "en")
    assert view["share"] == pytest.approx(0.3)
    assert fact(view, "Time left") == "2 min 20 s"  # 60 s · 0.7 / 0.3
    assert fact(view, "Best epoch") == "2, loss 1.5"
    assert fact(view, "Epoch") == "3 of 10"


def test_losses_that_are_not_finite_do_not_break_the_page():
    moment = Moment(()).after(Run(0, 1, [progress(float("nan"), float("inf"))]))
    view = json.loads(json.dumps(view_of(moment, "en"), allow_nan=False))
    assert fact(view, "Held-out loss") == fact(view, "Best epoch") == "–"


def test_members_keep_their_numbers_while_others_wait():
    moment = Moment(()).after(Run(0, 1, [None, progress(1.0), None, progress(2.0)]))
    (members,) = view_of(moment, "en")["tables"]
    assert [row[0] for row in members["rows"]] == ["2", "4"]
    view = view_of(moment, "en")
    assert view["share"] == pytest.approx(0.05)
    assert fact(view, "Folds begun") == "2 of 4"  # the losses are their means


def test_the_network_in_training_is_marked_among_the_settings_tried():
    candidate = Candidate((8,), ("relu",), cr.Adam(0.01))
    moment = Moment((candidate, candidate), bests=((3, 0.5),)).after(Run(1, 2, [progress(1.0)]))
    rows = view_of(moment, "en")["tables"][-1]["rows"]
    assert [row[0] for row in rows] == ["1", "2 (in training)"]
    ended = view_of(dataclasses.replace(moment, state="ended"), "en")["tables"][-1]["rows"]
    assert [row[0] for row in ended] == ["1", "2"]


def test_both_languages_have_the_same_phrases_and_each_is_used():
    english, chinese = phrases_of("live", "en"), phrases_of("live", "zh")
    assert english.keys() == chinese.keys()
    for key in english:
        fields = [
            {name for _, name, _, _ in string.Formatter().parse(texts[key]) if name}
            for texts in (english, chinese)
        ]
        assert fields[0] == fields[1], key
    source = Path(view_of.__code__.co_filename).parent
    text = "".join(path.read_text() for path in source.glob("live_*.py"))
    assert {key for key in english if not re.search(rf'"{key}"', text)} == set()


# -- the browser -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terminal", "display", "opens"), [(True, ":0", True), (True, "", False), (False, ":0", False)]
)
def test_a_browser_is_opened_before_a_display_only(monkeypatch, terminal, display, opens):
    opened = threading.Event()
    chosen = type("Chosen", (), {"open": lambda self, address: opened.set()})()
    monkeypatch.setattr(browser.sys, "platform", "linux")
    monkeypatch.setattr(browser.sys.stdout, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(browser.webbrowser, "get", lambda: chosen)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert browser.open_in_browser("http://127.0.0.1:1/") is opens
    assert opened.wait(5.0 if opens else 0.1) is opens


def test_a_browser_that_takes_the_terminal_is_not_opened(monkeypatch):
    monkeypatch.setattr(browser.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(browser, "_has_display", lambda: True)
    lynx = browser.webbrowser.GenericBrowser("lynx")
    monkeypatch.setattr(browser.webbrowser, "get", lambda: lynx)
    assert not browser.open_in_browser("http://127.0.0.1:1/")
