"""The help in Chinese: all of the English help, nothing else, within the width of the terminal."""

import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from chainrule.command_line.main import VERBS, command
from chainrule.command_line.shown_language import language_of_locale
from chainrule.command_line.translated_help import texts_of
from chainrule.exports.export_model import FORMATS
from chainrule.language.phrase_books import phrases_of
from chainrule.language.text_columns import columns_of


def context_of(each, verb):
    return click.Context(each, info_name=verb, help_option_names=["-h", "--help"])


COMMANDS = {
    "chainrule": command,
    **{
        verb: found
        for verb in VERBS
        if (found := command.get_command(context_of(command, "chainrule"), verb)) is not None
    },
}
BOOK = phrases_of("help", "zh")
CHINESE = re.compile("[\u4e00-\u9fff]")


def arguments(verb):
    return [] if verb == "chainrule" else [verb]


def shown(*words, locale="C", columns=80):
    result = CliRunner().invoke(
        command, words, env={"LC_ALL": locale}, terminal_width=columns, max_content_width=2000
    )
    assert result.exit_code == 0, result.output
    return result.output


def options(verb):
    """Return the options of a verb, each with the name that its text has in the book."""
    parameters = COMMANDS[verb].get_params(context_of(COMMANDS[verb], verb))
    found = [each for each in parameters if isinstance(each, click.Option)]
    return {max(option.opts, key=len): option for option in found}


def english_texts(verb):
    """Return the English text of each item that needs a Chinese one."""
    texts = {"about": COMMANDS[verb].help, "epilog": COMMANDS[verb].epilog, "line": VERBS.get(verb)}
    for name, option in options(verb).items():
        texts[name] = option.help
        if isinstance(option.show_default, str) and not option.show_default.startswith("--"):
            texts[f"{name} default"] = option.show_default
    return {item: text for item, text in texts.items() if text}


def key_of(verb, item):
    """Return the key in the book of a verb's item; an own text is used before a shared one."""
    for key in BOOK:
        verbs, _, named = key.rpartition(": ")
        if named == item and verb in verbs.split(", "):
            return key
    return item if item in BOOK else f"{verb}: {item}"


NEEDED: dict[str, dict[str, str]] = {}
for each_verb in COMMANDS:
    for each_item, english in english_texts(each_verb).items():
        NEEDED.setdefault(key_of(each_verb, each_item), {})[each_verb] = english
METAVARS = {
    word
    for verb, each in COMMANDS.items()
    for context in [context_of(each, verb)]
    for shown_part in [
        *each.collect_usage_pieces(context),
        *(option.get_help_record(context)[0] for option in options(verb).values()),
    ]
    for word in re.findall("[A-Z]{2,}", shown_part)
}
FIELDS = {name for text in BOOK.values() for name in re.findall(r"\{(\w+)\}", text)}
GENERAL = {"usage", "options", "verbs", "default", "required"}


def test_every_text_has_its_chinese_one_and_no_other_is_in_the_book():
    wanted = GENERAL | set(NEEDED) | {f"metavar: {word}" for word in METAVARS}
    assert sorted(wanted - set(BOOK)) == []
    assert sorted(set(BOOK) - wanted - FIELDS) == []


@pytest.mark.parametrize("key", sorted(key for key, texts in NEEDED.items() if len(texts) > 1))
def test_a_text_that_verbs_share_is_one_in_english_too(key):
    assert len(set(NEEDED[key].values())) == 1, NEEDED[key]


def test_every_verb_that_a_key_names_uses_its_text():
    for key in set(NEEDED):
        verbs, _, _ = key.rpartition(": ")
        if verbs:
            assert set(verbs.split(", ")) == set(NEEDED[key]), key


def rows_of(text):
    """Return the text of each option of a help, by the option's names and metavar."""
    (section,) = (block for block in text.split("\n\n") if block.startswith("选项："))
    rows = [
        re.split(r"\s{2,}", line.strip(), maxsplit=1)
        for line in re.split(r"\n(?=  \S)", section)[1:]
    ]
    return {spec: rest[0] if rest else "" for spec, *rest in rows}


NAMES = r"\b[a-z0-9]+_[a-z_0-9]+\b|\b\w+\.[a-z0-9]+\b|\.[a-z]+\b|--[a-z-]+|\b\d[\d.,]*\b"
"""Names with _, of files, of options, and numbers: the same in both languages."""


@pytest.mark.parametrize("verb", COMMANDS)
def test_chinese_help_has_the_names_choices_and_defaults_of_the_english(verb):
    english, chinese = (
        shown(*arguments(verb), "-h", locale=locale, columns=2000) for locale in ("C", "zh_CN")
    )
    assert not CHINESE.search(english)
    found = rows_of(chinese)
    rows = dict(zip(options(verb).values(), found.items(), strict=True))
    for option, (spec, text) in rows.items():
        assert set(re.findall(r"--?[a-z][a-z0-9-]*", spec)) == {
            *option.opts,
            *option.secondary_opts,
        }
        if isinstance(option.type, click.Choice):
            assert "|".join(option.type.choices) in spec or option.metavar is not None
        if option.show_default is True:
            value = str(option.default[0] if option.multiple else option.default)
            assert re.search(rf"\[默认值：{re.escape(value)}[\]；]", text), option
        assert ("[默认值：" in text) == bool(option.show_default)
        assert ("必填]" in text) == option.required
    for name in re.findall(NAMES, english):
        if name != "DIR.checkpoint":
            assert name.strip(".,") in chinese, name
    if verb == "export":
        assert all(f"{name} 是" in chinese for name in FORMATS)


