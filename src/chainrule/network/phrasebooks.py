"""What is said in words lies in phrase books, one file per book and language, beside the code."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from chainrule.errors import unknown_name

LANGUAGES = ("en", "zh")


def check_language(language: str) -> None:
    """Refuse a language that there is not."""
    if language not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES)


@cache
def phrases_of(package: str, book: str, language: str) -> Mapping[str, str]:
    """Return every phrase of a book in a language by its key.

    >>> phrases_of("chainrule.network", "telling", "zh")["forward"]
    '前向传播'
    """
    check_language(language)
    stored = files(package).joinpath("phrases", f"{book}.{language}.toml")
    return tomllib.loads(stored.read_text(encoding="utf-8"))
