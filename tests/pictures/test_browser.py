"""Charts in a real browser: real letters do not touch, light and dark, on a phone and a desk."""

import json
import re
import subprocess
from html import unescape
from pathlib import Path

import pytest

from chainrule.language.phrase_books import LANGUAGES
from tests.documents.test_browser import BROWSER, browser
from tests.pictures.reading_charts import every_chart

pytestmark = [pytest.mark.browser, pytest.mark.slow]

__all__ = ["browser"]  # the fixture that asks for one

PAGE = """<!doctype html><meta charset="utf-8"><title></title>
<style>body { margin: 0; width: %dpx } div { margin-bottom: 8px }</style>
%s
<script>
const found = [...document.querySelectorAll('svg')].map(svg => {
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')]
    .map(text => [text.getBoundingClientRect(), (text.lastChild || text).textContent])
    .filter(([box]) => box.width);
  const outside = texts.filter(([box]) => box.left < frame.left - 1
    || box.right > frame.right + 1 || box.top < frame.top || box.bottom > frame.bottom + 1);
  const touching = [];
  texts.forEach(([one, a], number) => texts.slice(number + 1).forEach(([two, b]) => {
    // The box of a text is as high as its line: letters are smaller.
    if (one.left < two.right - 1 && two.left < one.right - 1
        && one.top + 3 < two.bottom - 3 && two.top + 3 < one.bottom - 3) touching.push([a, b]);
  }));
  const style = getComputedStyle(svg);
  return {width: frame.width, paper: style.backgroundColor, touching,
          outside: outside.map(([, text]) => text),
          ink: getComputedStyle(svg.querySelector('text')).fill,
          size: 13 * frame.width / svg.viewBox.baseVal.width};
});
document.title = 'measured ' + JSON.stringify(found);
</script>"""


def laid_out(folder: Path, width: int, language: str, *options: str) -> dict[str, dict]:
    charts = every_chart(language)
    page = folder / "charts.html"
    inside = "\n".join(f"<div>{drawing._repr_html_()}</div>" for drawing in charts.values())
    page.write_text(PAGE % (width, inside), encoding="utf-8")
    command = [
        *(str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"),
        *(f"--user-data-dir={folder / 'profile'}", "--window-size=1280,900", *options),
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    title = re.search(r"<title>measured (.*?)</title>", done.stdout.decode("utf-8"))
    assert title, done.stderr.decode(errors="replace")[-1000:]
    return dict(zip(charts, json.loads(unescape(title[1])), strict=True))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [358, 1000])
def test_real_letters_neither_touch_nor_leave_the_picture(tmp_path, width, language):
    for name, chart in laid_out(tmp_path, width, language).items():
        assert chart["outside"] == [], name
        assert chart["touching"] == [], name
        wide = name in ("classes", "many classes")  # shrinks to 70 %, then scrolls
        assert chart["size"] >= (9 if wide else 11), name  # the pixels of the font
        assert chart["width"] <= width + 1 or wide, name


def test_charts_follow_the_scheme(tmp_path):
    light = laid_out(tmp_path, 358, "en")
    dark = laid_out(tmp_path, 358, "en", "--blink-settings=preferredColorScheme=0")
    assert {chart["paper"] for chart in light.values()} == {"rgb(255, 255, 255)"}
    assert {chart["paper"] for chart in dark.values()} == {"rgb(23, 24, 26)"}
    assert {chart["ink"] for chart in light.values()} != {chart["ink"] for chart in dark.values()}
