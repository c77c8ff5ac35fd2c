"""What a function returns: the order of the names that it gets, and values that are lost."""

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


def lost_and_stored(function: ast.FunctionDef) -> tuple[list[ast.expr], list[ast.expr]]:
    """Return what ends with a function that returns nothing, and what stays: targets.

    What stays is in attributes, in entries of what the function was given, in arrays that it was
    given and changes in place, or is printed.  Both are empty where the function returns a value.

    >>> program = ast.parse("def f(self, x):\\n    self.a = x + 1\\n    b = 2 * x")
    >>> lost, stored = lost_and_stored(program.body[0])
    >>> ast.unparse(lost), ast.unparse(stored)
    ('b', 'self.a')
    """
    parts = list(_parts(function))
    results = [part.value for part in parts if isinstance(part, ast.Return)]
    has_result = any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in parts)
    if has_result or any(_is_value(result) for result in results):
        return [], []
    assigned = [pair for part in parts for pair in _assigned(part)]
    own = _own_names(assigned)
    seen = {*_declared(parts), *_shown(parts, own)}
    for target, value in assigned:
        if not isinstance(target, ast.Name) and value is not None and _root(target) not in own:
            seen |= {each.id for each in _members(value)}  # self.grads = grads
    lost, stored = list[ast.expr](), list[ast.expr]()
    for target, value in assigned:
        is_name, root = isinstance(target, ast.Name), _root(target)
        changes_array = value is None or not is_name  # W -= … changes the array of the caller
        if root in seen or (changes_array and root not in own):
            stored.append(target)
            if is_name:  # the array may have another name: W = self.W2
                stored += [each for name, each in assigned if each and _root(name) == root]
        elif value is None or not _is_reference(value):
            lost.append(target)
    return lost, stored


def _declared(parts: list[ast.AST]) -> Iterator[str]:
    """Yield the names that a function has from outside of it."""
    for part in parts:
        if isinstance(part, (ast.Global, ast.Nonlocal)):
            yield from part.names


def _shown(parts: list[ast.AST], own: set[str]) -> Iterator[str]:
    """Yield the names that a function hands to others, as print(dW) does."""
    for part in parts:
        call = part.value if isinstance(part, ast.Expr) else None
        if isinstance(call, ast.Call) and _root(call.func) not in own:  # unlike grads.append(dW)
            names = (each for each in ast.walk(call) if isinstance(each, ast.Name))
            yield from (name.id for name in names)


def _members(value: ast.expr) -> Iterator[ast.Name]:
    """Yield the names that a value is or has as its entries."""
    match value:
        case ast.Name():
            yield value
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Dict(values=parts):
            for part in parts:
                yield from _members(part)


def _own_names(assigned: list[tuple[ast.expr, ast.expr | None]]) -> set[str]:
    """Return the names whose values a function makes, which only it has."""
    own: set[str] = set()
    pairs = [(each.id, value) for each, value in assigned if isinstance(each, ast.Name)]
    while True:
        more = {
            name
            for name, value in pairs
            if value is not None and (not _is_reference(value) or _root(value) in own)
        }
        if more <= own:
            return own
        own |= more


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Yield the targets of an assignment with their values, None for one that is changed."""
    match node:
        case ast.AugAssign(target=target):
            yield target, None
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield target, value
        case ast.Assign(targets=targets, value=value):
            for each in targets:
                yield from _pairs_of(each, value)


def _pairs_of(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield single targets with their values; those of a tuple that is taken apart have it."""
    if not isinstance(target, (ast.Tuple, ast.List)):
        yield target, value
        return
    listed = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
    values = value.elts if listed else [value] * len(target.elts)  # type: ignore[attr-defined]
    for each, part in zip(target.elts, values, strict=True):
        yield from _pairs_of(each, part)


def _is_reference(value: ast.expr) -> bool:
    """Return whether a value is one that exists already: W, self.W, params["W"]."""
    return isinstance(value, (ast.Name, ast.Attribute, ast.Subscript))


def _root(node: ast.expr) -> str:
    """Return the name of the object that an attribute or an entry is of."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=of) | ast.Subscript(value=of):
            return _root(of)
    return ""


def _is_value(result: ast.expr | None) -> bool:
    return not (result is None or (isinstance(result, ast.Constant) and result.value is None))


def _parts(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes of a function; not those of functions in it."""
    pending: list[ast.AST] = [*function.body]
    while pending:
        node = pending.pop(0)
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            pending[:0] = ast.iter_child_nodes(node)


def _returns(function: ast.FunctionDef) -> Iterator[ast.expr | None]:
    """Yield what a function returns; not what functions in it do."""
    yield from (node.value for node in _parts(function) if isinstance(node, ast.Return))


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
