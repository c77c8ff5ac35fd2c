"""Answers in the styles in which students hand them in, each with what executes it.

A program leaves dW1, db1, dW2, ... of a network with relu and softmax; `gradients` executes one
and returns them by name, so that the truth about a changed program is NumPy's, not the marker's.
MATLAB and LaTeX become NumPy by substitution of their signs.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tests.marking.test_check_answer import CS231N, NUMBERED

FUNCTION = """
def backward(X, Y, W2, Z1, A1, A2):
    m = X.shape[0]
    dZ2 = (A2 - Y) / m
    dW2 = np.dot(A1.T, dZ2)
    db2 = np.sum(dZ2, axis=0, keepdims=True)
    dA1 = np.dot(dZ2, W2.T)
    dZ1 = dA1 * (Z1 > 0)
    dW1 = np.dot(X.T, dZ1)
    db1 = np.sum(dZ1, axis=0, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
"""
LISTS = """
delta = (activations[-1] - Y) / m
nabla_b[-1] = delta.sum(axis=0)
nabla_w[-1] = activations[-2].T @ delta
dhidden = delta @ weights[-1].T
dhidden[zs[-2] <= 0] = 0
nabla_b[-2] = dhidden.sum(axis=0)
nabla_w[-2] = activations[-3].T @ dhidden
"""
TABLE = """
grads = {}
m = Y.shape[0]
dZ2 = (cache["A2"] - Y) / m
grads["W2"] = cache["A1"].T @ dZ2
grads["b2"] = dZ2.sum(axis=0)
dA1 = dZ2 @ params["W2"].T
dZ1 = np.where(cache["Z1"] > 0, dA1, 0)
grads["W1"] = X.T @ dZ1
grads["b1"] = dZ1.sum(axis=0)
"""
CLASS = """
class Net:
    def backward(self, X, Y):
        m = len(X)
        self.dz2 = (self.a2 - Y) / m
        self.dW2 = self.a1.T.dot(self.dz2)
        self.db2 = np.sum(self.dz2, axis=0)
        self.dz1 = self.dz2.dot(self.W2.T) * np.where(self.z1 > 0, 1, 0)
        self.dW1 = X.T.dot(self.dz1)
        self.db1 = np.sum(self.dz1, axis=0)
"""
SAMPLES = """
dW1 = np.zeros_like(W1)
db1 = np.zeros(b1.shape)
dW2 = np.zeros((5, 3))
db2 = np.zeros((1, 3))
for i in range(m):
    d2 = (A2[i] - Y[i]) / m
    d1 = np.dot(W2, d2) * (Z1[i] > 0)
    dW2 += np.outer(A1[i], d2)
    db2 += d2
    dW1 += np.outer(X[i], d1)
    db1 += d1
"""
TORCH = """
with torch.no_grad():
    dz2 = (a2 - Y) / Y.shape[0]
    dW2 = a1.t().mm(dz2)
    db2 = dz2.sum(dim=0)
    da1 = torch.mm(dz2, W2.t())
    dz1 = da1 * (z1 > 0).float()
    dW1 = torch.matmul(X.t(), dz1)
    db1 = torch.sum(dz1, dim=0, keepdim=True)
"""
MATLAB = """% backward pass, samples in columns
dZ2 = (A2 - Y) / m;
dW2 = dZ2 * A1';
db2 = sum(dZ2, 2);
dZ1 = (W2' * dZ2) .* (Z1 > 0);
dW1 = dZ1 * X';
db1 = sum(dZ1, 2);
"""
LATEX = r"""\begin{aligned}
\delta_2 &= \frac{1}{m} (A_2 - Y) \\
dW_2 &= A_1^T \delta_2 \\
db_2 &= \mathbf{1}^T \delta_2 \\
\delta_1 &= \delta_2 W_2^T \odot (Z_1 > 0) \\
dW_1 &= X^T \delta_1 \\
db_1 &= \mathbf{1}^T \delta_1
\end{aligned}
"""


class Matrix(np.ndarray):
    """An array whose product with a number is that of MATLAB's * and of juxtaposition."""

    def __matmul__(self, other):
        return self * other if np.ndim(other) == 0 or self.ndim == 0 else super().__matmul__(other)

    def __rmatmul__(self, other):
        return other * self if np.ndim(other) == 0 else super().__rmatmul__(other)


def matlab_as_numpy(text: str) -> str:
    text = "\n".join(line.partition("%")[0] for line in text.split("\n"))
    text = text.replace(".*", "§").replace("./", "/").replace("*", "@").replace("§", "*")
    text = re.sub(r"sum\(([^()]*), (\d)\)", r"np.sum(\1, axis=\2 - 1, keepdims=True)", text)
    return text.replace("'", ".T").replace(";", "")


def latex_as_numpy(text: str) -> str:
    text = re.sub(r"\\(?:begin|end)\{aligned\}|&|\\\\", "", text)
    text = re.sub(r"\\frac\{(\w+)\}\{(\w+)\}", r"(\1/\2)", text)
    text = text.replace(r"\mathbf{1}", "ones").replace("^T", ".T").replace(r"\odot", "*")
    text = re.sub(r"\\(delta)", r"\1", text)
    lines = [re.sub(r"(?<=[\w)]) (?=[\w(])", " @ ", line.strip()) for line in text.split("\n")]
    return re.sub(r"\b(dW|db)_(\d)", r"\1\2", "\n".join(lines))


def from_names(names: Mapping[str, object]) -> Mapping[str, object]:
    return names


def from_table(names):
    table = names["grads"]
    return {key if key[0] == "d" else f"d{key}": value for key, value in table.items()}


def from_function(names):
    given = [names[each] for each in ("X", "Y", "W2", "Z1", "A1", "A2")]
    return names["backward"](*given)


def from_lists(names):
    pairs = zip(names["nabla_w"], names["nabla_b"], strict=True)
    found = {}
    for layer, (weights, biases) in enumerate(pairs, 1):
        found |= {f"dW{layer}": weights, f"db{layer}": biases}
    return found


def from_class(names):
    net = names["Net"]()
    for name in ("W1", "b1", "W2", "b2", "Z1", "A1", "A2"):
        setattr(net, name[0].lower() + name[1:] if name[0] in "ZA" else name, names[name])
    net.backward(names["X"], names["Y"])
    return vars(net)


@dataclass(frozen=True)
class Program:
    """A program, the names that mutations exchange, and how it is executed."""

    name: str
    text: str
    exchanged: tuple[str, ...]
    collect: Callable[[Mapping[str, object]], Mapping[str, object]] = from_names
    widths: tuple[int, ...] = (4, 5, 3)
    layout: str = "rows"
    as_numpy: Callable[[str], str] = str
    is_ordered: bool = True
    kind: Callable[[np.ndarray], object] = field(default=np.asarray)

    def __str__(self) -> str:
        return self.name


def as_tensor(value):
    import torch

    return torch.tensor(value, dtype=torch.float64)


PROGRAMS = (
    Program(
        "cs231n",
        CS231N,
        ("dscores", "W2", "hidden_layer", "dhidden", "X", "probs", "y", "dW2", "W1", "db2"),
    ),
    Program(
        "numbered tables",
        NUMBERED,
        ("dZ", "dW", "db", "dA", "A", "W", "Z", "l", "L", "l-1", "l - 1"),
        from_table,
        (4, 5, 6, 3),
    ),
    Program("function", FUNCTION, ("dZ2", "A1", "X", "dA1", "dZ1", "W2", "Z1"), from_function),
    Program("lists", LISTS, ("delta", "dhidden", "activations", "weights", "zs"), from_lists),
    Program("table", TABLE, ("dZ2", "dZ1", "dA1", '"A1"', '"Z1"', '"A2"', "X", "Y"), from_table),
    Program("class", CLASS, ("dz2", "dz1", "a1", "a2", "z1", "W2", "X"), from_class),
    Program("samples", SAMPLES, ("d1", "d2", "A1", "X", "W2", "Z1", "A2", "dW1", "dW2")),
    Program("torch", TORCH, ("dz2", "dz1", "da1", "a1", "z1", "W2", "X", "a2"), kind=as_tensor),
    Program(
        "matlab",
        MATLAB,
        ("dZ2", "dZ1", "A1", "A2", "W2", "X", "Z1"),
        layout="columns",
        as_numpy=matlab_as_numpy,
        kind=lambda value: np.asarray(value).view(Matrix),
    ),
    Program(
        "latex",
        LATEX,
        (r"\delta_2", r"\delta_1", "A_1", "A_2", "X", "W_2", "Z_1"),
        as_numpy=latex_as_numpy,
        is_ordered=False,
        kind=lambda value: np.asarray(value).view(Matrix),
    ),
)


def gradients(program, text, x, y, parameters, zs, activations):
    """Execute a program and return what it leaves by name, in rows; raises what it raises."""
    turn = program.layout == "columns"

    def given(value):
        return program.kind(np.array(value.T if turn else value, dtype=float))

    params = {f"{'Wb'[i % 2]}{i // 2 + 1}": given(each) for i, each in enumerate(parameters)}
    cache = {f"A{i}": given(each) for i, each in enumerate(activations)}
    cache |= {f"Z{i + 1}": given(each) for i, each in enumerate(zs)}
    names = {"np": np, "X": given(x), "Y": given(y), "y": given(y), "L": len(zs)}
    if program.kind is as_tensor:
        import torch

        names["torch"] = torch
    names |= {**params, **cache, "params": params, "cache": cache, "grads": {}, "m": len(x)}
    names |= {name[0].lower() + name[1:]: value for name, value in cache.items()}
    names |= {f"{name[0]}_{name[1:]}": value for name, value in {**params, **cache}.items()}
    names |= {"hidden_layer": cache["A1"], "probs": cache[f"A{len(zs)}"]}
    names |= {"activations": [cache[f"A{i}"] for i in range(len(activations))]}
    names |= {"zs": [cache[f"Z{i + 1}"] for i in range(len(zs))]}
    names |= {"weights": [params[f"W{i + 1}"] for i in range(len(zs))]}
    names |= {"nabla_w": [None] * len(zs), "nabla_b": [None] * len(zs)}
    names |= {"ones": program.kind(np.ones((len(x), 1)))}
    with np.errstate(all="ignore"):
        if program.is_ordered:
            exec(program.as_numpy(text), names)
        else:
            derive_in_any_order(program.as_numpy(text).split("\n"), names)
        found = {name: np.asarray(program.collect(names)[f"d{name}"]) for name in params}
    return {name: value.T if turn else value for name, value in found.items()}


def derive_in_any_order(lines, names):
    """Execute the lines of a derivation, each when what it uses is known."""
    for _ in range(len(lines)):
        later = []
        for line in lines:
            try:
                exec(line.strip(), names)
            except NameError:
                later.append(line)
        lines = later
    if lines:
        raise NameError(lines[0])
