"""Charts: well-formed, true to the numbers, without overlaps, safe for any name."""

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.errors import InputError
from chainrule.language.phrase_books import LANGUAGES, phrases_of
from chainrule.pictures.charts import (
    Series,
    bars,
    calibration_curve,
    heat_table,
    histogram,
    roc_curve,
    scatter,
)
from tests.pictures.reading_charts import (
    CHINESE,
    HOSTILE,
    SVG,
    by_class,
    every_chart,
    parsed,
    text_boxes,
)


@pytest.fixture(scope="module")
def charts() -> Any:
    return {language: every_chart(language) for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_chart_is_xml_with_texts_for_readers_and_no_script(charts, language):
    marks = set()
    for name, drawing in charts[language].items():
        root = parsed(drawing)
        title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
        assert title is not None, name
        assert description is not None, name
        assert description.text, name
        assert root.get("role") == "img"
        marked = (root.get("aria-labelledby") or "").split()
        assert marked == [title.get("id"), description.get("id")]
        marks |= set(marked)
        assert "prefers-color-scheme:dark" in drawing.svg
        tags = {element.tag.removeprefix(SVG) for element in root.iter()}
        assert tags <= {*("svg", "title", "desc", "style", "g", "path", "circle"), "rect", "text"}
        assert not re.search(r"\b(nan|inf)\b", re.sub(r"<(title|desc)[^>]*>[^<]*", "", drawing.svg))
        assert "{" not in description.text.replace(HOSTILE, ""), name
    assert len(marks) == 2 * len(charts[language])  # ids that a page has once


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_neither_overlap_nor_leave_the_picture(charts, language):
    for name, drawing in charts[language].items():
        root = parsed(drawing)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        found = text_boxes(root)
        for left, top, right, bottom, text in found:
            assert left >= -1, (name, text)
            assert right <= width + 1, (name, text)
            assert top >= 0, (name, text)
            assert bottom <= height, (name, text)
        for one, two in itertools.combinations(found, 2):
            apart = one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]
            assert apart, (name, one, two)


@pytest.mark.parametrize("language", LANGUAGES)
def test_marks_stay_in_the_picture(charts, language):
    for name, drawing in charts[language].items():
        root = parsed(drawing)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for rect in root.iter(f"{SVG}rect"):
            x, y, w, h = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
            assert 0 <= x <= x + w <= width, name
            assert 0 <= y <= y + h <= height, name
        for circle in root.iter(f"{SVG}circle"):
            assert 0 <= float(circle.attrib["cx"]) <= width, name
            assert 0 <= float(circle.attrib["cy"]) <= height, name


def test_dots_are_where_the_numbers_are():
    actual, predicted = np.array([0.0, 25.0, 50.0, 100.0]), np.array([100.0, 75.0, 50.0, 0.0])
    dots = by_class(parsed(scatter(actual, predicted, "price")), "dot")
    x = [float(dot.attrib["cx"]) for dot in dots]
    y = [float(dot.attrib["cy"]) for dot in dots]
    assert np.allclose(np.polyval(np.polyfit(actual, x, 1), actual), x, atol=0.02)
    assert np.allclose(np.polyval(np.polyfit(predicted, y, 1), predicted), y, atol=0.02)
    assert x == sorted(x)
    assert y == sorted(y)  # downwards, as the predictions fall
    assert x[-1] - x[0] == pytest.approx(y[-1] - y[0], abs=0.02)  # a unit is as long as wide


def test_a_scatter_leaves_out_what_is_not_finite_and_counts_what_it_draws():
    drawing = scatter([1.0, np.nan, 3.0, 1e305], [1.0, 2.0, np.inf, 1.0], "y")
    assert len(by_class(parsed(drawing), "dot")) == 1
    assert "1 of 4 rows" in drawing.svg
    many = scatter(np.arange(10_000.0), np.arange(10_000.0), "y")
    assert len(by_class(parsed(many), "dot")) == 2_000
    assert "2,000 of 10,000 rows" in many.svg


def test_the_length_of_a_bar_is_its_value():
    drawn = by_class(parsed(bars(["a", "b", "c"], [2.0, 1.0, -1.0], "lengths")), "bar")
    widths = [float(bar.attrib["width"]) for bar in drawn]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.02)
    assert widths[1] == pytest.approx(widths[2], abs=0.02)
    left = [float(bar.attrib["x"]) for bar in drawn]
    assert left[0] == left[1] == pytest.approx(left[2] + widths[2], abs=0.02)


