"""How wide the columns of a table may be where it has to fit a page."""

from collections.abc import Sequence


def shared(widths: Sequence[float], room: float) -> list[float]:
    """Return widths that fit into ``room`` together: what is too wide shares what is left.

    >>> shared([10, 20, 90, 60], 130)
    [10, 20, 50.0, 50.0]
    """
    if sum(widths) <= room:
        return list(widths)
    left, open_ = room, len(widths)
    fair = room / open_
    for width in sorted(widths):
        fair = left / open_
        if width > fair:
            break
        left, open_ = left - width, open_ - 1
    return [min(width, fair) for width in widths]
