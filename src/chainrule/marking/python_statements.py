"""The statements of a program in Python, read from its syntax tree: assignments in their order.

Loops are unrolled where their bounds follow from the network, the learner's own small functions
are written out where they are called, entries of tables and of lists of layers become names.
Nothing is executed: whole numbers in indices and bounds are all that is ever computed.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from chainrule.formulas.arrange import Layout
from chainrule.language.refusals import Refusal
from chainrule.marking.layer_lists import LayerLists
from chainrule.marking.python_expressions import Bound, Expressions, Helper, helper_of
from chainrule.marking.python_rewrites import (
    labels_of,
    lengths_of_zeros,
    with_functional_updates,
    with_zeros_like,
    zipped_bodies,
)
from chainrule.marking.python_sources import ReadStatement, dedented
from chainrule.marking.returned_orders import documented, functions_of, lost_and_stored, unpacked
from chainrule.marking.sample_loops import for_all_samples
from chainrule.marking.silent_statements import SilentStatements, without_progress

MAX_STATEMENTS = 400
"""The most statements of an answer after its loops are unrolled."""
_PLAIN_DECORATORS = ("staticmethod", "torch.no_grad()")


def statements_of(
    program: ast.Module, text: str, lists: LayerLists, samples: Layout | None = "rows"
) -> list[ReadStatement]:
    """Return the statements of a program; those that are not read have the reason.

    ``samples`` tells how samples lie, so that loops over them are read; None for one sample.

    >>> from chainrule.marking.python_sources import parsed_program
    >>> from chainrule.marking.layer_lists import LayerLists
    >>> text = "for l in reversed(range(2)):\\n    dW[l] = a[l].T @ delta[l]"
    >>> program = parsed_program(text)
    >>> [each.equation for each in statements_of(program, text, LayerLists(2, 0))]
    ['dW_2 = a_1.T @ delta_2', 'dW_1 = a_0.T @ delta_1']
    """
    reader = _Reader(program, dedented(text), lists, samples)
    reader.block(program.body, {})
    return reader.found


class _Reader:
    """Collects the statements of a program."""

    def __init__(
        self, program: ast.Module, text: str, lists: LayerLists, samples: Layout | None
    ) -> None:
        _rename_variable(program, "activation", "the_activation")
        self.program, self.samples = program, samples
        self.lines, self.lists = text.split("\n"), lists
        self.found: list[ReadStatement] = []
        self.group = self.scope = self.scopes = 0
        called = {_called(node) for node in ast.walk(program) if isinstance(node, ast.Call)}
        helpers: dict[str, Helper | None] = {}
        for node in ast.walk(program):
            if isinstance(node, ast.FunctionDef) and node.name in called:
                helpers[node.name] = None if node.name in helpers else helper_of(node)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        known = target.id in helpers
                        helpers[target.id] = None if known else helper_of(node.value)
        self.helpers: Mapping[str, Helper | None] = helpers
        self.functions = functions_of(program)
        self.silent = SilentStatements(program, lists)
        self.function_now: ast.FunctionDef | None = None
        self.is_backward = False
        """Whether the entries of a returned table are derivatives: in ``def backward(…)``."""
        self.appended: dict[str, int] = {}
        """The lists that begin empty or written out, with the count of their entries."""
        self.filled: set[str] = set()
        """The tables and lists that have entries."""
        self.changed = False
        """Whether the statement changes an array in place, which may have two names."""
        self.same_arrays: dict[tuple[int, str], str] = {}
        """Names that are given to arrays that have a name, by their scopes: d = p."""
        self.masks = {
            target.id
            for node in ast.walk(program)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Compare)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def expressions(self, bound: Bound) -> Expressions:
        return Expressions(self.lists, self.helpers, bound)

    def block(self, body: list[ast.stmt], bound: Bound) -> None:
        is_left = False
        for node in body:
            self.changed = False
            try:
                if is_left:
                    raise Refusal("answer_unreachable", text=(self.text(node),))
                is_left = isinstance(node, ast.Return) and self.scope > 0
                self.statement(node, bound)
            except Refusal as refusal:
                self.unread(node, refusal, bound)

    def unread(self, node: ast.stmt, refusal: Refusal, bound: Bound) -> None:
        touched = tuple(self.touched(node, bound))
        text = self.text(node)
        self.add(ReadStatement(self.number(node), text, refusal=refusal, touched=touched))

    def touched(self, node: ast.stmt, bound: Bound) -> Iterator[str]:
        """Yield the names whose values a statement that is not read may change."""
        expressions = self.expressions(bound)
        for each in ast.walk(node):
            if not isinstance(each, (ast.Name, ast.Attribute, ast.Subscript)):
                continue
            if isinstance(each.ctx, ast.Load) and not isinstance(node, ast.Expr):
                continue
            target: ast.expr = each
            while isinstance(target, ast.Subscript):
                target = target.value
            for part in (each, target):
                with suppress(Refusal):
                    yield expressions.name_of(part) or ""

    def add(self, statement: ReadStatement) -> None:
        if len(self.found) >= MAX_STATEMENTS:
            raise _TooMany
        self.found.append(replace(statement, scope=self.scope))

    def number(self, node: ast.AST) -> int:
        return int(getattr(node, "lineno", 1))

    def text(self, node: ast.AST) -> str:
        """Return the first line of a statement as written."""
        return self.lines[self.number(node) - 1].strip()

    # -- statements ----------------------------------------------------------------------------

    def statement(self, node: ast.stmt, bound: Bound) -> None:
        if self.silent.has(node):
            return
        match node:
            case ast.Assign(value=ast.Lambda(), targets=[ast.Name()]):
                return
            case ast.Assign():
                self.group += 1
                for target in node.targets:
                    self.assignment(target, node.value, node, bound)
            case ast.AnnAssign(value=ast.expr() as value):
                self.group += 1
                self.assignment(node.target, value, node, bound)
            case ast.AugAssign():
                self.group += 1
                self.changed = True
                old = _loaded(node.target)
                labels = isinstance(node.target, ast.Subscript) and labels_of(node.target.slice)
                if isinstance(node.target, ast.Subscript) and labels:
                    self.one_hot(node.target, labels, node, bound)
                    return
                value = ast.BinOp(left=old, op=node.op, right=node.value)
                self.assignment(node.target, value, node, bound)
            case ast.For():
                self.loop(node, bound)
            case ast.If():
                condition = self.expressions(bound).folded(node.test)
                if condition is None and self.silent.is_for_show(node):
                    condition = 1
                if condition is None:
                    raise Refusal("answer_condition", text=(ast.unparse(node.test),))
                self.block(node.body if condition else node.orelse, bound)
            case ast.With(items=[ast.withitem(context_expr=context)]):
                if ast.unparse(context) not in ("torch.no_grad()", "torch.inference_mode()"):
                    raise self.unknown(node)
                self.block(node.body, bound)
            case ast.FunctionDef():
                self.function(node, bound)
            case ast.ClassDef():
                self.block(node.body, bound)
            case ast.Return():
                self.returned(node, bound)
            case ast.Import() | ast.Pass() | ast.Assert():
                return
            case ast.ImportFrom(names=names) if not any(each.asname for each in names):
                return  # under other names functions could be others than they seem
            case ast.Expr(value=ast.Constant()):
                return  # a docstring
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=of, attr="append"), args=[value], keywords=[]
                )
            ) if ast.unparse(of) in self.appended:
                self.append(of, value, node, bound)
            case _:
                raise self.unknown(node)

    def unknown(self, node: ast.AST) -> Refusal:
        return Refusal("answer_statement", text=(self.text(node),))

    def function(self, node: ast.FunctionDef, bound: Bound) -> None:
        """Read the body of a function, unless it is written out where it is called."""
        if self.helpers.get(node.name) is not None:
            return
        if any(ast.unparse(each) not in _PLAIN_DECORATORS for each in node.decorator_list):
            raise Refusal("answer_function", text=(node.name,))
        lost, stored = (self.named(targets, bound) for targets in lost_and_stored(node))
        if lost:
            self.add(ReadStatement(self.number(node), self.text(node), lost=lost, stored=stored))
        outside, was_backward = self.scope, self.is_backward
        self.is_backward = re.search("back|grad", node.name) is not None
        self.scopes += 1
        self.scope = self.scopes
        before, self.function_now = self.function_now, node
        self.block(node.body, bound)
        self.function_now = before
        self.scope, self.is_backward = outside, was_backward

    def named(self, targets: Sequence[ast.expr], bound: Bound) -> tuple[str, ...]:
        """Return the names of targets, of entries those of their tables' entries."""
        found: list[str] = []
        for target in targets:
            with suppress(Refusal):
                found.append(self.expressions(bound).name_of(target) or "")
        return tuple(dict.fromkeys(filter(None, found)))

    def loop(self, node: ast.For, bound: Bound) -> None:
        """Unroll a loop over whole numbers; one that repeats a step is read once."""
        header = ast.unparse(node.iter)
        bodies = zipped_bodies(node, self.lists)
        if bodies is not None:
            for row, body in enumerate(bodies):
                self.block(body, {**bound, "zip": row})
            return
        layout = self.samples
        statements = None if layout is None else for_all_samples(node, self.program, layout)
        if statements is not None:
            self.block(statements, bound)
            return
        expressions = self.expressions(bound)
        iterable = without_progress(node.iter)
        variable = node.target.id if isinstance(node.target, ast.Name) else None
        if node.orelse or variable is None:
            raise Refusal("answer_loop", text=(header,))
        is_range = isinstance(iterable, ast.Call) and _called(iterable) == "range"
        if expressions.numbers(iterable) == []:
            raise Refusal("answer_unreachable", text=(self.text(node),))
        if is_range and variable not in self.silent.used(node.body):
            self.block(node.body, bound)  # epochs
            return
        values = expressions.numbers(iterable)
        if not values:
            raise Refusal("answer_loop", text=(header,))
        for value in values:
            self.block(node.body, {**bound, variable: value})

    def returned(self, node: ast.Return, bound: Bound) -> None:
        """Read the entries of a returned table; names alone are computed elsewhere."""
        match node.value:
            case None | ast.Name() | ast.Attribute() | ast.Constant():
                return
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                listed = documented(self.function_now, node)
                if listed is not None:
                    self.ordered(node, *listed)
                for part in parts:
                    self.returned(ast.copy_location(ast.Return(value=part), node), bound)
            case ast.Dict() as table:
                self.table("grads" if self.is_backward else "", table, node, bound)
            case ast.Subscript() as entry if self.expressions(bound).name_of(entry):
                return
            case other:
                raise Refusal("answer_returned", text=(ast.unparse(other),))

    def table(self, name: str, table: ast.Dict, node: ast.stmt, bound: Bound) -> None:
        """Read {"dW2": a1.T @ delta2, …}: each entry is an assignment."""
        for key, value in zip(table.keys, table.values, strict=True):
            if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                raise self.unknown(node)
            entry = ast.Subscript(value=ast.Name(id=name or "table"), slice=key)
            left = self.expressions(bound).name_of(entry) or ""
            if not left.isidentifier():
                raise self.unknown(node)
            same = isinstance(value, ast.Name) and value.id.replace("_", "") in (
                left.replace("_", ""),
                *(() if name else ("d" + left.replace("_", ""),)),
            )
            if not same:
                self.equation(left, value, node, bound)

    # -- assignments ---------------------------------------------------------------------------

    def assignment(self, target: ast.expr, value: ast.expr, node: ast.stmt, bound: Bound) -> None:
        """Read one assignment; a tuple is several, which use the values from before all of them."""
        if isinstance(target, (ast.Tuple, ast.List)):
            if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
                for each, part in zip(target.elts, value.elts, strict=True):
                    self.assignment(each, part, node, bound)
                return
            names = [self.expressions(bound).name_of(each) for each in target.elts]
            if isinstance(value, (ast.Name, ast.Attribute)) and all(names):
                return  # what a forward pass has stored
            call = unpacked(target, value, self.functions)
            if call is not None:
                self.ordered(node, *call)
                return
            raise self.unknown(node)
        if self.is_count(target, value, bound):
            return
        value = with_functional_updates(with_zeros_like(value))
        expressions = self.expressions(bound)
        if isinstance(value, ast.Dict) and value.keys and isinstance(target, ast.Name):
            self.table(target.id, value, node, bound)
            return
        if isinstance(target, (ast.Name, ast.Attribute)) and _is_container(value):
            if ast.unparse(target) in self.filled:
                raise self.unknown(node)
            if isinstance(value, ast.List):
                self.appended[ast.unparse(target)] = 0
            return
        if isinstance(value, ast.List) and isinstance(target, ast.Name):
            if not self.lists.has(target.id) or target.id in self.filled:
                raise self.unknown(node)
            self.appended[target.id] = 0
            for each in value.elts:
                self.append(target, each, node, bound)
            return
        if isinstance(target, ast.Subscript):
            self.changed = self.changed or expressions.name_of(target) is None
            self.filled.add(ast.unparse(target.value))
        left = expressions.name_of(target)
        if left is None and isinstance(target, ast.Subscript):
            left, value = self.masked(target, value, node, bound)
        if left is None:
            raise self.unknown(node)
        if left in self.helpers:
            raise Refusal("answer_function", text=(left,))
        zeros = lengths_of_zeros(value)
        if zeros is not None:
            text = f"{left} = 0"
            self.add(
                ReadStatement(
                    self.number(node), self.text(node), left, text, group=self.group, zeros=zeros
                )
            )
            return
        self.equation(left, value, node, bound)

    def append(self, of: ast.expr, value: ast.expr, node: ast.stmt, bound: Bound) -> None:
        """Read zs.append(z): the next entry of a list that the program has begun."""
        self.group += 1
        index = self.appended[ast.unparse(of)]
        self.appended[ast.unparse(of)] += 1
        entry = ast.Subscript(value=of, slice=ast.Constant(value=index), ctx=ast.Store())
        self.assignment(entry, value, node, bound)

    def ordered(self, node: ast.stmt, returned: Sequence[str], taken: Sequence[str]) -> None:
        """Read the names that returned values are given, which are in the same order."""
        if len(returned) != len(taken):
            counts = {"count": str(len(returned)), "given": str(len(taken))}
            raise Refusal("answer_unpacked", text=(self.text(node),), **counts)
        pairs = tuple(zip(returned, taken, strict=True))
        self.add(ReadStatement(self.number(node), self.text(node), returned=pairs))

    def one_hot(
        self, target: ast.Subscript, labels: ast.expr, node: ast.AugAssign, bound: Bound
    ) -> None:
        """Read dscores[range(N), y] -= 1: 1 is subtracted where the target is 1."""
        if not isinstance(node.op, ast.Sub) or ast.unparse(node.value) != "1":
            raise self.unknown(node)
        value = ast.BinOp(left=_loaded(target.value), op=node.op, right=labels)
        self.assignment(target.value, value, node, bound)

    def is_count(self, target: ast.expr, value: ast.expr, bound: Bound) -> bool:
        """Return whether a statement names the count of layers, which is then known."""
        if not (isinstance(target, (ast.Name, ast.Attribute))):
            return False
        name = target.id if isinstance(target, ast.Name) else target.attr
        return self.lists.layers(name) is not None and (
            self.expressions(bound).folded(value) == self.lists.layers(name)
        )

    def masked(
        self, target: ast.Subscript, value: ast.expr, node: ast.stmt, bound: Bound
    ) -> tuple[str | None, ast.expr]:
        """Return dh and where(z <= 0, 0, dh) for dh[z <= 0] = 0."""
        left = self.expressions(bound).name_of(target.value)
        index = target.slice
        if isinstance(index, ast.Slice) and ast.unparse(index) == ":":
            return left, value
        is_mask = isinstance(index, ast.Compare) or (
            isinstance(index, ast.Name) and index.id in self.masks
        )
        if left is None or not is_mask:
            raise self.unknown(node)
        old = _loaded(target.value)
        if isinstance(value, ast.BinOp) and isinstance(value.left, ast.Subscript):
            value = ast.BinOp(left=old, op=value.op, right=value.right)  # dh[z < 0] *= 0.01
        if any(isinstance(each, ast.Subscript) for each in ast.walk(value)):
            raise self.unknown(node)
        where = ast.Call(func=ast.Name(id="where"), args=[index, value, old], keywords=[])
        return left, where

    def equation(self, left: str, value: ast.expr, node: ast.stmt, bound: Bound) -> None:
        if left in bound:
            raise self.unknown(node)
        expressions = self.expressions(bound)
        text = f"{left} = {expressions.written(value)}"
        key = (self.scope, left)
        if not self.changed:
            source = expressions.name_of(value)
            self.same_arrays[key] = source if source not in (None, left) else ""
        is_one_line = not bound and self.number(node) == getattr(node, "end_lineno", None)
        is_tuple = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple)
        shown = self.text(node) if is_one_line and not is_tuple else text
        self.add(
            ReadStatement(
                self.number(node),
                shown,
                left,
                text,
                group=self.group,
                is_ordered=True,
                also=self.same_arrays.get(key, "") if self.changed else "",
            )
        )


