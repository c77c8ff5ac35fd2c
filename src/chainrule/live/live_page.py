"""The page of a training: one HTML file with one script, which fetches nothing but the data."""

from __future__ import annotations

import json
from importlib.resources import files

from chainrule.documents.html_writer import style_sheet
from chainrule.language.phrase_books import phrases_of
from chainrule.network.drawing_elements import escaped

__all__ = ["page_of"]

_TAGS = {"en": "en", "zh": "zh-Hans"}


def page_of(source: str, language: str, nonce: str, *, keeps_best: bool) -> bytes:
    """Return the page about a training on ``source``; the script has the ``nonce``."""
    texts = phrases_of("live", language)
    style = "\n".join((style_sheet("page"), style_sheet("document"), _stored("live.css")))
    title = escaped(texts["title"].format(source=source))
    spoken = {name: texts[name] for name in ("lost", "stopping")}
    given = json.dumps(spoken).replace("<", "\\u003c")
    retained = texts["keeps_best" if keeps_best else "keeps_last"]
    return f"""<!doctype html>
<html lang="{_TAGS[language]}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main class="chainrule live">
<h1>{title}</h1>
<p id="status" role="status">{escaped(texts["waiting"])}</p>
<progress id="share" max="1" value="0" aria-label="{escaped(texts["progress"])}"></progress>
<p id="ending"><button id="stop" type="button">{escaped(texts["stop"])}</button> \
<span class="note">{escaped(retained)}</span></p>
<div class="columns">
<figure id="picture"></figure>
<dl id="facts"></dl>
</div>
<div id="tables"></div>
<p class="note">{escaped(texts["local"])}</p>
</main>
<script nonce="{nonce}">
const TEXTS = {given};
{_stored("live.js")}
</script>
</body>
</html>
""".encode("utf-8", "replace")


def _stored(name: str) -> str:
    return files("chainrule.live").joinpath(name).read_text(encoding="utf-8").strip()
