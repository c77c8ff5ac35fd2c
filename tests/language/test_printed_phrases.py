"""Phrases of tables: the same in both languages and all in use; columns of a terminal."""

import re
import string
from pathlib import Path

import pytest

import chainrule
from chainrule.language.phrase_books import phrases_of
from chainrule.language.text_columns import columns_of, left_padded, padded, wrapped

SOURCE = "".join(
    path.read_text(encoding="utf-8") for path in Path(chainrule.__file__).parent.rglob("*.py")
)
STARTS = re.findall(r"f[\"'](\w+_)\{", SOURCE)
"""What keys begin with that are put together."""


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("book", ["columns", "export", "tables", "verification"])
def test_both_languages_have_the_same_phrases_and_every_one_is_used(book):
    english, chinese = phrases_of(book, "en"), phrases_of(book, "zh")
    assert list(english) == list(chinese)
    for key in english:
        assert fields(chinese[key]) == fields(english[key]), key
        asked = key.removesuffix("_one")
        assert f'"{asked}"' in SOURCE or any(asked.startswith(start) for start in STARTS), key


def test_a_chinese_character_takes_two_columns():
    assert columns_of("损失 0.5，") == 10
    assert padded("损失", 6) == "损失  "
    assert left_padded("损失", 6) == "  损失"
    assert padded("longer", 3) == "longer"


@pytest.mark.parametrize("columns", [8, 13, 20, 31])
def test_lines_fit_and_hold_all_of_the_text(columns):
    text = "总是回答训练行中最常见的类别 'setosa'；auc、log_loss 和 brier 用这些行中各类别的比例。"
    lines = wrapped(text, columns)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for line in lines:
        assert line[0] not in "，。；：、 "
        assert columns_of(line) <= columns + 2 or " " not in line  # punctuation may stand out
    assert wrapped("one two three", 8) == ["one two", "three"]
    assert wrapped("", 8) == [""]


def test_brackets_and_quotes_stay_with_what_they_enclose():
    text = "损失（见“甲”）下降[默认值：0]；f(x) 与（乙）。"
    for columns in range(8, 40):
        lines = wrapped(text, columns)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        for line in lines:
            assert line[-1] not in "（“[("
            assert line[0] not in "）”]；。"
            assert columns_of(line) <= columns