@pytest.mark.parametrize("verb", COMMANDS)
def test_no_english_sentence_is_left(verb):
    chinese = shown(*arguments(verb), "-h", locale="zh_CN.UTF-8", columns=2000)
    prose = re.sub('`[^`]*`|"[^"]*"', "", chinese)
    assert re.findall(r"[A-Za-z]+ [A-Za-z]+ [A-Za-z]+", prose) == []
    assert re.findall(r"\b(?:the|of|and|is|or|required|Usage|Options)\b|default:", prose) == []


@pytest.mark.parametrize("columns", [50, 60, 80, 120])
@pytest.mark.parametrize("verb", COMMANDS)
def test_no_line_is_wider_than_the_terminal(verb, columns):
    text = shown(*arguments(verb), "-h", locale="zh_CN.UTF-8", columns=columns)
    for line in text.splitlines():
        assert columns_of(line) <= columns, line
        assert not re.match(r"\s*[，。；：、）”\]]", line), line
        assert not re.search(r"[（“\[]$", line), line
    full = shown(*arguments(verb), "-h", locale="zh_CN.UTF-8", columns=2000)
    assert re.sub(r"\s", "", text) == re.sub(r"\s", "", full)


ASKED = [
    ("zh_CN.UTF-8", ["--help"]),
    ("zh_CN.UTF-8", []),
    ("zh_TW.UTF-8", ["cv", "-h"]),
    ("C", ["--language", "zh"]),
    ("C", ["-h", "--language", "zh"]),
    ("C", ["train", "--language", "zh", "-h"]),
    ("C", ["train", "-h", "--language=zh"]),
    ("C", ["train", "iris.csv", "--epochs", "3", "--help", "--language", "zh"]),
    ("C", ["--language", "zh", "export", "-h"]),
    ("C", ["--language", "en", "export", "--language", "zh", "-h"]),
]


@pytest.mark.parametrize(("locale", "words"), ASKED)
def test_the_locale_or_the_option_asks_for_chinese(locale, words):
    assert shown(*words, locale=locale).startswith("用法：chainrule")
    english = [{"zh": "en", "en": "zh", "--language=zh": "--language=en"}.get(w, w) for w in words]
    if english != words:
        assert shown(*english, locale="zh_CN.UTF-8").startswith("Usage: chainrule")
    else:
        assert shown(*words, locale="C").startswith("Usage: chainrule")


def test_the_language_before_the_verb_is_that_of_its_output():
    words = ["derive", "--layers", "1,1"]
    assert CHINESE.search(shown("--language", "zh", *words))
    assert not CHINESE.search(shown("--language", "en", *words, locale="zh_CN.UTF-8"))
    assert CHINESE.search(shown("--language", "en", *words, "--language", "zh"))


def test_a_wrong_language_is_an_error_unless_help_is_asked_for():
    result = CliRunner().invoke(command, ["verify", "--layers", "1,1", "--language", "fr"])
    assert result.exit_code == 2
    assert "'fr' is not one of 'en', 'zh'" in result.stderr
    assert shown("verify", "-h", "--language", "fr").startswith("Usage: ")


def test_what_is_not_translated_stays():
    assert language_of_locale({"LANG": "de_DE"}) == "en"
    assert texts_of("metavar", "zh").get("N") is None


def test_the_book_is_read_when_help_is_shown_and_no_verb_is_imported_for_the_list():
    code = (
        "import sys, os\n"
        "os.environ['LC_ALL'] = 'zh_CN.UTF-8'\n"
        "from click.testing import CliRunner\n"
        "from chainrule.command_line.main import command\n"
        "import importlib.resources\n"
        "from chainrule.language import phrase_books\n"
        "read, original = [], importlib.resources.files\n"
        "class Noted:\n"
        "    def joinpath(self, *parts):\n"
        "        read.append(parts[-1])\n"
        "        return original('chainrule.language').joinpath(*parts)\n"
        "importlib.resources.files = lambda package: Noted()\n"
        "CliRunner().invoke(command, ['-h'])\n"
        "print([name for name in ('numpy', 'chainrule.network', 'chainrule.command_line.train')\n"
        "       if name in sys.modules], read)\n"
        "phrase_books.phrases_of.cache_clear()\n"
        "read.clear()\n"
        "CliRunner().invoke(command, ['derive', '--layers', '1,1'])\n"
        "print('derivation.zh.toml' in read, 'help.zh.toml' in read)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["[] ['help.zh.toml']", "True False"]
