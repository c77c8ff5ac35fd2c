"""What mkdocs calls while it builds: generated pages join the written ones, and pages in Chinese
get a theme that speaks Chinese.
"""

import posixpath
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # mkdocs loads this file by its path
    sys.path.insert(0, str(ROOT))

from mkdocs.config.defaults import MkDocsConfig  # noqa: E402
from mkdocs.plugins import event_priority  # noqa: E402
from mkdocs.structure.files import File, Files  # noqa: E402
from mkdocs.structure.pages import Page  # noqa: E402

from docs.building import documents, fences, gallery, reference  # noqa: E402

OTHER_LANGUAGE = {"en": ("中文", "zh-Hans"), "zh": ("English", "en")}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Teach Markdown our fences, and fill in the parts of the navigation that end in ``*``."""
    config.mdx_configs.setdefault("pymdownx.superfences", {})["custom_fences"] = fences.CUSTOM
    written = Path(config.docs_dir)
    listed: dict[str, list[Any]] = {
        **{f"{folder}/*": documents.listed(written, folder) for folder in documents.GUIDES},
        "gallery/*": gallery.listed(),
        "reference/*": reference.listed(),
    }
    fill(config.nav or [], listed)
    return config


def fill(entries: list[Any], listed: dict[str, list[Any]]) -> None:
    """Put the pages in the place of each ``*``, at any depth."""
    for entry in entries:
        for title, value in entry.items() if isinstance(entry, dict) else ():
            if isinstance(value, list):
                fill(value, listed)
            elif value.endswith("/*"):
                entry[title] = listed[value]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is generated."""
    made = {
        **documents.pages(ROOT, Path(config.docs_dir)),
        **gallery.pages(),
        **reference.pages(),
    }
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Begin a page that is there in two languages with a link to the other one."""
    fences.LANGUAGE = language_of(page)
    other = page.meta.get("translation")
    if not other:
        return markdown
    here = posixpath.dirname(page.file.src_uri)
    words, tag = OTHER_LANGUAGE[language_of(page)]
    link = posixpath.relpath(other, here or ".")
    if not page.is_homepage:  # mkdocs takes a heading for the title only where nothing is before it
        page.meta.setdefault("title", documents.heading(markdown, page.file.src_uri))
    return f'[{words}]({link}){{ .language lang="{tag}" hreflang="{tag}" }}\n\n{markdown}'


def on_page_context(context: Any, page: Page, config: MkDocsConfig, **_: Any) -> Any:
    """Let the theme speak the language of the page; pages are rendered one after the other."""
    config.theme["language"] = language_of(page)
    return context


@event_priority(-100)  # after the search has written its index
def on_post_build(config: MkDocsConfig, **_: Any) -> None:
    """Write the index of the search as a script too: a page from disk may load no other file."""
    folder = Path(config.site_dir) / "search"
    index = (folder / "search_index.json").read_text(encoding="utf-8")
    (folder / "search_index.js").write_text(f"var __index = {index}", encoding="utf-8")


def language_of(page: Page) -> str:
    """Return the language of a page: Chinese has a folder of its own."""
    return "zh" if page.file.src_uri.startswith("zh/") else "en"
