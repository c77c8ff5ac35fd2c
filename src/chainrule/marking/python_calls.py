"""The calls, methods and attributes of NumPy, PyTorch and JAX programs.

The tables are complete: another function or method is an error that names it.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from chainrule.language.refusals import Refusal
from chainrule.marking import matlab_notation
from chainrule.marking.grammar import CLOSING, Grammar
from chainrule.marking.pytorch_calls import NAMES, PREFIX, functional_call
from chainrule.marking.scanned_text import Token
from chainrule.marking.syntax import (
    Binary,
    Call,
    Comparison,
    Constant,
    Largest,
    Negative,
    Operation,
    Raised,
    Reduction,
    Transposed,
    Tree,
    is_number,
)
from chainrule.network import activations

_FUNCTIONS = {
    "exp": "exp",
    "log": "log",
    "ln": "log",
    "tanh": "tanh",
    "sqrt": "sqrt",
    "abs": "abs",
    "sign": "sign",
    "square": "square",
    "maximum": "maximum",
    "max": "maximum",
    "amax": "amax",
    "minimum": "minimum",
    "min": "minimum",
    "amin": "amin",
    "where": "where",
    "erf": "erf",
    "expm1": "expm1",
    "log1p": "log1p",
    "sin": "sin",
    "cos": "cos",
    "cosh": "cosh",
    "sinh": "sinh",
    "negative": "negative",
    "norm": "norm",
    "len": "len",
    "ones": "ones",
    "zeros_like": "zeros_like",
    "ones_like": "ones_like",
    "indicator": "indicator",
    "diag": "diag",
    "diagflat": "diag",
    **matlab_notation.FUNCTIONS,
}
_OF_OWN_FORM = ("clip", "clamp", "power", "heaviside", "einsum", "prod", "tensordot")
_TWO_TENSORS = {"torch.max": "maximum", "torch.min": "minimum"}
_ARGUMENT_COUNTS = {"maximum": 2, "minimum": 2, "amax": 2, "amin": 2, "outer": 2, "where": 3}
"""The functions with more than one argument."""
_PRODUCTS: dict[str, Operation] = {
    **{"dot": "matrix", "matmul": "matrix", "mm": "matrix"},
    **{"multiply": "entrywise", "mul": "entrywise", "times": "entrywise"},
    **{"subtract": "subtract", "sub": "subtract", "add": "add"},
    **{"divide": "divide", "true_divide": "divide", "div": "divide"},
}
"""The functions of two factors or terms."""
_UNCHANGED = {"astype", "copy", "detach", "clone", "item", "float", "double"}
"""The methods that leave the values as they are."""
_COPIES = ("array", "asarray", "copy")
"""The functions that return their argument."""
_METHODS = {"exp", "log", "tanh", "sqrt", "abs", "square", "sign", "sin", "cos"}
REDUCTIONS = {"sum": False, "mean": True}
"""The names of reductions, True for the mean."""
_SUBSCRIPTS = re.compile(r"[a-z]{1,2}(?:,[a-z]{1,2}){0,2}->[a-z]{0,2}", re.I)
_SLOPE_OPTIONS = ("derivative", "deriv", "prime", "derivate")
"""The options of an activation by which programs ask for its derivative."""


def is_function(name: str) -> bool:
    """Return whether a call of this name is read as that of a library's function."""
    named = (*_OF_OWN_FORM, "outer", "transpose")
    return name.casefold() in (*_FUNCTIONS, *_PRODUCTS, *_COPIES, *REDUCTIONS, *named)


