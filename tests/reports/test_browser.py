"""Reports in a real browser: phone and desk, light and dark, on paper; nothing is fetched."""

import subprocess

import pytest

from chainrule.reports.comparison import comparison_of
from chainrule.reports.report_page import POLICY
from chainrule.table_models.run_folders import write_run
from tests.documents.test_browser import (
    BROWSER,
    DESKTOP,
    PHONE,
    assert_boxes_say_that_they_scroll,
    browser,
    measured,
)
from tests.reports.runs import hostile_run, iris_run, numbers_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

__all__ = ["browser"]  # the fixture that asks for one

DARK = "--blink-settings=preferredColorScheme=0"


@pytest.fixture(scope="module")
def pages():
    runs = {"hostile": hostile_run(), "iris": iris_run(), "numbers": numbers_run()}
    return {
        (name, language): run.report(language=language).html.replace(POLICY, "")
        for name, run in runs.items()
        for language in ("en", "zh")
    }


def dumped(page: str, folder, *options: str) -> str:
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    command = [
        *(str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"),
        *(f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=10000", *options),
        path.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout.decode()


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_the_page_does_not_scroll_sideways(pages, tmp_path, size):
    found = measured([(page, size) for page in pages.values()], tmp_path)
    for name, each in zip(pages, found, strict=True):
        assert each["overflow"] <= 0, name
        assert each["outside"] == [], name
        assert_boxes_say_that_they_scroll(name, each)
    assert size == DESKTOP or any(each["scrolled"] for each in found)
    if size == DESKTOP:  # the graph of the preset is drawn beyond the text's margins, and whole
        assert 'class="beyond"' in pages["iris", "en"]
        assert found[list(pages).index(("iris", "en"))]["scrolled"] == 0


def test_tables_and_charts_fit_on_paper(pages, tmp_path):
    """A4 at 96 dots per inch less two margins of 1 cm; the rules of paper are used on a screen."""
    on_paper = [page.replace("@media print", "@media screen") for page in pages.values()]
    found = measured([(page, (718, 1000)) for page in on_paper], tmp_path)
    for name, each in zip(pages, found, strict=True):
        assert [what for what in each["outside"] if not what.startswith("math")] == [], name


def test_a_comparison_fits_too(tmp_path):
    folders = []
    for number, run in enumerate((hostile_run(), numbers_run(), iris_run())):
        folder = tmp_path / f"<b>比较 {'long ' * 20}{number}"
        write_run(folder, run.model, run.history)
        folders.append(str(folder))
    page = comparison_of(folders).html
    assert "<b>比较" not in page
    page = page.replace(POLICY, "")
    for found in measured([(page, PHONE), (page, DESKTOP)], tmp_path):
        assert found["overflow"] <= 0
        assert found["outside"] == []


def test_the_page_follows_the_scheme(pages, tmp_path):
    page = pages["iris", "en"]
    (light,) = measured([(page, DESKTOP)], tmp_path)
    (dark,) = measured([(page, DESKTOP)], tmp_path, DARK)
    assert light["paper"] == "rgb(255, 255, 255)"
    assert dark["paper"] == "rgb(23, 24, 26)"


def test_no_request_leaves_and_no_script_runs(tmp_path):
    log = tmp_path / "requests.json"
    page = hostile_run().report().html
    probe = "<script>document.title = 'a script ran'</script></body>"
    dom = dumped(page.replace("</body>", probe), tmp_path, f"--log-net-log={log}")
    assert "<title>a script ran" not in dom
    asked = log.read_text(encoding="utf-8", errors="replace")
    ours = [line for line in asked.splitlines() if '"initiator":"file://' in line]
    assert not [line for line in ours if '"url":"http' in line]
