"""An explanation's page in a real browser: what is wide scrolls in a box, never the page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chainrule import Explanation
from tests.documents.test_browser import DESKTOP, PHONE, browser, measured
from tests.explanation.test_pages import deep, mazur, of_tables, others

pytestmark = [pytest.mark.browser, pytest.mark.slow]

__all__ = ["browser"]  # the fixture that asks for one


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["mazur", "deep", "table", "shared"])
def test_only_boxes_scroll_sideways_never_the_page(
    name: str, language: Any, size: tuple[int, int], tmp_path: Path
) -> None:
    made: dict[str, Callable[[], Explanation]] = {
        "mazur": mazur,
        "deep": deep,
        "table": lambda: of_tables(tmp_path)[0],
        "shared": lambda: others()[3],
    }
    explanation = made[name]()
    found = measured(explanation.to_html(language), size, tmp_path)
    assert found["width"] == size[0]
    assert found["overflow"] <= 0
    assert found["outside"] == []
    assert found["boxes"] > 10
    assert found["unreachable"] == 0, "a formula that scrolls must be reached by keyboard"
    assert found["clipped"] == 0
