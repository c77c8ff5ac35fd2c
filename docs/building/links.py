"""Looks over a built site: every link inside it leads somewhere, and no page fetches anything.

python -m docs.building.links build/site
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {
    ("link", "href"),
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
}
"""What a browser loads with a page; an ``a`` is followed by people only."""
NOT_FETCHED = {"canonical", "alternate", "prev", "next"}


class Looking(HTMLParser):
    """Collects the links, what is fetched, and the places that can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what one tag says."""
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        quiet = tag == "link" and given.get("rel") in NOT_FETCHED
        for name in ("href", "src"):
            if (tag, name) in FETCHED and name in given and not quiet:
                self.fetched.append(given[name])


def look(page: Path) -> Looking:
    """Read one page."""
    looking = Looking()
    looking.feed(page.read_text(encoding="utf-8"))
    return looking


def faults(site: Path) -> list[str]:
    """Return what is wrong in a built site, a line each."""
    site = site.resolve()
    pages = {page: look(page) for page in sorted(site.rglob("*.html"))}
    if not pages:
        return [f"{site}: no pages"]
    found = []
    for page, looking in pages.items():
        if page.name == "404.html":
            continue  # its addresses are those of a server's root
        name = page.relative_to(site)
        for address in looking.fetched:
            parts = urlsplit(address)
            if parts.scheme not in ("", "data") or parts.netloc:
                found.append(f"{name}: fetches {address}")
        for address in {*looking.links, *looking.fetched}:
            wrong = dead(address, page, pages)
            if wrong:
                found.append(f"{name}: {wrong}")
    return found


def dead(address: str, page: Path, pages: dict[Path, Looking]) -> str | None:
    """Return what is wrong with an address, if it is one inside the site and leads nowhere."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    target = page if not parts.path else (page.parent / unquote(parts.path)).resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return f"{address} leads nowhere"
    place = unquote(parts.fragment)
    known = pages[target].places if target in pages else set()
    if place and target in pages and place not in known and not place.startswith("__"):
        return f"{address}: that page has no such place"
    return None


def main() -> None:
    """Print what is wrong; fail where anything is."""
    found = faults(Path(sys.argv[1]))
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
