"""Reads a page as strictly as XML: every element closed, and only what a page may hold."""

import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

from tests.formulas.read_mathml import check_elements

Element = ElementTree.Element

ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "main", "nav", "section", "div", "span"),
    *("h1", "h2", "h3", "p", "ul", "li", "a", "details", "summary"),
    *("table", "tr", "th", "td"),
    # the drawing of a network
    *("svg", "desc", "defs", "marker", "g", "path", "circle", "rect", "text", "tspan"),
}


def parsed(page: str) -> Element:
    """Return the page's root; meta, the one empty element, is closed for the reader."""
    source = re.sub(r"(<meta [^>]*)>", r"\1/>", page.removeprefix("<!doctype html>"))
    return ElementTree.fromstring(source)


def words(root: Element) -> str:
    """Return what a reader of the page sees: no style sheets."""
    body = root.find("body")
    assert body is not None
    styles = {text for style in body.iter("style") for text in style.itertext()}
    return "".join(text for text in body.itertext() if text not in styles)


def check_page(root: Element) -> None:
    """Assert that a page is well formed: elements, MathML, identifiers, order of headings."""
    parents = {child: parent for parent in root.iter() for child in parent}
    inside_math = {node for formula in root.iter("math") for node in formula.iter()}
    for element in root.iter():
        if element in inside_math:
            continue
        assert element.tag in ALLOWED, element.tag
        assert not [name for name in element.attrib if name.startswith("on")], "a script"
    for formula in root.iter("math"):
        check_elements(formula)
        assert len(formula), "an empty formula"
    assert len(list(root.iter("svg"))) <= 1
    names = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(names) == len(set(names))
    for link in root.iter("a"):
        assert link.attrib["href"].removeprefix("#") in names
    for section in root.iter("section"):
        assert section.attrib.get("aria-labelledby", names[0] if names else "") in (*names, "")
    levels = [
        int(element.tag[1]) for element in root.iter() if re.fullmatch(r"h[1-6]", element.tag)
    ]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for item in root.iter("li"):
        assert parents[item].tag == "ul"
    for summary in root.iter("summary"):
        assert parents[summary].tag == "details"


_LINEAR = {"\u2062": " ", "\u2061": "", "⊤": "ᵀ", "∑": "Σ"}


def linear(element: Element) -> str:
    """Return a formula of a page as the line of text that says the same, dimensions left out."""
    parts = [linear(child) for child in element]
    match element.tag:
        case "mfrac":
            top, bottom = parts
            if top.startswith("∂"):
                return f"{top}/{bottom}"
            return f"{_held(top)}/{_held(bottom)}"
        case "msub":
            return f"{parts[0]}_{parts[1]}"
        case "msup":
            return _raised(parts[0], parts[1])
        case "msubsup":
            return _raised(f"{parts[0]}_{parts[1]}", parts[2])
        case "munder" if element[1].tag == "mo" or element[0].tag == "munder":
            return parts[0]  # a brace, and the dimensions under it
        case "munderover":
            return f"{parts[0]}_{{{parts[1].replace(' ', '')}}}^{{{parts[2]}}} "
        case "mphantom":
            return ""
        case "mo":
            mark = _LINEAR.get(element.text or "", element.text or "")
            infix = mark in ("=", "←", "×", "⊙", "−", "+") and element.get("form") != "prefix"
            return f" {mark} " if infix else mark
        case "mi" | "mn" | "mtext":
            return element.text or ""
    return "".join(parts)


def _held(piece: str) -> str:
    single = re.fullmatch(r"[\w.]+", piece) or piece.startswith("e^") or piece.endswith(")²")
    return piece if single else f"({piece})"


def _raised(base: str, above: str) -> str:
    if above == "ᵀ":
        return base + above
    if above == "2":
        return base + "²"
    return f"{base}^{above}" if len(above) == 1 else f"{base}^({above})"
