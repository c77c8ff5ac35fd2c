"""Phrase books: every text that exists in two languages, one TOML file per book and language.

The files are ``phrases/<book>.<language>.toml``; the keys are the same in each language.
"""

from collections.abc import Mapping
from functools import cache

from chainrule.errors import unknown_name

LANGUAGES = ("en", "zh")


def check_language(language: str) -> None:
    """Raise ``InputError`` unless a language has phrase books."""
    if language not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES)


@cache
def phrases_of(book: str, language: str) -> Mapping[str, str]:
    """Return every phrase of a book in a language by its key.

    >>> phrases_of("derivation", "zh")["forward"]
    '前向传播'
    """
    check_language(language)
    # Here, because a command that shows no phrase need not import them.
    import tomllib
    from importlib.resources import files

    stored = files("chainrule.language").joinpath("phrases", f"{book}.{language}.toml")
    return tomllib.loads(stored.read_text(encoding="utf-8"))
