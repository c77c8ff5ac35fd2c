"""The page in a real browser: what is laid out where, on a desktop and on a phone.

Chromium lays pages out without a window, each in a frame as wide as the screen (no window is as
narrow as a phone).  A script that the test adds to its copy measures it and hands what it finds to
the page around the frames, which ``--dump-dom`` prints.  To start the browser takes longer than to
lay a page out: one start measures several.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import chainrule as cr
from chainrule.derivation.derivation import Language

Found = dict[str, Any]
Screen = tuple[int, int]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((path for name in BROWSERS if (path := shutil.which(name))), None)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE, DESKTOP = (390, 844), (1280, 900)

MEASURE = """
<script>
const page = document.documentElement;
const wide = box => box.scrollWidth > box.clientWidth + 1;
const shown = box => parseFloat(getComputedStyle(box, '::after').height) > 5;
const boxes = [...document.querySelectorAll('.formula, [tabindex]')].filter(
  box => box.checkVisibility());
const outside = [...document.querySelectorAll('body *')].filter(element => {
  const place = element.getBoundingClientRect();
  return place.right > page.clientWidth + 1 && !element.closest('.formula, [tabindex]');
});
const first = document.querySelector('.statement math msub');
const measure = () => ({
  width: page.clientWidth,
  overflow: page.scrollWidth - page.clientWidth,
  outside: outside.map(element => element.tagName + '.' + element.className),
  boxes: boxes.length,
  scrolled: boxes.filter(wide).length,
  silent: boxes.filter(box => wide(box) && !shown(box)).length,
  wrong: boxes.filter(box => !wide(box) && shown(box)).length,
  unreachable: boxes.filter(box => wide(box) && box.tabIndex < 0).length,
  clipped: boxes.filter(box => box.scrollHeight > box.clientHeight + 1).length,
  raised: first && first.children[1].getBoundingClientRect().bottom
    > first.children[0].getBoundingClientRect().bottom,
  numbers: [...document.querySelectorAll('.wide th.number')].map(
    heading => heading.getBoundingClientRect().right),
  paper: getComputedStyle(document.body).backgroundColor,
});
requestAnimationFrame(() => requestAnimationFrame(() =>  // labels are shown by an animation
  parent.postMessage(JSON.stringify(measure()), '*')));
</script>
"""

FRAMES = """<!doctype html><title></title>
<script>
const found = {};
onmessage = event => {
  const frames = [...document.querySelectorAll('iframe')];
  found[frames.findIndex(frame => frame.contentWindow === event.source)] = JSON.parse(event.data);
  if (Object.keys(found).length === %d) document.title = 'measured ' + JSON.stringify(found);
};
</script>
%s
"""
FRAME = (
    '<iframe src="page{}.html" width="{}" height="{}" '
    'style="border: 0; position: absolute; top: 0; left: 0"></iframe>'
)
"""All frames lie on each other: what is out of view has no animations."""


@pytest.fixture(autouse=True)
def browser() -> None:
    """Skip where no browser is installed; fail where the environment promised one."""
    if BROWSER is None:
        if os.environ.get("CHAINRULE_REQUIRE_BROWSER") == "1":
            pytest.fail("CHAINRULE_REQUIRE_BROWSER=1, but no chromium is installed")
        pytest.skip(f"no browser is installed: one of {', '.join(BROWSERS)}")


def measured(pages: Sequence[tuple[str, Screen]], folder: Path, *options: str) -> list[Found]:
    """Lay each page out on its screen with every proof opened; return what the script measured."""
    frames = []
    for number, (page, size) in enumerate(pages):
        opened = page.replace("<details>", "<details open>")
        copy = opened.replace("</body>", MEASURE + "</body>")
        (folder / f"page{number}.html").write_text(copy, encoding="utf-8")
        frames.append(FRAME.format(number, *size))
    around = folder / "frames.html"
    around.write_text(FRAMES % (len(frames), "\n".join(frames)), encoding="utf-8")
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
        around.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    title = re.search(r"<title>measured (.*?)</title>", done.stdout.decode("utf-8"))
    assert title, done.stderr.decode(errors="replace")[-1000:]
    found: dict[str, Found] = json.loads(unescape(title[1]))
    return [found[str(number)] for number in range(len(pages))]


LANGUAGES: tuple[Language, ...] = ("en", "zh")


def on_every_screen(
    to_html: Callable[[Language], str], folder: Path
) -> Iterator[tuple[str, Screen, Found]]:
    """Yield a page in each language on each screen: its name, the screen and what was measured."""
    cases = [(language, size) for language in LANGUAGES for size in (PHONE, DESKTOP)]
    pages = [(to_html(language), size) for language, size in cases]
    for (language, size), found in zip(cases, measured(pages, folder), strict=True):
        yield f"{language}, {size}", size, found


def assert_only_boxes_scroll(name: str, size: Screen, found: Found) -> None:
    """What is wide scrolls in a box that the keyboard reaches; the page never does."""
    assert found["width"] == size[0], name
    assert found["overflow"] <= 0, name
    assert found["outside"] == [], name
    assert found["boxes"] > 10, name
    assert_boxes_say_that_they_scroll(name, found)


def assert_boxes_say_that_they_scroll(name: object, found: Found) -> None:
    """A box that is wider than the screen has a line that says so, and no other box has one."""
    assert found["unreachable"] == 0, f"{name}: what scrolls must be reached by keyboard"
    assert found["clipped"] == 0, name
    assert found["silent"] == found["wrong"] == 0, name


DEEP = cr.Network.dense(
    [784, 128, 64, 10], ["relu", "tanh", "softmax"], "log_loss", penalty=cr.L2(0.1)
)
PAGES = {
    "source page": cr.derive(cr.Network.dense([2, 3, 1]), detail="full"),
    "2-2-2": cr.derive(cr.Network.dense([2, 2, 2], "gelu"), detail="full", layout="columns"),
    "deep, Adam": cr.derive(DEEP, detail="full", optimizer="adam"),
    "huber": cr.derive(cr.Network.dense([3, 4, 2], "selu", "huber"), batch=False),
}


@pytest.mark.parametrize("name", PAGES)
def test_only_formulas_scroll_sideways_never_the_page(name: str, tmp_path: Path) -> None:
    for case, size, found in on_every_screen(PAGES[name].to_html, tmp_path):
        assert_only_boxes_scroll(case, size, found)
        if name == "deep, Adam" and size == PHONE:
            assert found["scrolled"] > 0  # or this test has seen no long formula


def test_mathml_is_laid_out_by_the_browser(tmp_path: Path) -> None:
    (found,) = measured([(PAGES["source page"].to_html(), DESKTOP)], tmp_path)
    assert found["raised"], "a subscript stands below its letter"


def test_the_page_follows_a_dark_screen(tmp_path: Path) -> None:
    page = PAGES["huber"].to_html()
    (light,) = measured([(page, DESKTOP)], tmp_path)
    (dark,) = measured([(page, DESKTOP)], tmp_path, "--blink-settings=preferredColorScheme=0")
    assert light["paper"] == "rgb(255, 255, 255)"
    assert dark["paper"] == "rgb(23, 24, 26)"
