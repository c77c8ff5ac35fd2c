"""MathML to LaTeX, element by element: what a reader of a page sees, for the parser of lines."""

import xml.etree.ElementTree as ElementTree

_MARKS = {
    "\u2062": " ",
    "\u2061": "",
    "⊙": r" \odot ",
    "⊘": r" \oslash ",
    "−": " - ",
    "⊤": r"\top",
    "𝟏": r"\mathbf{1}",
    "∂": r"\partial ",
}


def latex_of_mathml(piece: str) -> str:
    return _of(ElementTree.fromstring(piece))


def _of(element: ElementTree.Element) -> str:
    parts = [_of(child) for child in element]
    match element.tag:
        case "math" | "mrow":
            return "".join(parts)
        case "mi" | "mn" | "mo" | "mtext":
            told = element.text or ""
            name = rf"\mathrm{{{told}}}" if element.tag == "mi" and len(told) > 1 else told
            return _MARKS.get(told, name)
        case "mfrac":
            return rf"\frac{{{parts[0]}}}{{{parts[1]}}}"
        case "msqrt":
            return rf"\sqrt{{{''.join(parts)}}}"
        case "msub":
            return f"{parts[0]}_{{{parts[1]}}}"
        case "msup":
            return _raised(parts[0], parts[1])
        case "msubsup":
            return _raised(f"{parts[0]}_{{{parts[1]}}}", parts[2])
    raise AssertionError(f"no LaTeX for <{element.tag}>")


def _raised(base: str, above: str) -> str:
    return f"{base}^{{{above}}}"
