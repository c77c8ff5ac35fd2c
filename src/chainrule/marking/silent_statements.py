"""Statements of a program that compute nothing of the network: prints, plots, records, seeds."""

import ast
from collections.abc import Sequence
from functools import cached_property

from chainrule.marking.layer_lists import LayerLists
from chainrule.marking.usual_names import LOSSES

_FUNCTIONS = ("print", "display")
_MODULES = ("plt", "sns", "logging", "logger", "warnings", "time")
"""What has no function that changes an array of the network."""
_SHOWING = ("matplotlib", "pylab", "seaborn", "logging", "warnings", "time", "tqdm")
_SCORES = (
    *LOSSES,
    "loss",
    "cost",
    "acc",
    "accuracy",
    "train_loss",
    "test_loss",
    "val_loss",
    "error",
    "mse",
)
_FIGURES = ("fig", "ax", "axs", "axes", "figure")
_PLAIN = (
    *("np.random.seed", "numpy.random.seed", "random.seed", "torch.manual_seed", "set_seed"),
    *("torch.cuda.manual_seed", "torch.cuda.manual_seed_all", "np.set_printoptions", "np.seterr"),
    *("torch.set_printoptions", "tqdm.write", "sys.stdout.write", "sys.stdout.flush"),
    *("pbar.set_description", "pbar.set_postfix", "pbar.update"),
)
_CHANGING = (
    *("append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "update", "fill"),
    *("put", "itemset", "resize", "partition", "setflags", "step", "backward", "setdefault"),
    *("copyto", "putmask", "put_along_axis", "fill_diagonal", "shuffle", "at"),
    *("setattr", "exec", "eval"),
)
_RECORDED = ("item", "copy", "tolist", "numpy", "detach", "cpu", "clone", "float", "int")
"""The functions whose result is the value that they are given, for a record of it."""


class SilentStatements:
    """Which statements of a program compute nothing of the network.

    >>> text = "losses = []\\nlosses.append(loss)\\nif epoch % 10 == 0:\\n    print(loss)\\nW = f()"
    >>> program = ast.parse(text)
    >>> silent = SilentStatements(program, LayerLists(2, 0))
    >>> [silent.has(each) for each in program.body]
    [False, True, True, False]
    """

    def __init__(self, program: ast.Module, lists: LayerLists) -> None:
        self.program, self.lists = program, lists

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.program))

    @cached_property
    def _own(self) -> set[str]:
        """The names that the program gives something of its own, so that they show nothing."""
        found: set[str] = set()
        figures: set[int] = set()
        for each in self._nodes:
            if isinstance(each, (ast.FunctionDef, ast.ClassDef)):
                found.add(each.name)
            if isinstance(each, ast.Import):
                found |= {
                    alias.asname
                    for alias in each.names
                    if alias.asname in _MODULES and alias.name.partition(".")[0] not in _SHOWING
                }
            if isinstance(each, ast.Assign) and _root(each.value) in ("plt", "tqdm", *_FIGURES):
                figures |= {id(part) for target in each.targets for part in _parts(target)}
        names = (each for each in self._nodes if isinstance(each, ast.Name))
        stored = (each for each in names if isinstance(each.ctx, ast.Store))
        return found | {each.id for each in stored if id(each) not in figures}

    @cached_property
    def _loads(self) -> list[tuple[int, str]]:
        """Where values are used, by identity, with what is used there."""
        return [
            (id(each), ast.unparse(each))
            for each in self._nodes
            if isinstance(each, (ast.Name, ast.Attribute)) and isinstance(each.ctx, ast.Load)
        ]

    @cached_property
    def _records(self) -> set[str]:
        """The lists that are only appended to, shown and returned."""
        statements = [each for each in self._nodes if isinstance(each, (ast.Expr, ast.Return))]
        unused: set[int] = set()
        found: set[str] = set()
        for each in statements:
            appended = isinstance(each, ast.Expr) and _appended(each.value)
            if appended:
                found.add(appended)
            if appended or isinstance(each, ast.Return) or self._is_silent_call(each.value):
                unused.update(map(id, ast.walk(each)))
        used = {name for index, name in self._loads if index not in unused}
        return {each for each in found - used if not self.lists.holds(each.rpartition(".")[2])}

    def has(self, node: ast.stmt) -> bool:
        """Return whether a statement computes nothing of the network."""
        match node:
            case ast.Pass():
                return True
            case ast.Expr(value=ast.Call() as call):
                return self._is_silent_call(call) or self._is_record(call)
            case ast.If(test=test, body=body, orelse=orelse):
                return not _has_effects(test) and all(map(self.has, [*body, *orelse]))
            case ast.Assign(targets=targets, value=ast.Call() as call):
                names = [each for target in targets for each in _parts(target)]
                figures = all(isinstance(each, ast.Name) and each.id in _FIGURES for each in names)
                return figures and self._is_silent_call(call)
        return False

    def is_for_show(self, node: ast.stmt) -> bool:
        """Return whether a condition decides only about values that are shown.

        As in ``if epoch % 100 == 0: loss = …; print(loss)``: a loss that is used nowhere else.
        """
        if not isinstance(node, ast.If) or node.orelse or _has_effects(node.test):
            return False
        inside = {id(each) for each in ast.walk(node)}
        outside = {name for index, name in self._loads if index not in inside}
        for each in node.body:
            is_shown = isinstance(each, ast.Assign) and all(
                isinstance(target, ast.Name) and target.id in {*_SCORES} - outside
                for target in each.targets
            )
            if not (is_shown or self.has(each)):
                return False
        return True

    def used(self, body: Sequence[ast.stmt]) -> set[str]:
        """Return the names in statements that compute something of the network."""
        found: set[str] = set()
        for node in body:
            if self.has(node):
                continue
            if isinstance(node, ast.If) and self.is_for_show(node):
                found |= self.used(node.body)
            else:
                found |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        return found

    def _is_silent_call(self, node: ast.expr | None) -> bool:
        """Return whether a call shows something, or sets what random numbers begin with."""
        if not isinstance(node, ast.Call):
            return False
        name = ast.unparse(node.func)
        root = name.partition(".")[0]
        known = name in (*_FUNCTIONS, *_PLAIN) or ("." in name and root in (*_MODULES, *_FIGURES))
        given = [*node.args, *(each.value for each in node.keywords)]
        return known and root not in self._own and not any(map(_has_effects, given))

    def _is_record(self, call: ast.Call) -> bool:
        """Return whether a value that has a name is added to a list that is for show."""
        return _appended(call) in self._records and all(map(_is_named, call.args))


