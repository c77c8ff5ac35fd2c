"""Python that says the same in another way: loops over zip, one-hot entries, JAX's .at[...]."""

import ast
from collections.abc import Callable, Iterator, Mapping

from chainrule.marking.layer_lists import LayerLists

SAMPLE_COUNTS = (
    *("N", "m", "B", "num_examples", "num_train", "batch_size", "n_samples"),
    *("X.shape[0]", "x.shape[0]", "y.shape[0]", "Y.shape[0]", "len(X)", "len(x)", "len(y)"),
)
_RANGES = ("range", "np.arange", "numpy.arange", "jnp.arange", "torch.arange")
_UPDATES: Mapping[str, Callable[[], ast.operator]] = {
    **{"add": ast.Add, "multiply": ast.Mult, "mul": ast.Mult, "divide": ast.Div},
    "subtract": ast.Sub,
}


def zipped_bodies(loop: ast.For, lists: LayerLists) -> list[list[ast.stmt]] | None:
    """Return the body of a loop over zip(...) for each row of what is zipped, None for another.

    ``W -= lr * dW`` changes the array W itself.  ``W = W - lr * dW`` does not, so that a loop with
    such an assignment is not read.

    >>> loop = ast.parse("for W, g in zip([W1, W2], [dW1, dW2]):\\n    W -= lr * g").body[0]
    >>> [ast.unparse(body[0]) for body in zipped_bodies(loop, LayerLists(2, 0))]
    ['W1 -= lr * dW1', 'W2 -= lr * dW2']
    """
    target, call = loop.target, loop.iter
    is_zip = isinstance(call, ast.Call) and ast.unparse(call.func) == "zip" and not call.keywords
    if not (is_zip and isinstance(target, (ast.Tuple, ast.List))) or loop.orelse:
        return None
    assert isinstance(call, ast.Call)
    names = [each.id for each in target.elts if isinstance(each, ast.Name)]
    columns = [_entries(each, lists) for each in call.args]
    if len(names) != len(target.elts) or len(columns) != len(names) or None in columns:
        return None
    if len({len(column or []) for column in columns}) != 1 or _assigned(loop.body) & {*names}:
        return None
    rows = zip(*(column or [] for column in columns), strict=True)
    return [_with(loop.body, dict(zip(names, row, strict=True))) for row in rows]


def _entries(node: ast.expr, lists: LayerLists) -> list[ast.expr] | None:
    """Return the entries of a list that is written out or that has one for each layer."""
    if isinstance(node, (ast.List, ast.Tuple)):
        return node.elts
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    length = lists.length(name)
    if length is None or not isinstance(node, (ast.Name, ast.Attribute)):
        return None
    return [
        ast.Subscript(value=node, slice=ast.Constant(value=index), ctx=ast.Load())
        for index in range(lists.first, length)
    ]


def _assigned(body: list[ast.stmt]) -> set[str]:
    """Return the names that statements give another array."""
    nodes = (node for part in body for node in ast.walk(part))
    targets: Iterator[ast.expr] = (
        target for node in nodes if isinstance(node, ast.Assign) for target in node.targets
    )
    return {
        each.id
        for target in targets
        for each in ast.walk(target)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }


def _with(body: list[ast.stmt], values: Mapping[str, ast.expr]) -> list[ast.stmt]:
    """Return statements with names replaced by expressions."""

    class Replaced(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            if node.id not in values:
                return node
            new = ast.parse(ast.unparse(values[node.id]), mode="eval").body
            if hasattr(new, "ctx"):
                new.ctx = node.ctx
            return ast.copy_location(new, node)

    found = []
    for part in body:
        copy = ast.parse(ast.unparse(part)).body[0]
        ast.increment_lineno(copy, part.lineno - 1)
        found.append(ast.fix_missing_locations(Replaced().visit(copy)))
    return found


class _FunctionalUpdates(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        return _written_out(node)


def lengths_of_zeros(value: ast.expr) -> tuple[str, ...] | None:
    """Return the lengths of np.zeros((5, 3)) as text, None for another value.

    >>> lengths_of_zeros(ast.parse("np.zeros((n_h, 3), dtype=float)", mode="eval").body)
    ('n_h', '3')
    """
    if not isinstance(value, ast.Call) or not value.args:
        return None
    if ast.unparse(value.func).rpartition(".")[2] != "zeros":
        return None
    if any(each.arg not in ("dtype", "requires_grad") for each in value.keywords):
        return None
    (first, *others) = value.args
    parts = first.elts if isinstance(first, (ast.Tuple, ast.List)) and not others else value.args
    return tuple(ast.unparse(each).removeprefix("self.") for each in parts)


def with_zeros_like(value: ast.expr) -> ast.expr:
    """Return np.zeros(W.shape) as zeros_like(W).

    >>> ast.unparse(with_zeros_like(ast.parse("np.zeros(W2.shape)", mode="eval").body))
    'zeros_like(W2)'
    """
    match value:
        case ast.Call(
            func=ast.Attribute(attr="zeros") | ast.Name(id="zeros"),
            args=[ast.Attribute(value=of, attr="shape")],
            keywords=[],
        ):
            return ast.Call(func=ast.Name(id="zeros_like"), args=[of], keywords=[])
    return value


def with_functional_updates(value: ast.expr) -> ast.expr:
    """Return x.at[mask].set(v) as where(mask, v, x), x.at[range(N), y].add(-1) as x − y.

    >>> ast.unparse(with_functional_updates(ast.parse("d.at[z <= 0].set(0)", mode="eval").body))
    'where(z <= 0, 0, d)'
    >>> line = "p.at[jnp.arange(N), y].add(-1)"
    >>> ast.unparse(with_functional_updates(ast.parse(line, mode="eval").body))
    'p - y'
    """
    if not any(isinstance(each, ast.Attribute) and each.attr == "at" for each in ast.walk(value)):
        return value
    copy = ast.parse(ast.unparse(value), mode="eval").body
    found: ast.expr = _FunctionalUpdates().visit(copy)
    return found


def _written_out(value: ast.expr) -> ast.expr:
    match value:
        case ast.Call(
            func=ast.Attribute(
                value=ast.Subscript(value=ast.Attribute(value=old, attr="at"), slice=index),
                attr=name,
            ),
            args=[new],
            keywords=[],
        ):
            labels = labels_of(index)
            if labels is not None and name in ("add", "subtract"):
                sign = -1 if name == "add" else 1
                is_one = ast.unparse(new) == str(sign)
                return ast.BinOp(left=old, op=ast.Sub(), right=labels) if is_one else value
            if not isinstance(index, ast.Compare) or not (name == "set" or name in _UPDATES):
                return value
            changed = new
            if name != "set":
                changed = ast.BinOp(left=old, op=_UPDATES[name](), right=new)
            where = ast.Name(id="where", ctx=ast.Load())
            return ast.Call(func=where, args=[index, changed, old], keywords=[])
    return value


def labels_of(index: ast.expr) -> ast.expr | None:
    """Return y of the index [range(N), y], which selects the entry of each sample's class.

    As 1 at these entries, and 0 elsewhere, the classes are the targets.
    """
    match index:
        case ast.Tuple(
            elts=[ast.Call(func=called, args=[count], keywords=[]), ast.Name() as labels]
        ):
            is_range = ast.unparse(called) in _RANGES
            return labels if is_range and ast.unparse(count) in SAMPLE_COUNTS else None
    return None
