"""The C++ text of ``kernels/format.py``: ``cpp/generated/program.inc``."""

import ast
import inspect
import math
import textwrap
from enum import IntEnum
from typing import get_type_hints

from chainrule.kernels import format as tables

_COMMENT_WIDTH = 96


def program_header() -> str:
    """Return the file: constants, enumerations, then one struct for each kind of row."""
    comments = _comments()
    lines = [
        "// Written by `python -m chainrule.kernels.generate` from kernels/format.py. Not to be",
        "// edited; scripts/check compares it.",
        "#pragma once",
        "",
        "#include <cstdint>",
        "",
        "namespace chainrule {",
        "",
        "using Number = std::int64_t;",
        "",
        "// No value, no formula, no slot.",
        f"constexpr Number none = {tables.NONE};",
        "// Axes by number: the unit axis, and the samples of the current batch.",
        f"constexpr Number unit_axis = {tables.UNIT_AXIS}, sample_axis = {tables.SAMPLE_AXIS};",
    ]
    for enumeration in tables.ENUMERATIONS:
        lines += ["", *_enumeration(enumeration, comments[enumeration.__name__])]
    for kind in tables.ROWS:
        lines += ["", *_struct(kind, comments[kind.__name__])]
    return "\n".join([*lines, "", "}  // namespace chainrule", ""])


def _comments() -> dict[str, dict[str, str]]:
    """Return the docstrings below the members of each class, by class and member."""
    found: dict[str, dict[str, str]] = {}
    for statement in ast.parse(inspect.getsource(tables)).body:
        if not isinstance(statement, ast.ClassDef):
            continue
        members = found[statement.name] = {"": ast.get_docstring(statement) or ""}
        name = ""
        for part in statement.body:
            match part:
                case ast.Assign(targets=[ast.Name(id=name)]):
                    pass
                case ast.AnnAssign(target=ast.Name(id=name)):
                    pass
                case ast.Expr(value=ast.Constant(value=str(text))) if name:
                    members[name] = text
    return found


def _comment(text: str, indent: str = "") -> list[str]:
    paragraphs = text.replace("``", "`").split("\n\n")
    width = _COMMENT_WIDTH - len(indent)
    lines: list[str] = []
    for paragraph in paragraphs:
        lines += [
            f"{indent}// {line}" for line in textwrap.wrap(" ".join(paragraph.split()), width)
        ]
    return lines


def _enumeration(enumeration: type[IntEnum], comments: dict[str, str]) -> list[str]:
    lines = [*_comment(comments[""]), f"enum class {enumeration.__name__} : Number {{"]
    for member in enumeration:
        lines += _comment(comments.get(member.name, ""), "    ")
        lines.append(f"    {member.name.lower()} = {member.value},")
    return [*lines, "};"]


def _struct(kind: type[tables.Row], comments: dict[str, str]) -> list[str]:
    lines = [*_comment(comments[""]), f"struct {kind.__name__} {{"]
    types = get_type_hints(kind)
    defaults = kind._field_defaults
    for name in kind._fields:
        lines += _comment(comments.get(name, ""), "    ")
        start = f" = {_value(defaults[name])}" if name in defaults else ""
        lines.append(f"    {_type(types[name])} {name}{start};")
    return [*lines, "};"]


def _type(annotation: type) -> str:
    if issubclass(annotation, IntEnum):
        return annotation.__name__
    return "double" if annotation is float else "Number"


def _value(value: object) -> str:
    if isinstance(value, IntEnum):
        return f"{type(value).__name__}::{value.name.lower()}"
    if isinstance(value, float):
        return "__builtin_inf()" if math.isinf(value) else repr(value)
    if isinstance(value, bool):
        return str(int(value))
    return "none" if value == tables.NONE else str(value)
