"""The page in a real browser: what is laid out where, on a desktop and on a phone.

Chromium lays the page out without a window, in a frame as wide as the screen (no window is as
narrow as a phone).  A script that the test adds to its copy measures it and hands what it finds to
the page around the frame, which ``--dump-dom`` prints.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import chainrule as cr

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((path for name in BROWSERS if (path := shutil.which(name))), None)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE, DESKTOP = (390, 844), (1280, 900)

MEASURE = """
<script>
const page = document.documentElement;
const wide = box => box.scrollWidth > box.clientWidth + 1;
const boxes = [...document.querySelectorAll('.formula, p[tabindex], li[tabindex]')];
const outside = [...document.querySelectorAll('body *')].filter(element => {
  const place = element.getBoundingClientRect();
  return place.right > page.clientWidth + 1 && !element.closest('.formula, [tabindex]');
});
const first = document.querySelector('.statement math msub');
const found = {
  width: page.clientWidth,
  overflow: page.scrollWidth - page.clientWidth,
  outside: outside.map(element => element.tagName + '.' + element.className),
  boxes: boxes.length,
  scrolled: boxes.filter(wide).length,
  unreachable: boxes.filter(box => wide(box) && box.tabIndex < 0).length,
  clipped: boxes.filter(box => box.scrollHeight > box.clientHeight + 1).length,
  raised: first && first.children[1].getBoundingClientRect().bottom
    > first.children[0].getBoundingClientRect().bottom,
  paper: getComputedStyle(document.body).backgroundColor,
};
parent.postMessage(JSON.stringify(found), '*');
</script>
"""

FRAME = """<!doctype html><title></title>
<script>onmessage = event => document.title = 'measured ' + event.data;</script>
<iframe src="page.html" style="border: 0" width="{}" height="{}"></iframe>
"""


@pytest.fixture(autouse=True)
def browser() -> None:
    """Skip where no browser is installed; fail where the environment promised one."""
    if BROWSER is None:
        if os.environ.get("CHAINRULE_REQUIRE_BROWSER") == "1":
            pytest.fail("CHAINRULE_REQUIRE_BROWSER=1, but no chromium is installed")
        pytest.skip(f"no browser is installed: one of {', '.join(BROWSERS)}")


def measured(page: str, size: tuple[int, int], folder: Path, *options: str) -> dict[str, Any]:
    """Lay a page out with every proof opened and return what the script measured."""
    opened = page.replace("<details>", "<details open>")
    copy = opened.replace("</body>", MEASURE + "</body>")
    (folder / "page.html").write_text(copy, encoding="utf-8")
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(*size), encoding="utf-8")
    command = [
        str(BROWSER),
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'profile'}",
        "--hide-scrollbars",
        "--virtual-time-budget=10000",
        *options,
        "--dump-dom",
        frame.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    title = re.search(r"<title>measured (.*?)</title>", done.stdout.decode("utf-8"))
    assert title, done.stderr.decode(errors="replace")[-1000:]
    found: dict[str, Any] = json.loads(title.group(1).replace("&gt;", ">"))
    return found


DEEP = cr.Network.dense(
    [784, 128, 64, 10], ["relu", "tanh", "softmax"], "log_loss", penalty=cr.L2(0.1)
)
PAGES = {
    "source page": cr.derive(cr.Network.dense([2, 3, 1]), detail="full"),
    "2-2-2": cr.derive(cr.Network.dense([2, 2, 2], "gelu"), detail="full", layout="columns"),
    "deep, Adam": cr.derive(DEEP, detail="full", optimizer="adam"),
    "huber": cr.derive(cr.Network.dense([3, 4, 2], "selu", "huber"), batch=False),
}


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PAGES)
def test_only_formulas_scroll_sideways_never_the_page(
    name: str, language: str, size: tuple[int, int], tmp_path: Path
) -> None:
    found = measured(PAGES[name].to_html(language), size, tmp_path)  # type: ignore[arg-type]
    assert found["width"] == size[0]
    assert found["overflow"] <= 0
    assert found["outside"] == []
    assert found["boxes"] > 10
    assert found["unreachable"] == 0, "a formula that scrolls must be reached by keyboard"
    assert found["clipped"] == 0
    if name == "deep, Adam" and size == PHONE:
        assert found["scrolled"] > 0  # or this test has seen no long formula


def test_mathml_is_laid_out_by_the_browser(tmp_path: Path) -> None:
    found = measured(PAGES["source page"].to_html(), DESKTOP, tmp_path)
    assert found["raised"], "a subscript stands below its letter"


def test_the_page_follows_a_dark_screen(tmp_path: Path) -> None:
    page = PAGES["huber"].to_html()
    light = measured(page, DESKTOP, tmp_path)
    dark = measured(page, DESKTOP, tmp_path, "--blink-settings=preferredColorScheme=0")
    assert light["paper"] == "rgb(255, 255, 255)"
    assert dark["paper"] == "rgb(23, 24, 26)"
