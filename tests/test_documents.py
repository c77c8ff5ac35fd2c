"""The documents are executed: every example in them runs and prints what it says.

* Python examples (``>>>``) of a page are one doctest, whatever language the page is in.
* ``console`` blocks are run in a folder where ``iris.csv`` lies, one page's blocks after the other;
  ``...`` stands for output that is left out.
* ``derivation`` blocks are run by the documentation's own builder, at every build.
* Pages in Chinese whose code is that of the English page are not run again, which would take twice
  the time: it is enforced here that the code is equal, block for block. README.zh-CN.md and the
  tutorial, which print Chinese, have code of their own and are run.

Every other kind of block is listed here, with the reason why it is not run.
"""

import ast
import doctest
import inspect
import operator
import posixpath
import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.command_line.main import command

ROOT = Path(__file__).parents[1]
DOCUMENTS = ["README.md", "README.zh-CN.md", "CONTRIBUTING.md"]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
TRANSLATIONS = {
    name: name.replace("docs/zh/", "docs/") for name in PAGES if name.startswith("docs/zh/")
}
"""Pages in Chinese, and the English ones."""
SAME_CODE = {
    name: english for name, english in TRANSLATIONS.items() if name != "docs/zh/tutorial.md"
}
EXECUTED = [name for name in PAGES if name not in SAME_CODE]
GUIDES = {name: english for name, english in SAME_CODE.items() if "/how-to/" in name}
FENCE = re.compile(r"^ *```(?:\{\.)?([\w-]*)[^\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
RUN = {"python", "console", "derivation"}
NOT_RUN = {
    "text": "drawings and output",
    "formula": "mathematics",
    "toml": "a file; the console block beside it runs it",
    "c": "calls that tests/exports/test_c_training.py compiles and runs",
    "csv": "a file",
    "matlab": "MATLAB, to be compared with",
    "bash": "installs packages or runs for minutes; .ci/run does the former",
}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PEERS = {"docs/how-to/from-pytorch.md": "torch"}


def blocks(name: str) -> list[tuple[str, str]]:
    """Return the fenced blocks of a page: kind and text."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return [(match[1], match[2]) for match in FENCE.finditer(text)]


def cases() -> list:
    marks = {name: [pytest.mark.peers(peer)] for name, peer in PEERS.items()}
    return [pytest.param(name, marks=marks.get(name, [])) for name in [*DOCUMENTS, *EXECUTED]]


@pytest.mark.parametrize("name", cases())
def test_python_examples_print_what_they_say(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, monkeypatch)
    text = (ROOT / name).read_text(encoding="utf-8")
    failed, tried = doctest.testfile(
        str(ROOT / name), module_relative=False, encoding="utf-8", optionflags=FLAGS
    )
    assert failed == 0
    assert tried == len(re.findall(r"^ *>>> ", text, re.MULTILINE))
    assert tried >= 3 or name not in DOCUMENTS


@pytest.mark.parametrize("name", PAGES)
def test_every_block_is_of_a_known_kind(name: str) -> None:
    for kind, text in blocks(name):
        assert kind in RUN or kind in NOT_RUN, f"{name}: a block of kind {kind!r}"
        assert kind != "python" or text.lstrip().startswith(">>> "), f"{name}: not run:\n{text}"
        assert kind != "console" or text.lstrip().startswith("$ "), f"{name}: not run:\n{text}"


@pytest.mark.parametrize("name", [*DOCUMENTS, *PAGES])
def test_calls_that_are_not_run_have_the_arguments_of_the_function(name: str) -> None:
    """Those in sentences, tables and indented lines; ``...`` stands for any arguments."""
    text = FENCE.sub("", (ROOT / name).read_text(encoding="utf-8"))
    written = re.findall(r"`([^`\n]*cr\.[^`\n]*)`", text) + re.findall(r"^    (\S.*)$", text, re.M)
    for code in written:
        try:
            tree = ast.parse(code.strip())
        except SyntaxError:
            continue  # a part of a statement
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            function = ast.unparse(call.func)
            if re.fullmatch(r"cr\.\w+(\.\w+)?", function) and "..." not in ast.unparse(call):
                called = operator.attrgetter(function.removeprefix("cr."))(cr)
                keywords = {str(word.arg): word for word in call.keywords}
                inspect.signature(called).bind(*call.args, **keywords)


WITH_COMMANDS = [name for name in EXECUTED if any(kind == "console" for kind, _ in blocks(name))]


@pytest.mark.parametrize("name", WITH_COMMANDS)
def test_commands_print_what_they_say(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, monkeypatch)
    for kind, text in blocks(name):
        if kind == "console":
            for line, expected in commands(text):
                assert_prints(line, expected)


def files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to a folder where the example's table lies, as a reader has it."""
    shutil.copy(ROOT / "examples" / "iris.csv", folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")


def commands(text: str) -> list[tuple[str, str]]:
    r"""Split a console block into commands, each with what it prints; a line may end in \."""
    found: list[tuple[str, str]] = []
    for part in re.split(r"^ *\$ ", text, flags=re.MULTILINE)[1:]:
        joined = part.replace("\\\n", " ")
        line, _, printed = joined.partition("\n")
        found.append((line, printed))
    return found


def assert_prints(line: str, expected: str) -> None:
    """Run one command of ours; a page shows commands that succeed, or the error they end in."""
    program, *words = shlex.split(line)
    assert program == "chainrule", f"not run: {line}"
    outcome = CliRunner().invoke(command, words, prog_name="chainrule", color=False)
    if not expected.strip():
        assert outcome.exit_code == 0, f"{line}\n{outcome.output}"
        return
    same = doctest.OutputChecker().check_output(expected, outcome.output, FLAGS)
    assert same, f"{line}\nprinted\n{outcome.output}\nwhere the page says\n{expected}"


OUTLINE = re.compile(
    r"^ *```.*?^ *```$"  # code in fences
    r"|^ {4}[^\n]*$"  # code that is indented
    r"|^#+(?= )"  # a heading of this level
    r"|^\|(?=[^\n]*\|$)"  # a row of a table
    r"|^(?:[-*]|\d+\.)(?= )",  # an item of a list
    re.MULTILINE | re.DOTALL,
)


def outline(text: str) -> list[str]:
    """Return what of a page is the same in every language, in its order."""
    return OUTLINE.findall(text)


def names(text: str) -> set[str]:
    """Return the names, commands and options in the sentences of a page."""
    return set(re.findall(r"`([^`]+)`", FENCE.sub("", text)))


def links(name: str) -> set[str]:
    """Return the files that a page links to, from the root of the repository, without anchors."""
    text = FENCE.sub("", (ROOT / name).read_text(encoding="utf-8"))
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    return {posixpath.normpath(posixpath.join(posixpath.dirname(name), each)) for each in targets}


def test_every_guide_is_in_both_languages() -> None:
    english = {name for name in PAGES if name.startswith("docs/how-to/")}
    assert len(english) > 10
    assert set(GUIDES.values()) == english


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_translations_name_each_other(name: str) -> None:
    for here, there in ((name, TRANSLATIONS[name]), (TRANSLATIONS[name], name)):
        text = (ROOT / here).read_text(encoding="utf-8")
        assert text.startswith(f"---\ntranslation: {there.removeprefix('docs/')}\n"), here


@pytest.mark.parametrize("name", SAME_CODE)
def test_translations_have_the_same_code(name: str) -> None:
    """The reason why they need not be run; and they have every heading, row, item and name."""
    chinese, english = (
        (ROOT / each).read_text(encoding="utf-8") for each in (name, SAME_CODE[name])
    )
    assert [match[0] for match in FENCE.finditer(chinese)] == [
        match[0] for match in FENCE.finditer(english)
    ]
    if name == "docs/zh/glossary.md":  # in the order of its own language
        assert len(outline(chinese)) == len(outline(english))
    else:
        assert outline(chinese) == outline(english)
    assert names(english) <= names(chinese)


def test_both_glossaries_have_the_same_words() -> None:
    def rows(name: str) -> list[list[str]]:
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        found = [
            [cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"
        ]
        return found[2:]

    english = {(word, chinese) for word, _, chinese in rows("docs/glossary.md")}
    assert len(english) > 30
    assert {(word, chinese) for chinese, _, word in rows("docs/zh/glossary.md")} == english


@pytest.mark.parametrize(("name", "english"), [*GUIDES.items(), ("README.zh-CN.md", "README.md")])
def test_pages_in_chinese_link_to_pages_in_chinese(name: str, english: str) -> None:
    """Every link of the English page is there, and leads to the page in Chinese where one is."""
    chinese = {there: here for here, there in TRANSLATIONS.items()}
    wanted = {chinese.get(target, target) for target in links(english)} - {name}
    assert wanted <= links(name)
    assert not links(name) & chinese.keys()
