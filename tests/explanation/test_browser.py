"""An explanation's page in a real browser: what is wide scrolls in a box, never the page."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chainrule import Explanation
from tests.documents.test_browser import assert_only_boxes_scroll, browser, on_every_screen
from tests.explanation.test_pages import deep, mazur, of_tables, others

pytestmark = [pytest.mark.browser, pytest.mark.slow]

__all__ = ["browser"]  # the fixture that asks for one


@pytest.mark.parametrize("name", ["mazur", "deep", "table", "shared"])
def test_only_boxes_scroll_sideways_never_the_page(name: str, tmp_path: Path) -> None:
    made: dict[str, Callable[[], Explanation]] = {
        "mazur": mazur,
        "deep": deep,
        "table": lambda: of_tables(tmp_path)[0],
        "shared": lambda: others()[3],
    }
    for case, size, found in on_every_screen(made[name]().to_html, tmp_path):
        assert_only_boxes_scroll(case, size, found)
        if name == "table":  # the values of the cells are seen without scrolling
            assert 0 < found["numbers"][0] <= found["width"], case
