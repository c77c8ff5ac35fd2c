"""What the tests read of a chart: its elements, and the example charts of every kind."""

from xml.etree import ElementTree

import numpy as np

from chainrule.network.drawing_elements import Drawing, text_width
from chainrule.pictures.charts import (
    Series,
    bars,
    calibration_curve,
    heat_table,
    histogram,
    line_chart,
    roc_curve,
    scatter,
)
from chainrule.pictures.loss_curves import LossCurves

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert('x')</script> & \"]]>\x00"
CHINESE = "二零二六年度全国各地区居民人均可支配收入情况统计"
NAMES = ("plain", HOSTILE, CHINESE, "", "a very long name " * 20)


def parsed(drawing: Drawing) -> ElementTree.Element:
    """Return the root of a picture: a parser of XML that is not ours has read it."""
    return ElementTree.fromstring(drawing.svg)


def by_class(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [found for found in root.iter() if name in (found.get("class") or "").split()]


def history(epochs: int, seed: int = 0, low: float = 0.1) -> dict[str, list[float]]:
    """Return losses that fall, and held-out losses that rise after a while."""
    noise = np.random.default_rng(seed).random((2, epochs))
    t = np.arange(epochs)
    training = np.exp(-t / 20) + low + 0.02 * noise[0]
    held = training + 0.0005 * t * (1 + seed) + 0.01 * noise[1]
    return {
        "loss": training.tolist(),
        "data_loss": training.tolist(),
        "validation_loss": held.tolist(),
    }


def curves(*histories: dict[str, list[float]], best: int | None = None) -> LossCurves:
    return LossCurves.of(histories, best)


def every_chart(language: str = "en") -> dict[str, Drawing]:
    """Return charts of every kind, with names and values that are hard to lay out."""
    generator = np.random.default_rng(0)
    values = 1e5 * generator.normal(size=500)
    nan, inf = float("nan"), float("inf")
    odd = {"loss": [nan, 3.0, inf, 2.0, 1.0], "validation_loss": [1e30, 1.0, 1e-9, nan, 2.0]}
    found = {
        "one": curves(history(200)).drawing(language),
        "members": curves(*(history(200, seed) for seed in range(8))).drawing(language),
        "no held-out loss": curves({"loss": [3.0, 2.0, 1.0]}).drawing(language),
        "one epoch": curves({"loss": [0.5]}).drawing(language),
        "not finite": curves(odd, best=3).drawing(language),
        "nothing": curves({"loss": [nan, inf]}).drawing(language),
        "none": curves({}).drawing(language),
        "large": curves({"loss": [1e9 + 1e-3 * k for k in range(9)]}).drawing(language),
        "scores": curves(history(30)).drawing(language, scores=values[:30], best_score=4),
        "bars": bars(NAMES, [0.3, -0.2, 0.01, 0.0, nan], HOSTILE, language=language),
        "deviations": bars(["a", "b"], [1.0, 2.0], "", deviations=[0.5, 0.1], language=language),
        "lines": line_chart(
            [Series(name, [1, 2, nan], [0.1, 3e4, 2]) for name in NAMES[:4]], "x", "y"
        ),
        "line": line_chart([Series("a", [3.0], [5.0])], HOSTILE, CHINESE),
        "no bars": bars([], [], "", language=language),
        "classes": heat_table(
            generator.integers(0, 100_000, (5, 5)).tolist(), NAMES, language=language
        ),
        "many classes": heat_table(
            np.eye(50, dtype=int), [f"c{k}" for k in range(50)], language=language
        ),
    }
    for name in NAMES:
        found |= {
            f"scatter {name}": scatter(values, values + 1e4, name, language),
            f"histogram {name}": histogram([*values, nan], name, language),
            f"roc {name}": roc_curve(
                [Series(name, [0.0, 0.2, 1.0], [0.0, 0.7, 1.0])], name, language
            ),
            f"calibration {name}": calibration_curve(
                [Series(name, [0.1, 0.9], [0.2, 0.8])] * 4, name, language
            ),
        }
    return found


def text_boxes(root: ElementTree.Element) -> list[tuple[float, float, float, float, str]]:
    """Return left, top, right, bottom of every text, with letters of the width that is assumed."""
    found = []

    def visit(element: ElementTree.Element, down: float) -> None:
        moved = element.get("transform", "")
        if moved.startswith("translate(0 "):
            down += float(moved[12:-1])
        if element.tag == f"{SVG}text":
            x, y = float(element.attrib["x"]), down + float(element.attrib["y"])
            # A title within is a tip, which is not drawn.
            text = (element.text or "") + "".join(child.tail or "" for child in element)
            wide = text_width(text)
            anchor = element.get("style", "text-anchor:middle").partition(":")[2]
            left = {"start": x, "middle": x - wide / 2, "end": x - wide}[anchor]
            found.append((left, y - 10, left + wide, y + 3, text))
        for child in element:
            visit(child, down)

    visit(root, 0.0)
    return found
