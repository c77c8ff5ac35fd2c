"""The live page in a real browser, while a network trains."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.documents.test_browser import DESKTOP, PHONE, browser
from tests.live.driven_browser import Browser
from tests.live.trainings import training

pytestmark = [pytest.mark.browser, pytest.mark.slow]

__all__ = ["browser"]  # the fixture that asks for one

LONG = ("--hidden", "64,64", "--batch-size", "4", "--epochs", "1000000", "--patience", "1000000")
STATE = "document.body.dataset.state"
# The second, because the first is the legend's.
DRAWN = "[...document.querySelectorAll('#picture path.line.two')][1]?.getAttribute('d')"
OUTSIDE = """[...document.querySelectorAll('body *')].filter(element =>
  element.getBoundingClientRect().right > document.documentElement.clientWidth + 1
  && !element.closest('.wide')).map(element => element.tagName)"""


@pytest.fixture
def chromium(tmp_path):
    found = Browser(tmp_path / "profile", f"--log-net-log={tmp_path / 'net.json'}")
    yield found
    found.close()


def keep(chromium: Browser, name: str) -> None:
    """Write a picture where the environment asks for pictures to look at."""
    if folder := os.environ.get("CHAINRULE_SCREENSHOTS"):
        chromium.photograph(Path(folder) / f"{name}.png")


def test_curves_grow_until_stop_and_the_last_picture_stays(tmp_path, chromium):
    with training(tmp_path, *LONG) as run:
        chromium.screen(*DESKTOP)
        chromium.open(run.page.address)
        first = chromium.wait_until(DRAWN)
        chromium.wait_until(f"{DRAWN} !== {first!r}")
        assert chromium.evaluate(STATE) == "training"
        assert chromium.evaluate("document.getElementById('share').value") > 0.0
        keep(chromium, "training")
        chromium.evaluate("document.getElementById('stop').click()")
        chromium.wait_until(f"{STATE} === 'stopped'")
        assert run.ended() == 130
    assert (tmp_path / "iris" / "model.safetensors").is_file()
    text = chromium.evaluate("document.body.innerText")
    assert "The run was stopped" in text
    assert str(Path("iris") / "report.html") in text
    assert chromium.evaluate(DRAWN)
    assert chromium.evaluate("document.getElementById('ending').hidden")
    keep(chromium, "stopped")
    assert not chromium.errors
    # All requests were for the page, its data and the stop.
    own = urlsplit(run.page.address)
    for address in chromium.requests:
        asked = urlsplit(address)
        assert asked.scheme == "data" or (asked.netloc, asked.path.rpartition("/")[0] + "/") == (
            *(own.netloc, own.path),
        )
    assert not chromium.evaluate("document.querySelectorAll('a[href]').length")


@pytest.mark.parametrize(("size", "language"), [(PHONE, "zh"), (DESKTOP, "en")])
def test_the_page_fits_every_screen_in_both_schemes(tmp_path, chromium, size, language):
    options = ("--preset", "fast", "--epochs", "100000", "--patience", "100000")
    with training(tmp_path, *options, "--language", language, "--no-report") as run:
        for dark in (False, True):
            chromium.screen(*size, dark=dark)
            chromium.open(run.page.address)
            chromium.wait_until("document.querySelectorAll('#tables td').length > 5")
            assert chromium.evaluate(OUTSIDE) == []
            assert chromium.evaluate("document.documentElement.scrollWidth") <= size[0]
            wide = "[...document.querySelectorAll('.wide')].map(b => b.scrollWidth - b.clientWidth)"
            assert max(chromium.evaluate(wide)) <= 0
            paper = chromium.evaluate("getComputedStyle(document.body).backgroundColor")
            assert paper == ("rgb(23, 24, 26)" if dark else "rgb(255, 255, 255)")
            keep(chromium, f"{language}-{size[0]}-{'dark' if dark else 'light'}")
        assert chromium.evaluate("document.documentElement.lang").startswith(language)
    assert not chromium.errors


def test_a_page_whose_run_is_killed_says_so(tmp_path, chromium):
    with training(tmp_path, *LONG) as run:
        chromium.open(run.page.address)
        chromium.wait_until(DRAWN)
    chromium.wait_until("document.getElementById('status').className === 'ended'")
    assert "no longer answers" in chromium.evaluate("document.body.innerText")
    assert chromium.evaluate(DRAWN)


def test_a_script_that_is_not_the_pages_does_not_run(tmp_path, chromium):
    with training(tmp_path, *LONG) as run:
        chromium.open(run.page.address)
        chromium.wait_until(DRAWN)
        chromium.evaluate(
            "document.body.append(Object.assign(document.createElement('script'),"
            "{textContent: 'window.foreign = 1'}))"
        )
        assert chromium.evaluate("window.foreign") is None
        blocked = "fetch('http://127.0.0.1:9/').then(() => 0, () => window.refused = true)"
        chromium.evaluate(f"{blocked}; 0")
        chromium.wait_until("window.refused")
    assert any("Content Security Policy" in error for error in chromium.errors)
