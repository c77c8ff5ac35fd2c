"""Pages made of documents that lie elsewhere, and the list of the how-to guides."""

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


def pages(root: Path, written: Path) -> dict[str, str]:
    """Return the generated pages by name."""
    made = {
        page: relinked((root / document).read_text(encoding="utf-8"), Path(document).parent)
        for document, page in ELSEWHERE.items()
        if page != "index.md"
    }
    made["benchmarks.md"] += "\n" + (written / "building" / "benchmarks.md").read_text("utf-8")
    made["how-to/index.md"] = _guides(written / "how-to")
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
    """Return the pages of a folder for the navigation, its index first."""
    return [f"{folder}/index.md", *(f"{folder}/{path.name}" for path in _sorted(written / folder))]


def _sorted(folder: Path) -> list[Path]:
    """Return the guides by title: "Coming from" first, as it happens."""
    return sorted(folder.glob("*.md"), key=title)


def title(path: Path) -> str:
    """Return the first heading of a page."""
    found = re.search(r"^# (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise ValueError(f"{path} has no title")
    return found.group(1)


def _guides(folder: Path) -> str:
    items = "\n".join(f"- [{title(path)}]({path.name})" for path in _sorted(folder))
    return (
        f"# How-to guides\n\nEach answers one question, with code that the tests run.\n\n{items}\n"
    )