def _appended(node: ast.expr | None) -> str:
    """Return the list that a call appends to, '' for another expression."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=(ast.Name() | ast.Attribute()) as of, attr="append"),
            args=[_],
            keywords=[],
        ):
            return ast.unparse(of)
    return ""


def _is_named(node: ast.expr) -> bool:
    """Return whether a value is one that has a name, or the number in it: float(loss)."""
    match node:
        case ast.Name() | ast.Attribute() | ast.Constant():
            return True
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all(map(_is_named, parts))
        case ast.Call(func=ast.Attribute(value=of, attr=name), args=[]) if name in _RECORDED:
            return _is_named(of)
        case ast.Call(func=ast.Name(id=name), args=[of]) if name in _RECORDED:
            return _is_named(of)
    return False


def _has_effects(node: ast.expr) -> bool:
    """Return whether an expression may change a value: W.fill(0), (W := 0), out=W."""
    for each in ast.walk(node):
        if isinstance(each, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)):
            return True
        if isinstance(each, ast.Call):
            name = ast.unparse(each.func).rpartition(".")[2]
            if name in _CHANGING or (name.endswith("_") and "." in ast.unparse(each.func)):
                return True
            if any(keyword.arg == "out" for keyword in each.keywords):
                return True
    return False


def _root(node: ast.expr) -> str:
    """Return the first name of a called function, '' for what is no call."""
    return ast.unparse(node.func).partition(".")[0] if isinstance(node, ast.Call) else ""


def _parts(target: ast.expr) -> Sequence[ast.expr]:
    return target.elts if isinstance(target, (ast.Tuple, ast.List)) else (target,)


def without_progress(iterable: ast.expr) -> ast.expr:
    """Return what a loop runs over, without the bar that shows how far it is.

    >>> ast.unparse(without_progress(ast.parse("tqdm(range(9), leave=False)", mode="eval").body))
    'range(9)'
    """
    match iterable:
        case ast.Call(func=ast.Name(id="tqdm"), args=[inside, *_]):
            return inside
        case ast.Call(func=ast.Name(id="trange"), args=ends):
            return ast.Call(func=ast.Name(id="range", ctx=ast.Load()), args=ends, keywords=[])
    return iterable
