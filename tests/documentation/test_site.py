"""The documentation site: every link in it leads somewhere, and it looks right in a browser.

``CHAINRULE_SITE`` names a site that has been built; otherwise one is built here, without
MNIST, where the packages that build it are installed.
"""

import functools
import http.server
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from html import unescape
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTHS = (390, 1280)
"""A phone and a desk."""
CONSOLE = re.compile(r":CONSOLE[:(]\d+\)?\] (.*)")
NAVIGATION = re.compile(r'<a href="([^"]*)" class="md-nav__link[^>]*>(.*?)</a>', re.DOTALL)

HARNESS = """<!doctype html><meta charset="utf-8"><title>harness</title><body><script>
const pages = %s, widths = %s, found = [];
async function visit(page, width) {
  const frame = document.createElement("iframe");
  frame.style = `width:${width}px;height:900px;border:0`;
  const loaded = new Promise(resolve => frame.onload = resolve);
  frame.src = page;
  document.body.append(frame);
  await loaded;
  await new Promise(resolve => setTimeout(resolve, 50));
  const inside = frame.contentDocument, root = inside.documentElement;
  inside.querySelectorAll("details").forEach(proof => proof.open = true);
  const foreign = frame.contentWindow.performance.getEntriesByType("resource")
    .map(entry => entry.name).filter(name => !name.startsWith(location.origin));
  const wide = [...inside.querySelectorAll("article *")].filter(element => {
    const box = element.getBoundingClientRect();
    if (!box.width || box.right <= width + 1) return false;
    for (let above = element.parentElement; above; above = above.parentElement)
      if (["auto", "scroll"].includes(frame.contentWindow.getComputedStyle(above).overflowX))
        return false;
    return true;
  }).map(element => element.outerHTML.slice(0, 120));
  found.push({page, width, language: root.lang, foreign, wide: wide.slice(0, 3),
              scrolls: root.scrollWidth > root.clientWidth + 1,
              formulas: inside.querySelectorAll("math").length});
  frame.remove();
}
(async () => {
  for (const width of widths) for (const page of pages) await visit(page, width);
  const result = document.createElement("pre");
  result.id = "result";
  result.textContent = JSON.stringify(found);
  document.body.append(result);
})();
</script></body>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a built site."""
    given = os.environ.get("CHAINRULE_SITE")
    if given:
        return Path(given).resolve()
    if importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("griffe") is None:
        pytest.skip('not installed: mkdocs (pip install ".[docs]")')
    folder = tmp_path_factory.mktemp("documentation") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "--quiet", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "CHAINRULE_DATA": str(folder / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_every_link_leads_somewhere_and_nothing_is_fetched(site: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "docs.building.links", site],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_pages_are_called_by_their_headings(site: Path) -> None:
    """In the navigation and in the browser's tab, also where a link to a translation is first."""
    page = (site / "zh" / "how-to" / "tables.html").read_text(encoding="utf-8")
    called = {
        address: " ".join(re.sub("<[^>]*>", "", shown).split())
        for address, shown in NAVIGATION.findall(page)
    }
    assert called["troubleshooting.html"] == "疑难解答"
    assert called["../../how-to/troubleshooting.html"] == "Troubleshooting"
    assert "<title>表格 - chainrule</title>" in page


def headless(address: str, profile: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Open an address in a browser without a window; return its document and its console."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        if os.environ.get("CHAINRULE_REQUIRE_BROWSER") == "1":
            pytest.fail("CHAINRULE_REQUIRE_BROWSER=1, but no chromium is installed")
        pytest.skip(f"no browser is installed: one of {', '.join(BROWSERS)}")
    usual = ("--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr")
    return subprocess.run(
        [browser, *usual, f"--user-data-dir={profile}", *options, "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.fixture(scope="module")
def visited(site: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict], list[str]]:
    """Open every page at every width in one browser; return what was seen, and its console.

    Every proof is opened.
    """
    copy = tmp_path_factory.mktemp("visited")
    shutil.copytree(site, copy, dirs_exist_ok=True)
    pages = sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*.html"))
    pages.remove("404.html")  # its addresses are those of a server's root
    (copy / "harness.html").write_text(HARNESS % (json.dumps(pages), json.dumps(WIDTHS)), "utf-8")
    handler = functools.partial(Quiet, directory=str(copy))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = headless(
            f"http://127.0.0.1:{server.server_port}/harness.html",
            tmp_path_factory.mktemp("profile"),
            "--virtual-time-budget=600000",
            "--window-size=1400,1000",
        )
        server.shutdown()
    match = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
    assert match, done.stderr[-2000:]
    seen = json.loads(unescape(match[1]))
    assert len(seen) == len(pages) * len(WIDTHS)
    return seen, [found[1] for found in CONSOLE.finditer(done.stderr)]


SEARCH = """
<script>
addEventListener("load", async () => {
  const wait = (time) => new Promise((done) => setTimeout(done, time));
  const field = document.querySelector("[data-md-component=search-query]");
  document.querySelector("[data-md-toggle=search]").click();
  field.focus();
  for (let turn = 0; turn < 100 && !document.querySelector(".md-search-result__item"); turn++) {
    field.value = "%s";
    field.dispatchEvent(new Event("keyup", {bubbles: true}));
    await wait(100);
  }
  const found = [...document.querySelectorAll(".md-search-result__link")];
  const result = document.createElement("pre");
  result.id = "result";
  result.textContent = JSON.stringify(found.map((link) => link.href.split("/site/")[1]));
  document.body.append(result);
});
</script></body>"""


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize(
    ("page", "asked", "expected"),
    [
        ("how-to/tables.html", "calibration", "glossary.html"),
        ("zh/tutorial.html", "学习率", "zh/glossary.html"),
    ],
)
def test_the_search_works_from_disk(
    site: Path, tmp_path: Path, page: str, asked: str, expected: str
) -> None:
    copy = tmp_path / "site"
    shutil.copytree(site, copy)
    text = (copy / page).read_text(encoding="utf-8")
    (copy / page).write_text(text.replace("</body>", SEARCH % asked), encoding="utf-8")
    done = headless((copy / page).as_uri(), tmp_path / "profile", "--virtual-time-budget=60000")
    match = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
    assert match, done.stderr[-2000:]
    assert any(str(link).startswith(expected) for link in json.loads(unescape(match[1])))


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves without saying so."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.slow
@pytest.mark.browser
def test_no_page_complains(visited: tuple[list[dict], list[str]]) -> None:
    assert visited[1] == []


@pytest.mark.slow
@pytest.mark.browser
def test_no_page_fetches_from_elsewhere(visited: tuple[list[dict], list[str]]) -> None:
    assert [(each["page"], each["foreign"]) for each in visited[0] if each["foreign"]] == []


@pytest.mark.slow
@pytest.mark.browser
def test_no_page_is_wider_than_the_screen(visited: tuple[list[dict], list[str]]) -> None:
    """What is wide scrolls in a box of its own."""
    wide = [
        (each["page"], each["width"], each["wide"])
        for each in visited[0]
        if each["scrolls"] or each["wide"]
    ]
    assert wide == []


@pytest.mark.slow
@pytest.mark.browser
def test_pages_speak_their_language_and_show_formulas(
    visited: tuple[list[dict], list[str]],
) -> None:
    for each in visited[0]:
        assert each["language"] == ("zh" if each["page"].startswith("zh/") else "en"), each["page"]
    formulas = {each["page"]: each["formulas"] for each in visited[0]}
    assert formulas["tutorial.html"] > 100
    assert formulas["zh/tutorial.html"] == formulas["tutorial.html"]
    assert formulas["gallery/mazur.html"] > 0