class PythonCalls:
    """Parses what follows the name of a function, or a method after an operand."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.is_sloped = False
        """Whether the arguments read last contain derivative=True."""
        self.axis: int | None = None
        """The axis in the arguments read last."""

    def call_parser(self, text: str, opened: bool, primed: bool) -> Callable[[Token], Tree] | None:
        """Return what parses the rest of a call, None if the word is not the name of a function."""
        name = text.casefold()
        is_quantity = self.grammar.names.quantity(text) is not None
        if not (opened or (self.grammar.starts_operand() and not is_quantity)):
            return None
        if name in (*_OF_OWN_FORM, "h") and opened and not primed:
            quantity = self.grammar.names.quantity(text)
            is_step = text == "H" and (quantity is None or quantity.symbol == "a_h")
            if name != "h" or is_step:
                return lambda token: self.named_call(name, token)
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) in NAMES:
            return lambda token: functional_call(self.grammar, name.removeprefix(PREFIX), token)
        if name in ("size", "np.size") and opened and not primed:
            return lambda token: self.size_call(name, token)
        if (
            name in ("max", "amax", "torch.max")
            and opened
            and not primed
            and self._is_of_one_operand(name)
        ):
            return lambda token: self.largest(name.removeprefix("torch."), None, token.start)
        if name == "norm" and opened and not primed:
            return self.norm_call
        if name in _TWO_TENSORS:
            return lambda token: self.extreme_of_tensors(name, token)
        if name in _FUNCTIONS and not primed:
            return lambda token: self.call(_FUNCTIONS[name], token)
        if name in REDUCTIONS:
            return lambda token: self.reduction(name, None, token.start)
        if name == "add_reduce" and opened:  # of np.add.reduce the axis is 0 where none is given
            return lambda token: self.reduction("sum", None, token.start, 0)
        if name in _PRODUCTS:
            return lambda token: self.product_call(_PRODUCTS[name], token)
        if name in _COPIES and opened and not primed:
            return self.copy_call
        if name == "outer":
            return lambda token: self.call("outer", token)
        if name == "transpose":
            return self.transpose_call
        activation = self.grammar.names.function(text)
        if activation is None or is_quantity:
            return None
        if primed:
            self.grammar.take()
        derivative = primed or activation.derivative
        return lambda token: self.call(activation.name, token, derivative)

    def copy_call(self, token: Token) -> Tree:
        """Parse array(x, copy=True)."""
        self.grammar.expect("open", "(")
        operand = self.grammar.condition()
        if self.grammar.skip("comma"):
            if not (self.grammar.skip("word", "copy") and self.grammar.skip("equals")):
                raise self.grammar.error("option")
            self.grammar.skip("word")
        self.grammar.expect("close", ")")
        return replace(operand, span=self.grammar.since(token.start))

    def norm_call(self, token: Token) -> Tree:
        """Parse norm(x, 'fro'), or norm(x), which in MATLAB is the spectral norm of a matrix."""
        self.grammar.expect("open", "(")
        operand = self.grammar.condition()
        function = "spectral_norm" if self.grammar.matlab == "whole" else "norm"
        if self.grammar.skip("comma"):
            self.grammar.expect("string", "fro")
            function = "norm"
        self.grammar.expect("close", ")")
        return Call(function, (operand,), span=self.grammar.since(token.start))

    def named_call(self, name: str, token: Token) -> Tree:
        """Parse the call of a function with a form of its own."""
        calls: dict[str, Callable[[Token], Tree]] = {
            **{
                "clip": self.clip_call,
                "clamp": self.clip_call,
                "power": self.power_call,
                "einsum": self.einsum_call,
            },
            **{"heaviside": self.heaviside_call, "prod": self.prod_call, "h": self.h_call},
            "tensordot": self.tensordot_call,
        }
        return calls[name](token)

    def power_call(self, token: Token) -> Tree:
        base, exponent = self.arguments(2)
        return Raised(base, exponent, span=self.grammar.since(token.start))

    def heaviside_call(self, token: Token) -> Tree:
        argument, _ = self.arguments(2)
        zero = Constant(0.0, "0")
        return Comparison(">", argument, zero, span=self.grammar.since(token.start))

    def h_call(self, token: Token) -> Tree:
        """Parse H(z), the step function."""
        (argument,) = self.arguments(1)
        return Comparison(">", argument, Constant(0.0, "0"), span=self.grammar.since(token.start))

    def prod_call(self, token: Token) -> Tree:
        """Parse prod(x.shape), the count of entries."""
        (argument,) = self.arguments(1)
        if not (isinstance(argument, Call) and argument.function == "shape"):
            raise Refusal("attribute", text=token.text, position=str(token.start + 1))
        return Call("size", argument.arguments, span=self.grammar.since(token.start))

    def size_call(self, name: str, token: Token) -> Tree:
        """Parse size(x, 2) of MATLAB, np.size(x, axis=1), or np.size(x), the count of entries."""
        first = 0 if name == "np.size" else 1
        self.grammar.expect("open", "(")
        operand = self.grammar.condition()
        function = "size" if first == 0 else ""
        if self.grammar.skip("comma"):
            if first == 0 and self.grammar.skip("word", "axis"):
                self.grammar.expect("equals", "=")
            number = self.grammar.take().text
            function = {str(first): "shape0", str(first + 1): "shape1"}.get(number, "")
        elif not function:
            raise self.grammar.error("arguments", expected="2", count="1")
        if not function:
            raise self.grammar.error("surplus")
        self.grammar.expect("close", ")")
        return Call(function, (operand,), span=self.grammar.since(token.start))

    def einsum_call(self, token: Token) -> Tree:
        """Parse einsum('bi,bj->ij', x, y): one letter for each axis."""
        self.grammar.expect("open", "(")
        subscripts = self.grammar.take()
        if subscripts.kind != "string":
            raise self.grammar.error("operand")
        found: list[Tree] = []
        while self.grammar.skip("comma"):
            found.append(self.grammar.condition())
        self.grammar.expect("close", ")")
        text = subscripts.text
        if not _SUBSCRIPTS.fullmatch(text) or text.count(",") != len(found) - 1:
            raise self.grammar.error(
                "arguments", expected=str(text.count(",") + 1), count=str(len(found))
            )
        return Call(f"einsum {text}", tuple(found), span=self.grammar.since(token.start))

    def tensordot_call(self, token: Token) -> Tree:
        """Parse tensordot(x, y, axes=([0], [0])) of matrices: one axis of each is contracted."""
        self.grammar.expect("open", "(")
        left = self.grammar.condition()
        self.grammar.expect("comma", ",")
        right = self.grammar.condition()
        self.grammar.expect("comma", ",")
        if self.grammar.skip("word", "axes"):
            self.grammar.skip("equals")
        axes: list[str] = []
        while self.grammar.now.kind in ("open", "comma", "number", "subtract"):
            sign = "-" if self.grammar.skip("subtract") else ""
            taken = self.grammar.take()
            axes += [sign + taken.text] if taken.kind == "number" else []
            while taken.kind == "number" and self.grammar.now.kind == "close" and self._is_inside():
                self.grammar.take()
        self.grammar.expect("close", ")")
        if axes == ["1"]:
            axes = ["1", "0"]
        if len(axes) != 2 or not {*axes} <= {"0", "1", "-1"}:
            raise self.grammar.error("axis")
        first = Transposed(left, span=left.span) if axes[0] == "0" else left
        second = right if axes[1] == "0" else Transposed(right, span=right.span)
        return Binary("matrix", first, second, span=self.grammar.since(token.start))

    def _is_inside(self) -> bool:
        """Return whether a bracket that closes is not the last one of a call's axes."""
        return self.grammar.ahead().kind in ("close", "comma")

    def clip_call(self, token: Token) -> Tree:
        """Parse clip(x, low, high), where an end may be None."""
        self.grammar.expect("open", "(")
        operand = self.grammar.condition()
        self.grammar.skip("comma")
        return self.clipped(operand, token.start)

    def clipped(self, tree: Tree, start: int) -> Tree:
        """Parse the ends of clip: low, high, or min= and max=."""
        functions = {"min": "maximum", "a_min": "maximum", "max": "minimum", "a_max": "minimum"}
        for end in ("min", "max"):
            if self.grammar.now.kind == "word" and self.grammar.ahead().kind == "equals":
                end = self.grammar.take().text
                self.grammar.take()
                if end not in functions:
                    raise self.grammar.error("option")
            if self.grammar.now.kind != "close" and not self.grammar.skip("word", "None"):
                tree = Call(functions[end], (tree, self.grammar.condition()), span=tree.span)
            self.grammar.skip("comma")
        self.grammar.expect("close", ")")
        return replace(tree, span=self.grammar.since(start))

    def extreme_of_tensors(self, name: str, token: Token) -> Tree:
        """Parse torch.max(x, y): a number is no tensor, and as the second argument an axis."""
        found = self.arguments(2)
        is_axis = any(isinstance(each, Constant) for each in found)
        function = name if is_axis else _TWO_TENSORS[name]
        return Call(function, tuple(found), span=self.grammar.since(token.start))

    def product_call(self, operation: Operation, token: Token) -> Tree:
        left, right = self.arguments(2)
        operation = _with_numbers(token.text, operation, left, right)
        return Binary(operation, left, right, span=self.grammar.since(token.start))

    def transpose_call(self, token: Token) -> Tree:
        (operand,) = self.arguments(1)
        return Transposed(operand, span=self.grammar.since(token.start))

    def call(self, function: str, token: Token, derivative: bool = False) -> Tree:
        count = _ARGUMENT_COUNTS.get(function, 1)
        if count == 1 and self.grammar.now.kind != "open":
            with self.grammar.deeper():
                arguments = [self.grammar.power()]
        else:
            known = activations.CATALOGUE.get(function)
            arguments = self.arguments(count, known is not None and known.slope is None)
        axis, self.axis = self.axis, None
        if self.is_sloped:
            derivative, self.is_sloped = True, False
        if function == "indicator":
            return replace(arguments[0], span=self.grammar.since(token.start))
        if function == "negative":
            return Negative(arguments[0], span=self.grammar.since(token.start))
        span = self.grammar.since(token.start)
        return Call(function, tuple(arguments), derivative, axis, span=span)

    def arguments(self, count: int, has_axis: bool = False) -> list[Tree]:
        if self.grammar.now.kind != "open":
            raise self.grammar.error("bracket")
        closing = CLOSING[self.grammar.take().text]
        found = [self.grammar.condition()]
        while self.grammar.skip("comma"):
            if has_axis and self.skip_axis():
                continue
            if self.grammar.now.kind == "word" and self.grammar.ahead().kind == "equals":
                if (
                    self.grammar.now.text not in _SLOPE_OPTIONS
                    or self.grammar.ahead(2).text != "True"
                ):
                    raise self.grammar.error("option")
                self.grammar.position += 3
                self.is_sloped = True
                continue
            found.append(self.grammar.condition())
        if len(found) != count:
            raise self.grammar.error("arguments", expected=str(count), count=str(len(found)))
        self.grammar.expect("close", closing)
        return found

    def skip_axis(self) -> bool:
        """Take axis=1, dim=-1 or a 1 alone, and remember it; return whether there is one."""
        ahead = self.grammar.ahead
        named = 2 * (ahead(0).text in ("axis", "dim") and ahead().kind == "equals")
        signed = int(ahead(named).kind == "subtract")
        number = ahead(named + signed)
        if number.text not in ("0", "1", "2") or ahead(named + signed + 1).kind not in (
            "comma",
            "close",
        ):
            return False
        self.axis = -int(number.text) if signed else int(number.text)
        self.grammar.position += named + signed + 1
        return True

    def reduction(
        self, name: str, operand: Tree | None, start: int, axis: int | None = None
    ) -> Tree:
        """Parse sum(x, axis=0, keepdims=True), or the method .sum(…) of an operand."""
        operand, of, keepdims = self.over_axis(name, operand, axis)
        span = self.grammar.since(start)
        return Reduction(operand, of, REDUCTIONS[name], keepdims or of is None, span=span)

    def largest(self, name: str, operand: Tree | None, start: int) -> Tree:
        """Parse max(x, axis=1, keepdims=True), or the method .max(…) of an operand."""
        operand, axis, keepdims = self.over_axis(name, operand, None)
        return Largest(operand, axis, keepdims, span=self.grammar.since(start))

    def over_axis(
        self, name: str, operand: Tree | None, axis: int | None
    ) -> tuple[Tree, int | Literal["first"] | None, bool]:
        """Parse an operand, unless it is given, and return it with its axis and keepdims."""
        self.grammar.expect("open", "(")
        keepdims = False
        is_first = self.grammar.matlab == "whole" and operand is None and axis is None
        if operand is None:
            operand = self.grammar.condition()
            self.grammar.skip("comma")
        axes = ("axis",) if name == "max" else ("axis", "dim")  # PyTorch's max has two results
        while self.grammar.now.kind != "close":
            is_matlab = self.grammar.matlab != "none"
            ahead = [self.grammar.ahead(count).text for count in range(3)]
            if is_matlab and name not in REDUCTIONS and ahead == ["[", "]", ","]:
                self.grammar.position += 3  # max(x, [], 1)
                continue
            if is_matlab and self.grammar.skip("string", "all"):
                is_first = False
                continue
            is_plain = self.grammar.now.kind != "word" or self.grammar.now.text == "None"
            option = "axis" if is_plain else self.grammar.take().text
            self.grammar.skip("equals")
            sign = -1 if self.grammar.skip("subtract") else 1
            value = self.grammar.take().text
            if option in axes and value in ("0", "1", "2", "None"):
                axis = None if value == "None" else sign * int(value)
                if axis is not None and is_plain and (is_matlab or axis == 2):
                    axis, keepdims = axis - 1, True  # MATLAB counts from 1 and keeps axes
                if axis not in (None, 0, 1, -1, -2):
                    raise self.grammar.error("axis")
                axis, is_first = None if axis is None else axis % 2, False
            elif option in ("keepdims", "keepdim") and value in ("True", "False", "1", "0"):
                keepdims = value in ("True", "1")
            else:
                raise self.grammar.error("reduction", function=name, option=(option,))
            self.grammar.skip("comma")
        self.grammar.expect("close", ")")
        return operand, "first" if is_first else axis, keepdims

    def _is_of_one_operand(self, name: str) -> bool:
        """Return whether the call of max here is that of one array, with an axis or without."""
        depth = position = 0
        while (token := self.grammar.ahead(position)).kind not in ("stop", "end"):
            depth += (token.kind == "open") - (token.kind == "close")
            if depth == 0:
                return self.grammar.now.text == "("
            if depth == 1 and token.kind == "comma":
                second, third = self.grammar.ahead(position + 1), self.grammar.ahead(position + 2)
                is_alone = second.text in ("0", "1") and third.kind in ("comma", "close")
                after = self.grammar.ahead(position + 3)
                is_signed = second.kind == "subtract" and after.kind in ("comma", "close")
                is_axis = is_alone or is_signed
                is_empty = (second.text, third.text) == ("[", "]")
                is_named = third.kind == "equals" or is_empty or second.text == "all"
                return is_named or (name == "amax" and is_axis)
            position += 1
        return False

    def method(self, tree: Tree, token: Token) -> Tree:
        """Parse .dot(…), .sum(axis=0), .transpose() or .astype(…) after an operand."""
        name, start = token.text, tree.span[0]
        if name in _PRODUCTS:
            (other,) = self.arguments(1)
            operation = _with_numbers(name, _PRODUCTS[name], tree, other)
            return Binary(operation, tree, other, span=self.grammar.since(start))
        if name in REDUCTIONS:
            return self.reduction(name, tree, start)
        if name in ("max", "amax"):
            return self.largest(name, tree, start)
        if name in ("transpose", *_UNCHANGED):
            self.grammar.expect("open", "(")
            if name == "astype":
                self.grammar.skip("word")
            self.grammar.expect("close", ")")
            return tree if name in _UNCHANGED else Transposed(tree, span=self.grammar.since(start))
        if name == "shape" and not self.skip_shape():
            raise Refusal("attribute", text=name, position=str(token.start + 1))
        if name in ("row", "column", "shape", "shape0", "shape1", "size"):
            return Call(name, (tree,), span=self.grammar.since(start))
        if name == "reshape":
            return self.reshaped(tree)
        if name == "pow":
            (exponent,) = self.arguments(1)
            return Raised(tree, exponent, span=self.grammar.since(start))
        if name in ("clip", "clamp"):
            self.grammar.expect("open", "(")
            return self.clipped(tree, start)
        if name in _METHODS or self.grammar.names.function(name) is not None:
            self.grammar.expect("open", "(")
            self.grammar.expect("close", ")")
            activation = self.grammar.names.function(name)
            if name in _METHODS or activation is None:
                return Call(name, (tree,), span=self.grammar.since(start))
            return Call(
                activation.name, (tree,), activation.derivative, span=self.grammar.since(start)
            )
        raise Refusal("attribute", text=name, position=str(token.start + 1))

    def skip_shape(self) -> bool:
        """Return whether a shape is the argument of prod, as in prod(x.shape)."""
        before = [
            token.text
            for token in self.grammar.tokens[
                max(0, self.grammar.position - 4) : self.grammar.position
            ]
        ]
        return "prod" in before

    def reshaped(self, tree: Tree) -> Tree:
        """Parse .reshape(-1, 1) or .reshape(1, -1) of a vector: a column or a row."""
        start = self.grammar.position
        self.grammar.expect("open", "(")
        lengths: list[str] = []
        while self.grammar.now.kind not in ("close", "stop") and len(lengths) < 4:
            sign = "-" if self.grammar.skip("subtract") else ""
            lengths.append(sign + self.grammar.take().text)
            self.grammar.skip("comma")
        self.grammar.expect("close", ")")
        kinds = {("-1", "1"): "column", ("1", "-1"): "row"}
        kind = kinds.get((lengths[0], lengths[-1])) if len(lengths) == 2 else None
        if kind is None:
            raise Refusal(
                "attribute", text="reshape", position=str(self.grammar.tokens[start].start + 1)
            )
        return Call(kind, (tree,), span=self.grammar.since(tree.span[0]))


def _with_numbers(function: str, operation: Operation, *factors: Tree) -> Operation:
    """Return the operation of a function: dot multiplies by a number, which matmul and @ do not."""
    is_scaling = function == "dot" and any(map(is_number, factors))
    return "entrywise" if is_scaling else operation