def test_bars_beside_long_names_have_room():
    names = ["<b>wide</b> & <i>wider</i>", "WWWWWWWWWWWWWWWWWWWWWWWW"]
    root = parsed(bars(names, [3.66, -0.000345], "lengths"))
    longest = max(float(bar.attrib["width"]) for bar in by_class(root, "bar"))
    assert longest >= 179.9
    left, _, width, _ = map(float, root.attrib["viewBox"].split())
    assert (left, width) == (0.0, pytest.approx(420, abs=8))  # legible on a phone of 390 pixels


def test_a_histogram_counts_as_numpy_does():
    values = np.random.default_rng(0).normal(size=1_000)
    root = parsed(histogram([*values, np.nan, np.inf], "x"))
    drawn = [next(iter(bar)).text or "" for bar in by_class(root, "bar")]
    bins = [re.match(r"(\S+) – (\S+): (\d+)", text.replace("−", "-")) for text in drawn]
    edges = [(float(m[1]), float(m[2])) for m in bins if m]
    counts = [int(m[3]) for m in bins if m]
    assert sum(counts) == 1_000
    assert 10 <= len(counts) <= 30
    for (low, high), count in zip(edges, counts, strict=True):
        assert count == np.sum((values >= low) & (values < high))
    heights = [float(bar.attrib["height"]) for bar in by_class(root, "bar")]
    assert np.corrcoef(heights, counts)[0, 1] > 0.999999
    assert "2 left out" in (root.findtext(f"{SVG}desc") or "")


def test_a_heat_table_is_as_dark_as_the_share_of_its_row():
    root = parsed(heat_table([[8, 2], [0, 50]], ["no", "yes"]))
    shades = [float(cell.attrib["fill-opacity"]) for cell in by_class(root, "cell")]
    assert shades == pytest.approx([0.4, 0.1, 0.0, 0.5])
    assert "60 rows, 58 of them in the diagonal" in (root.findtext(f"{SVG}desc") or "")


@pytest.mark.parametrize("made", [roc_curve, calibration_curve])
def test_curves_have_a_diagonal_and_a_legend(made):
    root = parsed(made([Series("one", [0, 1], [0, 1]), Series("two", [0, 1], [0, 0.5])], "y"))
    legend = [text.text for text in by_class(root, "legend")]
    assert legend[:2] == ["one", "two"]
    drawn = [path.attrib["d"] for path in by_class(root, "rule") if "L" in path.attrib["d"]]
    (diagonal,) = drawn
    assert diagonal in [path.attrib["d"] for path in by_class(root, "line")]  # y = x is on it


def test_hostile_and_chinese_names_are_texts():
    root = parsed(bars([HOSTILE, CHINESE], [1.0, 2.0], "t"))
    names = by_class(root, "bar-name")
    assert next(iter(names[0])).text == HOSTILE.replace("\x00", "�") + ": 1"
    assert next(iter(names[1])).text == CHINESE + ": 2"
    assert "…" in (next(iter(names[1])).tail or "")


def test_both_languages_have_the_same_phrases_and_every_one_is_used():
    english, chinese = phrases_of("pictures", "en"), phrases_of("pictures", "zh")
    assert english.keys() == chinese.keys()
    folder = Path(__file__).parents[2] / "src" / "chainrule" / "pictures"
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", chinese[key])), key
        assert f'"{key}"' in source or f"'{key}'" in source, key
    words = set(
        re.findall("[A-Za-z]+", " ".join(re.sub(r"\{\w+\}", "", t) for t in chinese.values()))
    )
    assert words == {"ROC"}


@pytest.mark.parametrize(
    ("made", "start"),
    [
        (lambda: scatter([1.0], [1.0, 2.0], "y"), "`predicted` must be of the shape"),
        (lambda: bars(["a"], [1.0, 2.0], "t"), "`values` must be 1 numbers"),
        (lambda: heat_table([[1, 2]], ["a", "b"]), "`counts` must be 2 rows of 2 counts"),
        (lambda: roc_curve([Series("s", [0], [0])] * 5, "y"), "`curves` must be at most 4"),
        (lambda: scatter([1.0], [1.0], "y", "fr"), "unknown language 'fr'"),
    ],
)
def test_bad_arguments_have_one_clear_line(made, start):
    with pytest.raises(InputError) as caught:
        made()
    assert str(caught.value).startswith(start)
    assert "\n" not in str(caught.value)
