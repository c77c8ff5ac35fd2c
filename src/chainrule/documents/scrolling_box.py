"""The box of what may be wider than the screen: it scrolls sideways, and the page never does.

It can be focused by keyboard.  Its label is also the line that the style sheets show below it while
there is something to scroll to; in browsers that cannot see this (no animation along a scrolling)
the box has shadows at its edges instead.
"""

from html import escape


def scrolling_box(label: str) -> str:
    """Return the attributes of such a box, with a space before them.

    >>> scrolling_box("Scroll sideways")
    ' role="group" tabindex="0" aria-label="Scroll sideways"'
    """
    return f' role="group" tabindex="0" aria-label="{escape(label)}"'
