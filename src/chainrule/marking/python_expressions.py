"""Expressions of a program as text for the parser: whole numbers folded, entries named.

The learner's own functions of one expression are written out where they are called, so that a
wrong ``def sigmoid_prime(z)`` is not read as the true derivative.
"""

import ast
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from chainrule.language.refusals import Refusal
from chainrule.marking.layer_lists import LayerLists

Bound: TypeAlias = Mapping[str, int]
"""The whole numbers that loop variables have."""
MAX_NUMBER = 10_000
"""The largest whole number in indices and bounds."""
MAX_NODES = 5_000
"""The most nodes of an expression after functions are written out."""
MAX_CALLS = 8
"""The deepest nesting of the learner's own functions."""
_LIBRARIES = ("np", "numpy", "jnp", "jax", "torch", "math", "F", "nn", "scipy", "self")
_OWNERS = ("self", "model", "net", "network")
"""The objects whose attributes are names: self.W2 is W2."""


@dataclass(frozen=True)
class Helper:
    """A function of the learner's own: its parameters, their defaults, its statements."""

    name: str
    parameters: tuple[str, ...]
    defaults: Mapping[str, ast.expr]
    body: tuple[ast.stmt, ...]


def helper_of(node: ast.FunctionDef | ast.Lambda) -> Helper | None:
    """Return a function that can be written out where it is called, None for a longer one."""
    arguments = node.args
    others = (arguments.vararg, arguments.kwarg, *arguments.kwonlyargs, *arguments.posonlyargs)
    if any(each is not None for each in others):
        return None
    names = [each.arg for each in arguments.args]
    count = len(arguments.defaults)
    defaults = dict(zip(names[len(names) - count :], arguments.defaults, strict=True))
    parameters = tuple(name for name in names if name != "self")
    if isinstance(node, ast.Lambda):
        return Helper("lambda", parameters, defaults, (ast.Return(value=node.body),))
    if any(ast.unparse(each) != "staticmethod" for each in node.decorator_list):
        return None
    body = tuple(each for each in node.body if not _is_text(each))
    is_closed = _names_read(body) <= {*parameters, *_LIBRARIES}
    if not (body and is_closed and all(map(_is_simple, _statements_in(body)))):
        return None
    return Helper(node.name, parameters, defaults, body)


def _statements_in(body: tuple[ast.stmt, ...]) -> Iterator[ast.stmt]:
    for statement in body:
        yield from (each for each in ast.walk(statement) if isinstance(each, ast.stmt))


def _is_simple(statement: ast.stmt) -> bool:
    """Return whether a statement can be written out: an assignment, a return, a condition."""
    match statement:
        case ast.Assign(targets=[ast.Name()]) | ast.If():
            return True
        case ast.Return(value=ast.expr() as value):
            whole = (ast.Tuple, ast.Dict, ast.List, ast.comprehension, ast.Lambda)
            return not any(isinstance(each, whole) for each in ast.walk(value))
    return False


def _names_read(body: tuple[ast.stmt, ...]) -> set[str]:
    """Return the names that are neither the function's own nor those of functions it calls."""
    parts = [part for statement in body for part in ast.walk(statement)]
    called = {id(part.func) for part in parts if isinstance(part, ast.Call)}
    names = [part for part in parts if isinstance(part, ast.Name) and id(part) not in called]
    own = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return {name.id for name in names} - own


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


