"""The order of what a function returns, and of the names that its caller or its text gives it."""

import ast
import re
from collections.abc import Iterator, Mapping

_RETURNS = re.compile(r"\breturns?\b\s*:?\s*\(?\s*(\w+(?:\s*,\s*\w+)+)", re.I)
"""The names in a docstring: Returns dW1, db1, dW2, db2."""

Pairs = tuple[tuple[str, str], ...]
"""Names that are returned, each with the name that it is given."""


def functions_of(program: ast.AST) -> dict[str, ast.FunctionDef]:
    """Return the functions and methods of a program by name, the last one of each name."""
    return {node.name: node for node in ast.walk(program) if isinstance(node, ast.FunctionDef)}


def unpacked(
    target: ast.expr, value: ast.expr, functions: Mapping[str, ast.FunctionDef]
) -> tuple[list[str], list[str]] | None:
    """Return the names that a function returns, and those that its caller gives them.

    None where the function is none of the program's, or does not return a tuple of names.

    >>> program = ast.parse("def f(x):\\n    return a, b\\nb, a = f(1)")
    >>> assignment = program.body[-1]
    >>> unpacked(assignment.targets[0], assignment.value, functions_of(program))
    (['a', 'b'], ['b', 'a'])
    """
    name = _name(value.func) if isinstance(value, ast.Call) else ""
    if name not in functions:
        return None
    returned = [_names(each) for each in _returns(functions[name])]
    taken = _names(target)
    if len(returned) != 1 or returned[0] is None or taken is None:
        return None
    return returned[0], taken


def documented(
    function: ast.FunctionDef | None, node: ast.Return
) -> tuple[list[str], list[str]] | None:
    """Return the names of a return, and the same names as the function's docstring lists them.

    >>> function = ast.parse("def f(x):\\n    'Returns b, a.'\\n    return a, b").body[0]
    >>> documented(function, function.body[-1])
    (['a', 'b'], ['b', 'a'])
    """
    text = None if function is None else ast.get_docstring(function)
    match = _RETURNS.search(text or "")
    returned = _names(node.value)
    if match is None or returned is None:
        return None
    listed = re.split(r"\s*,\s*", match[1])
    return (returned, listed) if sorted(listed) == sorted(returned) else None


def _returns(function: ast.FunctionDef) -> Iterator[ast.expr | None]:
    """Yield what a function returns; not what functions in it do."""
    pending: list[ast.AST] = [*function.body]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Return):
            yield node.value
        elif not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            pending += ast.iter_child_nodes(node)


def _names(node: ast.expr | None) -> list[str] | None:
    """Return the names in a tuple, None for anything else."""
    if not isinstance(node, (ast.Tuple, ast.List)):
        return None
    names = [_name(each) for each in node.elts]
    return names if all(names) else None


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(), attr=name):
            return name
    return ""