class _TooManyStatements(Exception):  # noqa: N818 - becomes a refusal of the whole answer
    pass


_TooMany = _TooManyStatements()


def read_or_refused(read: Callable[[], list[ReadStatement]]) -> list[ReadStatement]:
    """Return the statements; the answer is refused where there are too many, or too deep ones."""
    try:
        return read()
    except _TooManyStatements:
        raise Refusal("answer_statements", limit=str(MAX_STATEMENTS)) from None
    except RecursionError:
        raise Refusal("answer_deep") from None


def _called(call: ast.Call) -> str:
    """Return the name of the function of a call, '' for any other expression."""
    match call.func:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(), attr=name):
            return name
    return ""


def _loaded(target: ast.expr) -> ast.expr:
    """Return the target of an assignment as a value."""
    return ast.parse(ast.unparse(target), mode="eval").body


def _rename_variable(program: ast.Module, name: str, other: str) -> None:
    """Give a variable that is assigned and never called another name than a function's."""
    names = [each for each in ast.walk(program) if isinstance(each, ast.Name) and each.id == name]
    calls = [each for each in ast.walk(program) if isinstance(each, ast.Call)]
    is_called = any(_called(each) == name for each in calls)
    if not is_called and any(isinstance(each.ctx, ast.Store) for each in names):
        for each in names:
            each.id = other


def _is_container(value: ast.expr) -> bool:
    """Return whether a value is an empty table or a list to be filled: {}, [], [None] * n."""
    match value:
        case ast.Dict(keys=[]) | ast.List(elts=[]):
            return True
        case ast.Call(func=ast.Name(id="dict" | "list"), args=[], keywords=[]):
            return True
        case ast.BinOp(op=ast.Mult(), left=ast.List(elts=[ast.Constant()])):
            return True
        case ast.ListComp(elt=ast.Call() as made):
            return ast.unparse(made.func) in ("np.zeros", "np.zeros_like", "numpy.zeros")
    return False
