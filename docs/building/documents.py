"""Pages made of documents that lie elsewhere, and the lists of the how-to guides."""

import re
from pathlib import Path

from chainrule.documents.html_writer import style_sheet

_LINK = re.compile(r"\]\(([^)#:]+)\)")
ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
}
"""Documents of the repository, and the pages they are here."""
GUIDES = {
    "how-to": ("How-to guides", "Each answers one question, with code that the tests run."),
    "zh/how-to": ("操作指南", "每页回答一个问题，其中的代码都由测试运行。"),
}
"""The folders of the how-to guides, each with the title and the first line of its index."""


def pages(root: Path, written: Path) -> dict[str, str]:
    """Return the generated pages by name."""
    made = {
        page: relinked((root / document).read_text(encoding="utf-8"), Path(document).parent)
        for document, page in ELSEWHERE.items()
        if page != "index.md"
    }
    made["benchmarks.md"] += "\n" + (written / "building" / "benchmarks.md").read_text("utf-8")
    here, there = GUIDES
    made[f"{here}/index.md"] = _guides(written, here, translation=there)
    made[f"{there}/index.md"] = _guides(written, there, translation=here)
    # What chainrule writes as a part of a page has this style sheet inside.
    made["assets/derivation.css"] = style_sheet("document")
    return made


def relinked(text: str, folder: Path) -> str:
    """Turn links to documents of the repository into links to their pages."""

    def page(match: re.Match[str]) -> str:
        name = (folder / match.group(1)).as_posix()
        if name.startswith("docs/"):
            return f"]({name.removeprefix('docs/')})"
        if name not in ELSEWHERE:
            raise ValueError(f"a document links to {name}, which is no page of the documentation")
        return f"]({ELSEWHERE[name]})"

    return _LINK.sub(page, text)


def listed(written: Path, folder: str) -> list[str]:
    """Return the guides of a folder for the navigation, their index first."""
    return [f"{folder}/index.md", *(f"{folder}/{name}" for name in _order(written))]


def _order(written: Path) -> list[str]:
    """Return the names of the guides by their English titles, one order for both languages."""
    return [path.name for path in sorted((written / "how-to").glob("*.md"), key=title)]


def title(path: Path) -> str:
    """Return the first heading of a page."""
    return heading(path.read_text(encoding="utf-8"), path.name)


def heading(text: str, name: str) -> str:
    """Return the first heading of a page's text."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    if not found:
        raise ValueError(f"{name} has no title")
    return found.group(1)


def _guides(written: Path, folder: str, *, translation: str) -> str:
    first, line = GUIDES[folder]
    items = "\n".join(f"- [{title(written / folder / name)}]({name})" for name in _order(written))
    return f"---\ntranslation: {translation}/index.md\n---\n# {first}\n\n{line}\n\n{items}\n"
