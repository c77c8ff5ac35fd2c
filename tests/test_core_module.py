"""The compiled module loads and says truly how it was built."""

import importlib.machinery
import platform
import re

from chainrule.kernels import _core


def test_the_module_is_compiled() -> None:
    # Not by the loader's class: an editable installation puts one of its own around it.
    assert _core.__file__ is not None
    assert _core.__file__.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES))


def test_build_info_reports_each_item() -> None:
    info = _core.build_info()
    assert list(info) == [
        "compiler",
        "compiler_version",
        "cpp_standard",
        "instruction_set",
        "nanobind_version",
    ]
    assert info["compiler"] in {"Clang", "GCC", "MSVC"}
    assert re.fullmatch(r"\d+(\.\d+\.\d+)?", info["compiler_version"])
    assert int(info["cpp_standard"]) >= 202002  # C++20
    assert re.fullmatch(r"\d+\.\d+\.\d+", info["nanobind_version"])


def test_the_instruction_set_is_one_of_this_machine() -> None:
    known = {
        "x86_64": {"x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"},
        "amd64": {"x86-64"},
        "arm64": {"aarch64"},
        "aarch64": {"aarch64"},
    }
    machine = platform.machine().lower()
    assert _core.build_info()["instruction_set"] in known.get(machine, {"unknown"})


def test_build_info_is_a_fresh_dictionary() -> None:
    _core.build_info().clear()
    assert _core.build_info()
