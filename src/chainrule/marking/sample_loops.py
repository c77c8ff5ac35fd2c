"""Loops over the samples of a batch, written as one line for all of them.

``for i in range(m): dW += np.outer(a[i], d[i])`` adds up a.T @ d.  In the loop a value of one
sample is a vector; for the batch it is a matrix with a row for each sample.  What this does not
express, or what would be another value after the loop, is not read.
"""

import ast
from dataclasses import dataclass, field

from chainrule.formulas.arrange import Layout
from chainrule.marking.python_rewrites import SAMPLE_COUNTS

_MATRIX_PRODUCTS = ("dot", "matmul")
_OF_ALL_ENTRIES = ("sum", "mean", "max", "min", "amax", "norm", "len", "outer", "argmax", "prod")
"""The functions that are no functions of each entry."""
_SUMS: tuple[type[ast.operator], ...] = (ast.Add, ast.Sub)
_ENTRYWISE = (*_SUMS, ast.Mult, ast.Div, ast.Pow)


class _NotForAllError(Exception):
    """An expression that has no form for all samples here."""


@dataclass
class _Samples:
    """What is a value of one sample in a loop: entries at an index, and names."""

    index: str
    rows: dict[str, ast.expr] = field(default_factory=dict)

    def whole(self, node: ast.expr) -> tuple[ast.expr, bool]:
        """Return an expression for all samples, and whether it has a row for each of them."""
        match node:
            case ast.Constant():
                return node, False
            case ast.Name(id=name):
                if name == self.index:
                    raise _NotForAllError
                return (self.rows[name], True) if name in self.rows else (node, False)
            case ast.Subscript(value=ast.Name() | ast.Attribute() as of, slice=index):
                if self._is_index(index):
                    return of, True
                raise _NotForAllError
            case ast.Attribute(value=ast.Name()):
                return node, False
            case ast.Attribute(value=inner, attr="T"):
                value, has_rows = self.whole(inner)
                if has_rows:
                    raise _NotForAllError
                return ast.Attribute(value=value, attr="T", ctx=ast.Load()), False
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value, has_rows = self.whole(operand)
                return ast.UnaryOp(op=ast.USub(), operand=value), has_rows
            case ast.Compare(left=left, ops=[operation], comparators=[right]):
                first, second = self.whole(left), self.whole(right)
                compared = ast.Compare(left=first[0], ops=[operation], comparators=[second[0]])
                return compared, first[1] or second[1]
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                return self._product(left, right)
            case ast.BinOp(left=left, op=operation, right=right):
                if not isinstance(operation, _ENTRYWISE):
                    raise _NotForAllError
                first, second = self.whole(left), self.whole(right)
                both = ast.BinOp(left=first[0], op=operation, right=second[0])
                return both, first[1] or second[1]
            case ast.Call(args=[left, right], keywords=[]) if _called(node) in _MATRIX_PRODUCTS:
                return self._product(left, right)
            case ast.Call(func=called, args=[argument], keywords=[]):
                if _called(node) in _OF_ALL_ENTRIES or not _called(node):
                    raise _NotForAllError
                value, has_rows = self.whole(argument)
                return ast.Call(func=called, args=[value], keywords=[]), has_rows
        raise _NotForAllError

    def _is_index(self, index: ast.expr) -> bool:
        """Return whether an index is i or i, : of the loop."""
        match index:
            case ast.Name(id=name):
                return name == self.index
            case ast.Tuple(elts=[ast.Name(id=name), ast.Slice(lower=None, upper=None, step=None)]):
                return name == self.index
        return False

    def _product(self, left: ast.expr, right: ast.expr) -> tuple[ast.expr, bool]:
        """Return v @ W as V @ W, and W @ v as V @ W.T."""
        (first, of_left), (second, of_right) = self.whole(left), self.whole(right)
        if of_left and of_right:
            raise _NotForAllError
        if of_right:
            turned = ast.Attribute(value=first, attr="T", ctx=ast.Load())
            return ast.BinOp(left=second, op=ast.MatMult(), right=turned), True
        return ast.BinOp(left=first, op=ast.MatMult(), right=second), of_left

    def total(self, node: ast.expr) -> ast.expr:
        """Return the sum of an expression over the samples."""
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return ast.UnaryOp(op=ast.USub(), operand=self.total(operand))
            case ast.BinOp(left=left, op=operation, right=right) if isinstance(operation, _SUMS):
                return ast.BinOp(left=self.total(left), op=operation, right=self.total(right))
        outer = self._outer(node)
        if outer is not None:
            return self.added_up(*outer)
        match node:
            case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as operation, right=right):
                if not self._has_rows(right):
                    return ast.BinOp(left=self.total(left), op=operation, right=right)
                if isinstance(operation, ast.Mult) and not self._has_rows(left):
                    return ast.BinOp(left=left, op=operation, right=self.total(right))
        value, has_rows = self.whole(node)
        if not has_rows:
            raise _NotForAllError
        return self.sum_of(value)

    def added_up(self, first: ast.expr, second: ast.expr) -> ast.expr:
        """Return the sum of the outer products of all samples' factors."""
        turned = ast.Attribute(value=first, attr="T", ctx=ast.Load())
        return ast.BinOp(left=turned, op=ast.MatMult(), right=second)

    def sum_of(self, value: ast.expr) -> ast.expr:
        """Return the sum of a value over the samples."""
        axis = ast.keyword(arg="axis", value=ast.Constant(value=0))
        return ast.Call(func=ast.Name(id="sum"), args=[value], keywords=[axis])

    def _has_rows(self, node: ast.expr) -> bool:
        names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        return bool(names & {self.index, *self.rows})

    def _outer(self, node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
        """Return both factors of np.outer(u, v), u[:, None] * v or u[:, None] @ v[None, :]."""
        match node:
            case ast.Call(args=[left, right], keywords=[]) if _called(node) == "outer":
                pair = left, right
            case ast.BinOp(
                left=ast.Subscript(value=left) as column, op=ast.Mult() | ast.MatMult(), right=right
            ) if ast.unparse(column.slice) in _COLUMNS:
                if isinstance(right, ast.Subscript) and ast.unparse(right.slice) in _ROWS:
                    right = right.value
                elif isinstance(node.op, ast.MatMult):
                    return None
                pair = left, right
            case _:
                return None
        (first, of_left), (second, of_right) = map(self.whole, pair)
        if not (of_left and of_right):
            raise _NotForAllError
        return first, second


_COLUMNS = ("(:, None)", "(slice(None, None, None), None)", ":, None", "(:, np.newaxis)")
_ROWS = ("(None, :)", "None, :", "(np.newaxis, :)")


class _MatrixSamples(_Samples):
    """The same where one sample is a matrix: the row X[i:i+1] or the column X[:, i:i+1]."""

    def __init__(self, index: str, layout: Layout) -> None:
        super().__init__(index)
        self.layout = layout

    def _is_index(self, index: ast.expr) -> bool:
        """Return whether an index is i:i + 1 or [i], of the axis of samples."""
        found = ast.unparse(index).strip("()")
        one = (f"{self.index}:{self.index} + 1", f"[{self.index}]")
        if self.layout == "columns":
            return found in [f":, {each}" for each in one]
        return found in (*one, *(f"{each}, :" for each in one))

    def _product(self, left: ast.expr, right: ast.expr) -> tuple[ast.expr, bool]:
        """Return x @ W as X @ W, and of columns W @ x as W @ X."""
        (first, of_left), (second, of_right) = self.whole(left), self.whole(right)
        other = of_right if self.layout == "rows" else of_left
        if other:
            raise _NotForAllError
        product = ast.BinOp(left=first, op=ast.MatMult(), right=second)
        return product, of_left or of_right

    def _outer(self, node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
        """Return both factors of x.T @ d, or of columns of d @ x.T."""
        match node:
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                pair = left, right
            case ast.Call(args=[left, right], keywords=[]) if _called(node) in _MATRIX_PRODUCTS:
                pair = left, right
            case _:
                return None
        turned = pair[0] if self.layout == "rows" else pair[1]
        match turned:
            case ast.Attribute(value=inside, attr="T"):
                pass
            case ast.Call(func=ast.Attribute(value=inside, attr="transpose"), args=[]):
                pass
            case _:
                return None
        one, other = (inside, pair[1]) if self.layout == "rows" else (pair[0], inside)
        (first, of_first), (second, of_second) = self.whole(one), self.whole(other)
        if not (of_first and of_second):
            raise _NotForAllError
        return first, second

    def added_up(self, first: ast.expr, second: ast.expr) -> ast.expr:
        """Return the sum of the products of all samples' factors."""
        if self.layout == "rows":
            return super().added_up(first, second)
        turned = ast.Attribute(value=second, attr="T", ctx=ast.Load())
        return ast.BinOp(left=first, op=ast.MatMult(), right=turned)

    def sum_of(self, value: ast.expr) -> ast.expr:
        """Return the sum of a value over the samples, a row or a column."""
        axis = ast.keyword(arg="axis", value=ast.Constant(value=int(self.layout == "columns")))
        keeps = ast.keyword(arg="keepdims", value=ast.Constant(value=True))
        return ast.Call(func=ast.Name(id="sum"), args=[value], keywords=[axis, keeps])


def for_all_samples(
    loop: ast.For, program: ast.AST, layout: Layout = "rows"
) -> list[ast.stmt] | None:
    """Return the statements of a loop over samples for all samples, None for any other loop.

    >>> text = "for i in range(m):\\n    dW += d[:, i:i+1] @ X[:, i:i+1].T"
    >>> found = for_all_samples(ast.parse(text).body[0], ast.parse(""), "columns")
    >>> [ast.unparse(each) for each in found]
    ['dW += d @ X.T']

    >>> text = "for x, d in zip(X, delta):\\n    dW += np.outer(x, d)\\n    db += d"
    >>> found = for_all_samples(ast.parse(text).body[0], ast.parse(""))
    >>> [ast.unparse(each) for each in found]
    ['dW += X.T @ delta', 'db += sum(delta, axis=0)']
    """
    if loop.orelse:
        return None
    readings = (_vectors_of(loop) if layout == "rows" else None, _matrices_of(loop, layout))
    found = (_read_in(samples, loop, program) for samples in readings if samples is not None)
    return next((each for each in found if each is not None), None)


def _read_in(samples: _Samples, loop: ast.For, program: ast.AST) -> list[ast.stmt] | None:
    """Return the statements of a loop for all samples in one reading of what a sample is."""
    given = {*samples.rows}
    found: list[ast.stmt] = []
    added: set[str] = set()
    try:
        for statement in loop.body:
            match _with_sum(statement):
                case ast.Assign(targets=[ast.Name(id=name) as target], value=value):
                    whole, has_rows = samples.whole(value)
                    if not has_rows or name in given or name in added:
                        return None
                    new: ast.stmt = ast.Assign(targets=[target], value=whole)
                    samples.rows[name] = ast.Name(id=name, ctx=ast.Load())
                case ast.AugAssign(
                    target=summed, op=ast.Add() | ast.Sub() as operation, value=value
                ):
                    name = ast.unparse(summed)
                    if not _is_entry(summed) or name in samples.rows:
                        return None
                    added.add(name)
                    new = ast.AugAssign(target=summed, op=operation, value=samples.total(value))
                case _:
                    return None
            found.append(ast.fix_missing_locations(ast.copy_location(new, statement)))
    except _NotForAllError:
        return None
    own = {*samples.rows} - given
    inside = {id(each) for each in ast.walk(loop)}
    loads = [each for each in ast.walk(program) if isinstance(each, ast.Name)]
    loads = [each for each in loads if isinstance(each.ctx, ast.Load)]
    if any(each.id in own and id(each) not in inside for each in loads):
        return None  # after the loop it is the value of the last sample
    read = (each for part in found for each in ast.walk(part.value))  # type: ignore[attr-defined]
    if any(isinstance(each, ast.expr) and ast.unparse(each) in added for each in read):
        return None  # W changes from sample to sample
    return found


def _with_sum(statement: ast.stmt) -> ast.stmt:
    """Return dW = dW + x as dW += x."""
    match statement:
        case ast.Assign(
            targets=[(ast.Name() | ast.Attribute() | ast.Subscript()) as target],
            value=ast.BinOp(left=left, op=ast.Add() | ast.Sub() as sign, right=x),
        ) if ast.unparse(target) == ast.unparse(left):
            new = ast.AugAssign(target=target, op=sign, value=x)
            return ast.copy_location(new, statement)
    return statement


def _is_entry(target: ast.expr) -> bool:
    """Return whether a target is a name, an attribute or an entry of a table: grads["dW"]."""
    match target:
        case ast.Name() | ast.Attribute(value=ast.Name()):
            return True
        case ast.Subscript(value=ast.Name(), slice=ast.Constant(value=str())):
            return True
    return False


def _matrices_of(loop: ast.For, layout: Layout) -> _MatrixSamples | None:
    """Return what is of one sample in a loop over indices, where samples stay matrices."""
    match loop:
        case ast.For(target=ast.Name(id=name), iter=ast.Call(args=[count], keywords=[]) as called):
            axis = 0 if layout == "rows" else 1
            text = ast.unparse(count)
            is_count = text in SAMPLE_COUNTS and (layout == "rows" or text.isidentifier())
            is_count = is_count or text in [f"{each}.shape[{axis}]" for each in "XYxy"]
            if _called(called) == "range" and is_count:
                return _MatrixSamples(name, layout)
    return None


def _vectors_of(loop: ast.For) -> _Samples | None:
    """Return what is of one sample in ``for i in range(m)`` or ``for x, y in zip(X, Y)``."""
    match loop:
        case ast.For(target=ast.Name(id=name), iter=ast.Call(args=[count], keywords=[]) as called):
            is_range = _called(called) == "range" and ast.unparse(count) in SAMPLE_COUNTS
            return _Samples(name) if is_range else None
        case ast.For(target=ast.Tuple(elts=targets), iter=ast.Call(args=args, keywords=[]) as zip_):
            names = [each.id for each in targets if isinstance(each, ast.Name)]
            is_plain = all(isinstance(each, (ast.Name, ast.Attribute)) for each in args)
            if _called(zip_) == "zip" and is_plain and len(names) == len(targets) == len(args):
                return _Samples("", dict(zip(names, args, strict=True)))
    return None


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(), attr=name):
            return name
    return ""
