"""The help of the command line in Chinese, made from the declarations of the options.

English texts are those of the declarations; Chinese ones are in the book ``help``, which is read
when such a help is shown. Its keys are explained there. Names, choices and defaults are never
translated: they are those of the declarations, as in the English help.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping

import click

from chainrule.command_line.shown_language import shown_language, state_language
from chainrule.language.phrase_books import phrases_of
from chainrule.language.text_columns import columns_of, padded, wrapped

__all__ = ["TranslatedHelp", "texts_of"]

NARROWEST = 20
"""Columns that are left for the arguments of a usage line beside the command, at least."""


class TranslatedHelp(click.Command):
    """A command whose help is in the language of what it shows."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # click obeys -h before it has seen a --language that follows.
        stated, _, _ = self.make_parser(ctx).parse_args(list(args))
        state_language(ctx, stated.get("language"))
        return super().parse_args(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        return super().get_help(ctx) if shown_language(ctx) == "en" else _chinese_help(self, ctx)


def texts_of(verb: str, language: str) -> Mapping[str, str]:
    """Return the texts of a verb's help by their items, those that all verbs share included.

    >>> texts_of("cv", "zh")["--repeats"], texts_of("cv", "zh")["--seed"]
    ('重新划分这么多次。', '决定全部随机数。')
    """
    shared, own = {}, {}
    for key, text in phrases_of("help", language).items():
        verbs, _, item = key.rpartition(": ")
        if not verbs:
            shared[item] = text
        elif verb in verbs.split(", "):
            own[item] = text
    return shared | own


class _Texts(dict[str, str]):
    """The texts of a verb by item; where one has the name of another or of a list, filled in."""

    def __call__(self, item: str, english: str | None) -> str:
        """Return a text; one that is not translated stays."""
        if item not in self:
            return inspect.cleandoc(english or "")
        return self[item].format_map(self)

    def __missing__(self, name: str) -> str:
        return "、".join(_listed(name))


def _listed(name: str) -> Iterable[str]:
    """Return the names of a list."""
    from chainrule.network import activations, losses, optimizers
    from chainrule.training.metrics import METRICS

    match name:
        case "activations":
            return activations.CATALOGUE
        case "losses":
            return losses.CATALOGUE
        case "optimizers":
            return optimizers.CATALOGUE
        case "metrics":
            return METRICS
        case "class_metrics":
            return [each.name for each in METRICS.values() if each.task == "classification"]
        case "number_metrics":
            return [each.name for each in METRICS.values() if each.task == "regression"]
        case "conventions":
            from chainrule.marking.stated_conventions import CATALOGUE

            return CATALOGUE
        case "endings":
            from chainrule.command_line.export import ENDINGS

            return ENDINGS
    raise KeyError(name)


def _chinese_help(command: click.Command, context: click.Context) -> str:
    texts = _Texts(texts_of(str(command.name), "zh"))
    columns = context.make_formatter().width
    options = [
        _option(parameter, record, texts)
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option)
        and (record := parameter.get_help_record(context)) is not None
    ]
    blocks = [
        _usage(command, context, texts, columns),
        _paragraphs(texts("about", command.help), columns),
        _section(texts["options"], options, columns),
    ]
    if isinstance(command, click.Group):
        verbs = [(verb, texts_of(verb, "zh")["line"]) for verb in command.list_commands(context)]
        blocks.append(_section(texts["verbs"], verbs, columns))
    blocks.append(_paragraphs(texts("epilog", command.epilog), columns))
    printed = ["\n".join(block) for block in blocks]
    return "\n\n".join(block for block in printed if block)


def _usage(
    command: click.Command, context: click.Context, texts: _Texts, columns: int
) -> Iterator[str]:
    start = f"{texts['usage']}：{context.command_path} "
    pieces = _metavars(" ".join(command.collect_usage_pieces(context)))
    if columns - columns_of(start) < NARROWEST:
        yield start.rstrip()
        start = " " * 4
    for line in wrapped(pieces, columns - columns_of(start)):
        yield start + line
        start = " " * columns_of(start)


def _paragraphs(text: str, columns: int) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n") if text else ()):
        if number:
            yield ""
        yield from (f"  {line}" for line in wrapped(" ".join(paragraph.split()), columns - 2))


def _section(title: str, rows: list[tuple[str, str]], columns: int) -> Iterator[str]:
    """Yield a title and rows of two columns; a long first one has a line of its own."""
    first = min(max(columns_of(name) for name, _ in rows), 30, columns * 3 // 8)
    yield f"{title}："
    for name, text in rows:
        lines = wrapped(text, columns - first - 4) if text else []
        if columns_of(name) <= first and lines:
            yield f"  {padded(name, first)}  {lines.pop(0)}"
        else:
            yield f"  {name}"
        yield from (" " * (first + 4) + line for line in lines)


def _option(option: click.Option, record: tuple[str, str], texts: _Texts) -> tuple[str, str]:
    """Return an option with its metavar, and its text with what click adds in brackets."""
    name = max(option.opts, key=len)
    spec, english = record
    added = english.removeprefix(option.help or "").strip()
    if isinstance(option.show_default, str):
        value = texts(f"{name} default", option.show_default)
        added = added.replace(f"({option.show_default})", value)
    added = added.replace("default: ", texts["default"]).replace("required", texts["required"])
    added = added.replace("; ", "；")
    return _metavars(spec), texts(name, option.help) + added


def _metavars(text: str) -> str:
    """Return the names of values, which are words in capital letters, in Chinese."""
    names = texts_of("metavar", "zh")
    return re.sub("[A-Z]{2,}", lambda found: names.get(found[0], found[0]), text)
