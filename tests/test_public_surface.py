"""The public surface: what people rely on is there, and nothing beside it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule as cr


@pytest.mark.parametrize("name", cr.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(cr, name)
    assert value.__doc__, name
    assert name in dir(cr)


def test_names_for_type_checkers_are_those_served_at_run_time() -> None:
    tree = ast.parse(Path(cr.__file__).read_text(encoding="utf-8"))
    typed = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chainrule.")
        for alias in node.names
    }
    assert typed == set(cr.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nework'"):
        cr.nework  # noqa: B018


def test_importing_brings_no_library() -> None:
    code = "import sys, chainrule; print(sorted({'numpy', 'scipy', 'polars'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
