"""The documents are executed: every example in them runs and prints what it says.

* Python examples (``>>>``) of a page are one doctest, whatever language the page is in.
* ``console`` blocks are run in a folder where ``iris.csv`` lies, one page's blocks after the other;
  ``...`` stands for output that is left out.
* ``derivation`` blocks are run by the documentation's own builder, at every build.

Every other kind of block is listed here, with the reason why it is not run.
"""

import doctest
import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from chainrule.command_line.main import command

ROOT = Path(__file__).parents[1]
DOCUMENTS = ["README.md", "README.zh-CN.md", "CONTRIBUTING.md"]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
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
    return [pytest.param(name, marks=marks.get(name, [])) for name in [*DOCUMENTS, *PAGES]]


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


WITH_COMMANDS = [name for name in PAGES if any(kind == "console" for kind, _ in blocks(name))]


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