class Expressions:
    """Reads expressions where loop variables have known values."""

    def __init__(
        self, lists: LayerLists, helpers: Mapping[str, Helper | None], bound: Bound
    ) -> None:
        self.lists, self.helpers, self.bound = lists, helpers, bound

    # -- whole numbers and texts ---------------------------------------------------------------

    def folded(self, node: ast.expr | None) -> int | str | None:
        """Return the whole number or the text that an index or a bound is, None for others."""
        match node:
            case ast.Constant(value=str() as text):
                return text
            case ast.Constant(value=int() as number) if not isinstance(number, bool):
                return number if abs(number) <= MAX_NUMBER else None
            case ast.Name(id=name):
                return self.bound.get(name, self.lists.layers(name))
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return self.lists.layers(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.folded(operand)
                return -inner if isinstance(inner, int) else None
            case ast.BinOp():
                return self._operation(node)
            case ast.Call(func=ast.Name(id="len"), args=[of]):
                listed = self._list_name(of)
                return None if listed is None else self.lists.length(listed)
            case ast.Call(func=ast.Name(id="str"), args=[of]):
                found = self.folded(of)
                return None if found is None else str(found)
            case ast.JoinedStr():
                return self._joined(node)
            case ast.Compare(left=left, ops=[operation], comparators=[right]):
                return _compared(self.folded(left), operation, self.folded(right))
        return None

    def _operation(self, node: ast.BinOp) -> int | str | None:
        left, right = self.folded(node.left), self.folded(node.right)
        if isinstance(left, str) and isinstance(right, str) and isinstance(node.op, ast.Add):
            return left + right
        if not (isinstance(left, int) and isinstance(right, int)):
            return None
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult() if abs(left * right) <= MAX_NUMBER:
                return left * right
            case ast.FloorDiv() if right:
                return left // right
            case ast.Mod() if right:
                return left % right
        return None

    def _joined(self, node: ast.JoinedStr) -> str | None:
        """Return the text of f"W{l + 1}"."""
        found = ""
        for part in node.values:
            inside = part.value if isinstance(part, ast.FormattedValue) else part
            value = self.folded(inside)
            if value is None:
                return None
            found += str(value)
        return found

    def numbers(self, node: ast.expr) -> list[int] | None:
        """Return the values of range(…) or reversed(range(…)), None for another loop."""
        match node:
            case ast.Call(func=ast.Name(id="reversed" | "list"), args=[inner]):
                values = self.numbers(inner)
                is_reversed = isinstance(node.func, ast.Name) and node.func.id == "reversed"
                return values[::-1] if values is not None and is_reversed else values
            case ast.Call(func=ast.Name(id="range"), args=arguments) if 1 <= len(arguments) <= 3:
                ends = [self.folded(each) for each in arguments]
                whole = [each for each in ends if isinstance(each, int)]
                if len(whole) < len(ends) or (len(whole) == 3 and whole[2] == 0):
                    return None
                return list(range(*whole))[: MAX_NUMBER // 10]
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                found = [self.folded(each) for each in parts]
                whole = [each for each in found if isinstance(each, int)]
                return whole if len(whole) == len(found) else None
        return None

    # -- names ---------------------------------------------------------------------------------

    def _list_name(self, node: ast.expr) -> str | None:
        match node:
            case ast.Name(id=name):
                return name
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in _OWNERS:
                return name
        return None

    def name_of(self, node: ast.expr) -> str | None:
        """Return the name that a target stands for: W2, self.W2, grads["W2"], W[-1], W2.grad."""
        match node:
            case ast.Name(id=name):
                return name
            case ast.Attribute(value=inner, attr="grad" | "data" as attribute):
                inside = self.name_of(inner)
                prefix = "d" if attribute == "grad" else ""
                return None if inside is None else prefix + inside
            case ast.Attribute():
                return self._list_name(node)
            case ast.Subscript(value=ast.expr() as of, slice=index):
                table, value = self._list_name(of), self.folded(index)
                if table is None or value is None:
                    return None
                if isinstance(value, str):
                    name = self.lists.entry(table, value)
                    return name if name.isidentifier() else None
                if not self.lists.has(table):
                    return None
                found = self.lists.name(table, value)
                if found is None:
                    raise Refusal("answer_index", text=(ast.unparse(node),))
                return found
        return None

    def names_in(self, node: ast.expr) -> Iterator[str]:
        """Yield the names of the attributes and entries in an expression."""
        for each in ast.walk(node):
            if isinstance(each, (ast.Attribute, ast.Subscript)):
                name = self.name_of(each)
                if name is not None:
                    yield name

    # -- text ----------------------------------------------------------------------------------

    def written(self, node: ast.expr) -> str:
        """Return an expression as text for the parser."""
        return ast.unparse(_Written(self).visit(copy.deepcopy(node)))


class _Written(ast.NodeTransformer):
    """Replaces entries by names and calls of the learner's functions by what they return."""

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions
        self.depth = self.nodes = 0

    def visit(self, node: ast.AST) -> ast.AST:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Refusal("answer_deep")
        found: ast.AST = super().visit(node)
        return found

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self.expressions.bound.get(node.id)
        if value is not None:
            return ast.Constant(value=value)
        if node.id in self.expressions.helpers:
            raise Refusal("answer_function", text=(node.id,))
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        name = self.expressions.name_of(node)
        return self.generic_visit(node) if name is None else ast.Name(id=name)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        name = self.expressions.name_of(node)
        return self.generic_visit(node) if name is None else ast.Name(id=name)

    def refused(self, node: ast.expr) -> ast.expr:
        raise Refusal("answer_statement", text=(ast.unparse(node),))

    visit_ListComp = visit_GeneratorExp = visit_SetComp = visit_DictComp = refused
    visit_Lambda = visit_NamedExpr = visit_JoinedStr = visit_Await = visit_Starred = refused

    def visit_Call(self, node: ast.Call) -> ast.AST:
        match node.func:
            case ast.Name(id=name):
                pass
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in _OWNERS:
                pass
            case _:
                return self.generic_visit(node)
        if name not in self.expressions.helpers:
            inside = self.generic_visit(ast.Call(ast.Constant(None), node.args, node.keywords))
            assert isinstance(inside, ast.Call)
            return ast.Call(func=ast.Name(id=name), args=inside.args, keywords=inside.keywords)
        helper = self.expressions.helpers[name]
        self.depth += 1
        if helper is None or self.depth > MAX_CALLS:
            raise Refusal("answer_function", text=(name,))
        returned = self.visit(_returned(helper, node))
        self.depth -= 1
        return returned


def _returned(helper: Helper, call: ast.Call) -> ast.expr:
    """Return what a call returns, with the arguments in place of the parameters."""
    values = dict(helper.defaults)
    values |= dict(zip(helper.parameters, call.args, strict=False))
    values |= {each.arg: each.value for each in call.keywords if each.arg is not None}
    if len(call.args) > len(helper.parameters) or values.keys() != {*helper.parameters}:
        raise Refusal("answer_function", text=(helper.name,))
    result = _result(helper.body, values)
    if result is None:
        raise Refusal("answer_function", text=(helper.name,))
    return result


def _result(body: tuple[ast.stmt, ...], values: dict[str, ast.expr]) -> ast.expr | None:
    """Return what statements return, None where they end without or a condition is unknown."""
    for statement in body:
        match statement:
            case ast.Return(value=ast.expr() as value):
                return _Replaced(values).replaced(value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name] = _Replaced(values).replaced(value)
            case ast.If(test=test):
                condition = _truth(_Replaced(values).replaced(test))
                if condition is None:
                    return None
                branch = statement.body if condition else statement.orelse
                found = _result(tuple(branch), values)
                if found is not None:
                    return found
    return None


def _truth(test: ast.expr) -> bool | None:
    """Return whether a condition of constants is true, None for any other."""
    match test:
        case ast.Constant(value=bool() as value):
            return value
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _truth(operand)
            return None if inner is None else not inner
        case ast.Compare(
            left=ast.Constant(value=left),
            ops=[ast.Eq() | ast.Is()],
            comparators=[ast.Constant(value=right)],
        ):
            return bool(left == right)
    return None


class _Replaced(ast.NodeTransformer):
    """Replaces names by expressions."""

    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self.values, self.nodes = values, 0

    def replaced(self, node: ast.expr) -> ast.expr:
        """Return a copy with the names replaced."""
        found: ast.expr = self.visit(copy.deepcopy(node))
        return found

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self.values.get(node.id)
        if value is None:
            return node
        self.nodes += sum(1 for _ in ast.walk(value))
        if self.nodes > MAX_NODES:
            raise Refusal("answer_deep")
        return copy.deepcopy(value)


def _compared(left: int | str | None, operation: ast.cmpop, right: int | str | None) -> int | None:
    """Return 1 or 0 for a comparison of two whole numbers, None for any other."""
    if not (isinstance(left, int) and isinstance(right, int)):
        return None
    match operation:
        case ast.Lt():
            return int(left < right)
        case ast.LtE():
            return int(left <= right)
        case ast.Gt():
            return int(left > right)
        case ast.GtE():
            return int(left >= right)
        case ast.Eq():
            return int(left == right)
        case ast.NotEq():
            return int(left != right)
    return None
