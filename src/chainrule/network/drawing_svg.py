"""A drawing of a network as SVG."""

from chainrule.network.drawing_elements import document, escaped, label, symbol
from chainrule.network.drawing_marks import (
    Box,
    Circle,
    Group,
    Label,
    Mark,
    Name,
    Path,
    Picture,
    Sign,
    Text,
)

__all__ = ["svg_of"]

_SIGNS = {
    "Sum": "M-6 0H6M0 -6V6",
    "Difference": "M-6 0H6",
    "Product": "M-2 0A2 2 0 1 0 2 0A2 2 0 1 0 -2 0",
}
"""The signs ⊕, ⊖ and ⊙ without their circle."""
_TIPS = {"edge": "tip", "back": "back-tip"}


def svg_of(picture: Picture) -> str:
    """Return the text of a picture."""
    parts = [_mark(mark, picture.key) for mark in picture.marks]
    return document(
        picture.width, picture.height, picture.title, picture.description, parts, picture.key
    )


def _mark(mark: Mark, key: str) -> str:
    match mark:
        case Label():
            return label(mark.x, mark.y, _text(mark.text), mark.style)
        case Circle(x=x, y=y, radius=radius):
            circle = f'cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}"'
            return f'<circle class="{mark.style}" {circle}/>'
        case Box():
            return (
                f'<rect class="shape" x="{mark.x:.1f}" y="{mark.y:.1f}" width="{mark.width:.1f}" '
                f'height="{mark.height:.1f}" rx="7"/>'
            )
        case Path():
            at = f' marker-{mark.head}="url(#{_TIPS[mark.style]}-{key})"' if mark.head else ""
            return f'<path class="{mark.style}" d="{mark.data}"{at}/>'
        case Sign():
            at = f"translate({mark.x:.1f} {mark.y:.1f})"
            return f'<path class="sign" transform="{at}" d="{_SIGNS[mark.kind]}"/>'
        case Group():
            given = " given" if mark.given else ""
            inside = "".join(_mark(each, key) for each in mark.marks)
            return (
                f'<g class="layer{given}" data-layer="{mark.number}">'
                f"<title>{escaped(mark.tip)}</title>{inside}</g>"
            )


def _text(text: Text) -> str:
    return "".join(
        symbol(piece.name) if isinstance(piece, Name) else escaped(piece) for piece in text
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
