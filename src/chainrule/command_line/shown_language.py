"""The language of what is shown: as --language states, or else that of the locale."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

import click

from chainrule.language.phrase_books import LANGUAGES

__all__ = [
    "language_of_locale",
    "language_of_verbs",
    "language_option",
    "shown_language",
    "state_language",
]

_STATED = "chainrule.stated_language"


def language_of_locale(environment: Mapping[str, str]) -> str:
    """Return the language that the environment asks for: Chinese, or else English.

    >>> language_of_locale({"LANG": "zh_CN.UTF-8"}), language_of_locale({"LANG": "C"})
    ('zh', 'en')
    >>> language_of_locale({"LC_ALL": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"})
    'en'
    """
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return "zh" if environment[name].startswith("zh") else "en"
    return "en"


def state_language(context: click.Context, language: object) -> None:
    """Store the language that an option states, for this command and those below it."""
    if language in LANGUAGES:
        context.meta[_STATED] = language


def shown_language(context: click.Context) -> str:
    """Return the language that the command line states, else that of the locale."""
    stated: str | None = context.meta.get(_STATED)
    return stated or language_of_locale(os.environ)


_language = partial(
    click.option,
    "--language",
    type=click.Choice(LANGUAGES),
    default=lambda: shown_language(click.get_current_context()),
    show_default="that of the locale",
    help="The language of what is shown; most errors are in English.",
)
language_option = _language()
"""The option of a verb."""
language_of_verbs = _language(expose_value=False)
"""The option before the verb, which is the default of the verb's own."""
