"""What builds the documentation: each of its checks can fail."""

import doctest
from dataclasses import replace
from pathlib import Path

import pytest

import chainrule as cr
from chainrule import errors
from chainrule.command_line.main import VERBS
from docs.building import documents, fences, gallery, links, reference
from examples.published import GALLERY, figures, micrograd
from examples.published.example import Example
from examples.published.figures import Erratum, Figure

ROOT = Path(__file__).resolve().parents[2]


def some_part() -> list[Figure]:
    """Three figures."""
    return [Figure("x", ".25", 0.251), Figure("y", "-.5", -0.504), Erratum("z", ".125", 0.5)]


def example(part) -> Example:
    return replace(micrograd.EXAMPLE, parts=(part,))


def test_a_page_of_the_gallery_shows_figures_side_by_side() -> None:
    page = gallery.page(example(some_part))
    assert "## Some part\n\nThree figures." in page
    assert "| x | .25 | 0.25100 | +0.10 |" in page
    assert "| y | −.5 | −0.5040 | −0.04 |" in page
    assert "| z | .125 | 0.500000 | **+375** |" in page
    assert "2 figures are met, 1 published ones are missed as they have to be" in page


@pytest.mark.parametrize(
    "figure",
    [Figure("x", ".25", 0.28), Figure("x", ".25", float("nan")), Erratum("x", ".25", 0.2500001)],
)
def test_a_figure_that_departs_stops_the_build(figure: Figure) -> None:
    def departing() -> list[Figure]:
        """One figure."""
        return [figure]

    with pytest.raises(gallery.Departure, match=r"Departing: x: \.25, found"):
        gallery.page(example(departing))


def test_every_published_example_has_a_page() -> None:
    names = [entry.name for entry in GALLERY]
    assert len(set(names)) == len(names) >= 8
    assert gallery.listed() == ["gallery/index.md", *(f"gallery/{name}.md" for name in names)]


def test_data_that_is_not_at_hand_is_said() -> None:
    missing = replace(example(some_part), needs=Path("/nowhere"))
    assert "Not recomputed in this build" in gallery.page(missing)
    assert "0.25100" not in gallery.page(missing)


def test_the_reference_shows_every_public_name_every_error_and_every_verb() -> None:
    pages = reference.pages()
    shown = "\n".join(pages.values()).splitlines()
    for name in cr.__all__:
        assert shown.count(f"::: chainrule.{name}") == 1
    for name in errors.__all__:
        is_class = isinstance(getattr(errors, name), type)
        assert shown.count(f"::: chainrule.errors.{name}") == is_class
    for verb in VERBS:
        assert f"## chainrule {verb}" in shown
    assert set(reference.listed()) == set(pages)


def test_docstrings_become_markdown() -> None:
    pytest.importorskip("griffe")
    from docs.building.docstrings import markdown

    text = (
        "Say.\n\nMore.\n\n>>> for i in (1, 2):\n...     print(i)\n1\n2\n\nAfter.\n\n::\n\n    a\n"
    )
    assert markdown(text) == (
        "Say.\n\nMore.\n\n```pycon\n>>> for i in (1, 2):\n...     print(i)\n1\n2\n```\n\n"
        "After.\n\n    a"
    )


def test_links_of_documents_are_those_of_pages() -> None:
    assert documents.relinked("[x](benchmarks/README.md)", Path()) == "[x](benchmarks.md)"
    assert documents.relinked("[x](https://a.b/c.md)", Path()) == "[x](https://a.b/c.md)"
    with pytest.raises(ValueError, match=r"links to src/x\.py"):
        documents.relinked("[x](x.py)", Path("src"))


def test_the_guides_are_listed_in_one_order_in_both_languages() -> None:
    written = ROOT / "docs"
    english = documents.listed(written, "how-to")
    assert english[0] == "how-to/index.md"
    assert {path.name for path in (written / "how-to").glob("*.md")} == {
        name.removeprefix("how-to/") for name in english[1:]
    }
    assert documents.listed(written, "zh/how-to") == [f"zh/{name}" for name in english]
    made = documents.pages(ROOT, written)
    for folder, other, first in (
        ("how-to", "zh/how-to", "Choose backend, threads and instruction set"),
        ("zh/how-to", "how-to", "选择后端、线程数和指令集"),
    ):
        lines = made[f"{folder}/index.md"].splitlines()
        assert lines[:3] == ["---", f"translation: {other}/index.md", "---"]
        items = [line for line in lines if line.startswith("- ")]
        assert items[0] == f"- [{first}](speed.md)"
        assert len(items) == len(english) - 1


def test_the_navigation_is_filled_at_any_depth() -> None:
    pytest.importorskip("mkdocs")
    from docs.building import hooks

    navigation = ["index.md", {"A": "a/*"}, {"B": ["b.md", {"C": "b.md", "D": "a/*"}]}]
    hooks.fill(navigation, {"a/*": ["a/x.md"]})
    assert navigation == [
        "index.md",
        {"A": ["a/x.md"]},
        {"B": ["b.md", {"C": "b.md", "D": ["a/x.md"]}]},
    ]


def test_a_derivation_block_is_shown_in_the_language_of_the_page() -> None:
    code = 'd = cr.derive(cr.Network.dense([2, 1]))\nd, ["δ_1"]\n'
    assert "chain rule" in fences.shown(code, "en")
    assert "链式法则" in fences.shown(code, "zh")
    assert "<style>" not in fences.shown(code, "en")
    with pytest.raises(ValueError, match="line of this derivation"):
        fences.shown(code.replace("δ_1", "δ_7"), "en")


def test_dead_links_and_fetched_files_are_found(tmp_path: Path) -> None:
    def faults(body: str) -> list[str]:
        (tmp_path / "index.html").write_text(f"<p id=here></p>{body}", "utf-8")
        return links.faults(tmp_path)

    assert faults('<a href="#here"></a><a href="index.html"></a><a href="https://x.y"></a>') == []
    assert faults('<a href="no.html"></a>') == ["index.html: no.html leads nowhere"]
    assert faults('<a href="#there"></a>') == ["index.html: #there: that page has no such place"]
    assert faults('<img src="no.png">') == ["index.html: no.png leads nowhere"]
    assert faults('<script src="https://cdn.x/y.js">') == ["index.html: fetches https://cdn.x/y.js"]
    assert faults('<link rel="stylesheet" href="//x.y/z">') == ["index.html: fetches //x.y/z"]


def test_examples_of_the_docstrings() -> None:
    outcome = doctest.testmod(figures)
    assert outcome.attempted > 0
    assert outcome.failed == 0
