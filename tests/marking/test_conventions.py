"""The conventions of books and courses: their own formulas are right, and no changed one is.

The truth is that of each source, written out here: a network in NumPy, its cost in the source's
scale, and central differences of the cost.
"""

import random
import re
from contextlib import suppress
from itertools import pairwise, product

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError
from chainrule.marking.stated_conventions import ALIASES, CATALOGUE, find

WIDTHS = (4, 5, 3)
RATE = 0.37


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    powers = np.exp(z - z.max(axis=0))
    return powers / powers.sum(axis=0)


def relu(z):
    return np.maximum(z, 0)


FUNCTIONS = {
    **{"sigmoid": sigmoid, "tanh": np.tanh, "relu": relu, "softmax": softmax},
    "identity": lambda z: z,
}
ERRORS = {
    "half_sum": lambda y, a: np.sum((y - a) ** 2) / 2,
    "log_loss": lambda y, a: -np.sum(y * np.log(a)),
    "binary": lambda y, a: -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)),
}


def values_of(seed, samples, hidden, last, error, threshold):
    """Return X, Y, z, a, the parameters, and the derivatives of the summed cost by each."""
    generator = np.random.default_rng(seed)
    widths = (*WIDTHS[:2], 1) if error == "binary" else WIDTHS
    x = generator.normal(size=(widths[0], samples))
    y = generator.uniform(0.1, 0.9, (widths[2], samples))
    if last == "softmax":
        y = y / y.sum(axis=0)
    sign = -1 if threshold else 1
    given = {"X": x, "Y": y}
    for layer, (before, after) in enumerate(pairwise(widths), 1):
        given[f"W{layer}"] = 0.6 * generator.normal(size=(after, before))
        given[f"b{layer}"] = 0.6 * generator.normal(size=(after, 1))
    known = {}

    def cost(changed):
        shifted = {**dict.fromkeys(("z1", "a1", "z2", "a2"), 0.0), **changed}
        now = {**given, **{name: changed[name] for name in changed if name in given}}
        bias = [sign * now["b1"], sign * now["b2"]]
        known["z1"] = now["W1"] @ now["X"] + (0 if threshold else bias[0]) + shifted["z1"]
        known["a1"] = FUNCTIONS[hidden](known["z1"] + (bias[0] if threshold else 0)) + shifted["a1"]
        known["z2"] = now["W2"] @ known["a1"] + (0 if threshold else bias[1]) + shifted["z2"]
        known["a2"] = FUNCTIONS[last](known["z2"] + (bias[1] if threshold else 0)) + shifted["a2"]
        return ERRORS[error](now["Y"], known["a2"])

    total = cost({})
    found = {**given, **known, "cost": total}
    for name in ("z1", "a1", "z2", "a2", "W1", "b1", "W2", "b2"):
        base = given[name] if name in given else np.zeros_like(found[name])
        slope = np.zeros_like(base)
        for index in np.ndindex(base.shape):
            costs = []
            for step in (1e-6, -1e-6):
                moved = base.copy()
                moved[index] += step
                costs.append(cost({name: moved}))
            slope[index] = (costs[0] - costs[1]) / 2e-6
        found[f"d{name}"] = slope
    return found


# -- each source: its network, what its names are, its formulas ------------------------------------


class Source:
    """A convention with a network, the values of the source's names, and its own lines."""

    def __init__(self, hidden, last, error, names, lines, *, batch, loss, threshold=False):
        self.known = {}
        self.given = (hidden, last, error, threshold)
        self.names, self.lines, self.batch = names, lines, batch
        widths = [*WIDTHS[:2], 1] if error == "binary" else [*WIDTHS]
        self.network = cr.Network.dense(widths, [hidden, last], loss)

    def values(self, seed):
        if seed not in self.known:
            self.known[seed] = self.computed(seed)
        return self.known[seed]

    def computed(self, seed):
        samples = 7 if self.batch else 1
        found = values_of(seed, samples, *self.given[:3], self.given[3])
        return {"np": np, "m": samples, "sigmoid": sigmoid, **self.names(found, samples)}


def nielsen(v, m):
    return {
        **{"a_1": v["X"], "z_2": v["z1"], "a_2": v["a1"], "z_3": v["z2"], "a_3": v["a2"]},
        **{"w_2": v["W1"], "b_2": v["b1"], "w_3": v["W2"], "b_3": v["b2"], "y": v["Y"]},
        **{"delta_2": v["dz1"], "delta_3": v["dz2"], "C": v["cost"] / m, "eta": RATE},
        **{"dw_3": v["dW2"], "dw_2": v["dW1"], "db_3": v["db2"], "db_2": v["db1"]},
        **{"w_3_new": v["W2"] - RATE / m * v["dW2"], "b_2_new": v["b1"] - RATE / m * v["db1"]},
    }


def ng(v, m):
    return {
        **{"A0": v["X"], "X": v["X"], "Z1": v["z1"], "A1": v["a1"], "Z2": v["z2"], "A2": v["a2"]},
        **{"W1": v["W1"], "b1": v["b1"], "W2": v["W2"], "b2": v["b2"], "Y": v["Y"]},
        **{"dZ1": v["dz1"], "dA1": v["da1"], "dZ2": v["dz2"], "dA2": v["da2"]},
        **{f"d{name}": v[f"d{name}"] / m for name in ("W1", "b1", "W2", "b2")},
        **{"J": v["cost"] / m, "alpha": RATE, "W2_new": v["W2"] - RATE / m * v["dW2"]},
    }


def goodfellow(v, m):
    return {
        **{"h_0": v["X"], "a_1": v["z1"], "h_1": v["a1"], "a_2": v["z2"], "y_hat": v["a2"]},
        **{"W_1": v["W1"], "b_1": v["b1"], "W_2": v["W2"], "b_2": v["b2"], "y": v["Y"]},
        **{"grad_a_1": v["dz1"], "grad_h_1": v["da1"], "grad_a_2": v["dz2"], "J": v["cost"]},
        **{"grad_W_2": v["dW2"], "grad_W_1": v["dW1"], "grad_b_2": v["db2"], "epsilon": RATE},
        "W_2_new": v["W2"] - RATE * v["dW2"],
    }


def bishop(v, m):
    return {
        **{"x": v["X"], "a_h": v["z1"], "z_h": v["a1"], "a_o": v["z2"], "y": v["a2"]},
        **{"w_1": v["W1"], "b_1": v["b1"], "w_2": v["W2"], "b_2": v["b2"], "t": v["Y"]},
        **{"delta_h": v["dz1"], "delta_o": v["dz2"], "E": v["cost"], "eta": RATE},
        **{"dE_dw_1": v["dW1"], "dE_dw_2": v["dW2"], "w_2_new": v["W2"] - RATE * v["dW2"]},
    }


def xigua(v, m):
    return {
        **{"x": v["X"], "alpha": v["z1"], "b": v["a1"], "beta": v["z2"], "y_hat": v["a2"]},
        **{"v": v["W1"], "gamma": v["b1"], "w": v["W2"], "theta": v["b2"], "y": v["Y"]},
        **{"e": -v["dz1"], "g": -v["dz2"], "E": v["cost"], "eta": RATE},
        **{"Delta_w": -RATE * v["dW2"], "Delta_theta": -RATE * v["db2"]},
        **{"Delta_v": -RATE * v["dW1"], "Delta_gamma": -RATE * v["db1"]},
    }


def nndl(v, m):
    return {
        **{"a_0": v["X"], "z_1": v["z1"], "a_1": v["a1"], "z_2": v["z2"], "y_hat": v["a2"]},
        **{"W_1": v["W1"], "b_1": v["b1"], "W_2": v["W2"], "b_2": v["b2"], "y": v["Y"]},
        **{"delta_1": v["dz1"], "delta_2": v["dz2"], "L": v["cost"], "alpha": RATE},
        **{"dL_dW_1": v["dW1"], "dL_dW_2": v["dW2"], "dL_db_1": v["db1"]},
        "W_2_new": v["W2"] - RATE * v["dW2"],
    }


def cs231n(v, m):
    return {
        **{"X": v["X"].T, "hidden_layer": v["a1"].T, "scores": v["z2"].T, "probs": v["a2"].T},
        **{"W2": v["W2"].T, "b2": v["b2"].T, "y": v["Y"].T},
        **{"dscores": v["dz2"].T / m, "dhidden": v["dz1"].T / m, "step_size": RATE},
        **{"W1": v["W1"].T, "b1": v["b1"].T, "num_examples": m, "loss": v["cost"] / m},
        **{f"d{n}": v[f"d{n}"].T / m for n in ("W1", "b1", "W2", "b2")},
        "W2_new": v["W2"].T - RATE / m * v["dW2"].T,
    }


SOURCES = {
    "nielsen": Source(
        "sigmoid",
        "sigmoid",
        "half_sum",
        nielsen,
        [
            "delta_3 = (a_3 - y) * a_3 * (1 - a_3)",
            "delta_2 = (w_3.T @ delta_3) * a_2 * (1 - a_2)",
            "db_3 = np.sum(delta_3, axis=1, keepdims=True)",
            "dw_3 = delta_3 @ a_2.T",
            "dw_2 = delta_2 @ a_1.T",
            "C = 1 / (2*m) * np.sum((y - a_3)**2)",
            "z_3 = w_3 @ a_2 + b_3",
            "a_2 = sigmoid(z_2)",
            "w_3 = w_3 - eta / m * dw_3",
            "b_2 = b_2 - eta / m * np.sum(delta_2, axis=1, keepdims=True)",
        ],
        batch=True,
        loss="mse",
    ),
    "ng": Source(
        "tanh",
        "sigmoid",
        "binary",
        ng,
        [
            "Z1 = np.dot(W1, X) + b1",
            "A1 = np.tanh(Z1)",
            "Z2 = np.dot(W2, A1) + b2",
            "A2 = sigmoid(Z2)",
            "J = -1/m * np.sum(Y*np.log(A2) + (1-Y)*np.log(1-A2))",
            "dA2 = -(Y / A2) + (1 - Y) / (1 - A2)",
            "dZ2 = A2 - Y",
            "dW2 = 1/m * np.dot(dZ2, A1.T)",
            "db2 = 1/m * np.sum(dZ2, axis=1, keepdims=True)",
            "dA1 = np.dot(W2.T, dZ2)",
            "dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))",
            "dW1 = 1/m * np.dot(dZ1, X.T)",
            "W2 = W2 - alpha * dW2",
        ],
        batch=True,
        loss="log_loss",
    ),
    "goodfellow": Source(
        "relu",
        "softmax",
        "log_loss",
        goodfellow,
        [
            "a_1 = W_1 @ h_0 + b_1",
            "a_2 = b_2 + W_2 @ h_1",
            "J = -np.sum(y * np.log(y_hat))",
            "grad_a_2 = y_hat - y",
            "grad_W_2 = grad_a_2 @ h_1.T",
            "grad_h_1 = W_2.T @ grad_a_2",
            "grad_a_1 = grad_h_1 * (h_1 > 0)",
            "grad_b_2 = grad_a_2",
            "W_2 = W_2 - epsilon * grad_W_2",
        ],
        batch=False,
        loss="log_loss",
    ),
    "bishop": Source(
        "tanh",
        "identity",
        "half_sum",
        bishop,
        [
            "a_h = w_1 @ x + b_1",
            "z_h = np.tanh(a_h)",
            "y = w_2 @ z_h + b_2",
            "E = 1/2 * np.sum((y - t)**2)",
            "delta_o = y - t",
            "delta_h = (1 - z_h**2) * (w_2.T @ delta_o)",
            "dE_dw_1 = delta_h @ x.T",
            "dE_dw_2 = delta_o @ z_h.T",
            "w_2 = w_2 - eta * dE_dw_2",
        ],
        batch=False,
        loss="mse",
    ),
    "xigua": Source(
        "sigmoid",
        "sigmoid",
        "half_sum",
        xigua,
        [
            "alpha = v @ x",
            "b = sigmoid(alpha - gamma)",
            "beta = w @ b",
            "y_hat = sigmoid(beta - theta)",
            "E = 1/2 * np.sum((y_hat - y)**2)",
            "g = y_hat * (1 - y_hat) * (y - y_hat)",
            "e = b * (1 - b) * (w.T @ g)",
            "Delta_w = eta * g @ b.T",
            "Delta_theta = -eta * g",
            "Delta_v = eta * e @ x.T",
            "Delta_gamma = -eta * e",
        ],
        batch=False,
        loss="mse",
        threshold=True,
    ),
    "nndl": Source(
        "tanh",
        "softmax",
        "log_loss",
        nndl,
        [
            "z_1 = W_1 @ a_0 + b_1",
            "z_2 = W_2 @ a_1 + b_2",
            "L = -np.sum(y * np.log(y_hat))",
            "delta_2 = y_hat - y",
            "delta_1 = (1 - a_1**2) * (W_2.T @ delta_2)",
            "dL_dW_2 = delta_2 @ a_1.T",
            "dL_dW_1 = delta_1 @ a_0.T",
            "dL_db_1 = delta_1",
            "W_2 = W_2 - alpha * dL_dW_2",
        ],
        batch=False,
        loss="log_loss",
    ),
    "cs231n": Source(
        "relu",
        "softmax",
        "log_loss",
        cs231n,
        [
            "hidden_layer = np.maximum(0, np.dot(X, W1) + b1)",
            "scores = np.dot(hidden_layer, W2) + b2",
            "loss = -np.sum(y * np.log(probs)) / num_examples",
            "dscores = (probs - y) / num_examples",
            "dW2 = np.dot(hidden_layer.T, dscores)",
            "db2 = np.sum(dscores, axis=0, keepdims=True)",
            "dW1 = np.dot(X.T, dhidden)",
            "W2 = W2 - step_size * dW2",
        ],
        batch=True,
        loss="log_loss",
    ),
}
LINES = [(name, line) for name, source in SOURCES.items() for line in source.lines]


def truth(source, line, seed):
    """Return whether the line's right side, executed, is the value of its left side."""
    names = source.values(seed)
    left, right = line.split(" = ", 1)
    try:
        with np.errstate(all="ignore"):
            found = np.asarray(eval(right, {}, {**names}))
    except (ValueError, NameError, TypeError, KeyError, SyntaxError):
        return False
    is_update = left in right and f"{left}_new" in names
    expected = np.asarray(names.get(f"{left}_new", names[left]) if is_update else names[left])
    if found.shape != expected.shape:
        return False
    scale = np.max(np.abs(expected))
    return bool(np.max(np.abs(found - expected)) <= 1e-5 * scale)


def checked(name, line):
    source = SOURCES[name]
    return cr.check_line(source.network, line, batch=source.batch, convention=name)


@pytest.mark.parametrize(("name", "line"), LINES)
def test_the_formulas_of_a_source_are_right_under_its_convention(name, line):
    assert truth(SOURCES[name], line, 1), "the test's own values"
    verdict = checked(name, line)
    assert verdict.kind == "right", verdict.message()


CHANGES = [
    *product(["+"], ["-"]),
    *product(["-"], ["+"]),
    *[("(1 -", "(2 -"), ("1/m", "1"), ("eta", "2*eta"), (".T", ""), ("1/2", "1"), ("**2", "")],
    *[("sum", "mean"), ("axis=1", "axis=0"), ("axis=0", "axis=1"), ("/ m", ""), ("2*m", "m")],
    *[
        ("/ num_examples", ""),
        ("@", "*"),
        ("*", "@"),
        ("= ", "= 2*"),
        ("= ", "= -"),
        (" * ", " / "),
    ],
]


def mutated(source, line, generator):
    """Return the line with one change: of a sign, a number, or of a name to another one."""
    left, right = line.split(" = ", 1)
    names = sorted(name for name in source.values(1) if name not in ("np", "m", "sigmoid"))
    names = [name for name in names if not name.endswith("_new")]
    if generator.random() < 0.4:
        words = [m for m in re.finditer(r"[A-Za-z_]\w*", right) if m[0] in names]
        if words:
            word = generator.choice(words)
            right = right[: word.start()] + generator.choice(names) + right[word.end() :]
            return f"{left} = {right}"
    fitting = [change for change in CHANGES if change[0] in f" = {right}"]
    old, new = generator.choice(fitting)
    places = [m.start() for m in re.finditer(re.escape(old), f" = {right}")]
    place = generator.choice(places)
    whole = f" = {right}"
    return left + whole[:place] + new + whole[place + len(old) :]


@pytest.mark.parametrize(
    "count", [400, pytest.param(5000, marks=pytest.mark.long)], ids=["short", "long"]
)
def test_no_convention_makes_a_wrong_line_right(count):
    generator = random.Random(count)
    right = wrong = 0
    for _ in range(count):
        name, line = generator.choice(LINES)
        for _ in range(generator.choice([1, 1, 2])):
            line = mutated(SOURCES[name], line, generator)
        try:
            verdict = checked(name, line)
        except InputError:
            continue
        if verdict.kind == "right":
            right += 1
            assert all(truth(SOURCES[name], line, seed) for seed in (1, 2, 3)), (name, line)
        else:
            wrong += 1
    assert wrong > count / 3
    assert right > count / 100


def test_every_convention_has_formulas_of_its_source():
    assert {*SOURCES} | {"matlab"} == {*CATALOGUE}
    assert {*ALIASES.values()} <= {*CATALOGUE}


# -- fields that one can state ---------------------------------------------------------------------

MSE = cr.Network.dense([4, 5, 3])
PREDICTED = {"names": {"predicted": "output", "T": "Y"}}
SAME_IN_ALL = "delta_h = (delta_o @ W_ho.T) * a_h*(1 - a_h)"
STATED = [
    ("delta_o = 2*(Y - a_o)/(m*n) * a_o*(1 - a_o)", {"delta": "negative"}),
    (SAME_IN_ALL, {"delta": "negative"}),
    ("dW_ho = -a_h.T @ delta_o", {"delta": "negative"}),
    ("W_ho = W_ho + alpha * a_h.T @ delta_o", {"delta": "negative"}),
    ("dz_o = -delta_o", {"delta": "negative"}),
    ("delta_o = 2*(a_o - Y)/n * a_o*(1 - a_o)", {"average": "gradient"}),
    ("dW_ho = a_h.T @ delta_o / m", {"average": "gradient"}),
    ("W_ho = W_ho - alpha/m * dW_ho", {"average": "update"}),
    ("Loss = np.sum((Y - a_o)**2) / n", {"average": "none"}),
    ("Loss = np.sum((Y - a_o)**2) / (2*m)", {"squared_error": "half_sum"}),
    ("Loss = np.sum((Y - a_o)**2) / m", {"squared_error": "sum"}),
    ("delta_o = (a_o - Y)/(m*n) * a_o*(1 - a_o)", {"squared_error": "half_mean"}),
    ("delta3 = 2*(a3 - Y)/(m*n) * a3*(1 - a3)", {"input_layer": 1}),
    ("Theta2_grad = a2.T @ delta3", {"input_layer": 1, "weights_numbered": "from"}),
    ("delta_h = delta_o @ W_ho.T * sigmoid_derivative(a_h)", {"slope_of": "output"}),
    ("z_h = X @ W_ih - b_ih", {"bias": "subtracted"}),
    ("a_h = sigmoid(z_h - b_ih)", {"bias": "threshold"}),
    ("db_ho = -np.sum(delta_o, axis=0, keepdims=True)", {"bias": "subtracted"}),
    ("dW_ho = a_h.T * delta_o", {"star": "matrix"}),
    ("delta_o = 2*(predicted - T)/(m*n)*predicted*(1-predicted)", PREDICTED),
]  # fmt: skip


@pytest.mark.parametrize(("line", "stated"), STATED)
def test_a_stated_field_makes_its_lines_right_and_others_wrong(line, stated):
    convention = cr.Convention(**stated)
    verdict = cr.check_line(MSE, line, batch=True, convention=convention)
    assert verdict.kind == "right", verdict.message()
    changed = line.replace(" = ", " = 3*", 1)
    assert not cr.check_line(MSE, changed, batch=True, convention=convention).correct
    if line != SAME_IN_ALL:
        with suppress(InputError):
            assert not cr.check_line(MSE, line, batch=True).correct


MOMENTUM = {
    "step": "v_W_ho = mu*v_W_ho - alpha*dW_ho; W_ho = W_ho + v_W_ho",
    "minus": "v_W_ho = mu*v_W_ho + alpha*dW_ho; W_ho = W_ho - v_W_ho",
    "gradient": "v_W_ho = mu*v_W_ho + dW_ho; W_ho = W_ho - alpha*v_W_ho",
    "average": "v_W_ho = mu*v_W_ho + (1-mu)*dW_ho; W_ho = W_ho - alpha*v_W_ho",
}


@pytest.mark.parametrize(("form", "lines"), [*product(MOMENTUM, MOMENTUM.values())])
def test_momentum_has_four_forms(form, lines):
    convention = cr.Convention(momentum=form)
    given = {"batch": True, "optimizer": cr.SGD(momentum=0.9)}
    verdict = cr.check_line(MSE, lines, convention=convention, **given)
    assert verdict.correct == (lines == MOMENTUM[form]), verdict.message()
    unstated = cr.check_line(MSE, MOMENTUM[form], **given)
    assert unstated.kind == ("right" if form == "step" else "convention")


def test_the_argument_of_a_slope_is_not_both():
    stated = cr.Convention(slope_of="output")
    line = "delta_h = delta_o @ W_ho.T * sigmoid_derivative(z_h)"
    assert not cr.check_line(MSE, line, batch=True, convention=stated).correct
    network = cr.Network.dense([4, 5, 3], ["silu", "identity"])
    with pytest.raises(InputError, match="not a function of its output alone"):
        cr.check_line(network, "da_h = silu_prime(a_h)", convention=stated)


def test_names_of_conventions():
    assert find("西瓜书") is find("xigua") is CATALOGUE["xigua"]
    with pytest.raises(InputError, match="unknown convention 'nielson'"):
        cr.check_line(MSE, "dW_ho = 1", convention="nielson")
    with pytest.raises(InputError, match="`average` must be"):
        cr.Convention(average="mean")
    with pytest.raises(TypeError, match="`convention` must be a name"):
        cr.check_line(MSE, "dW_ho = 1", convention=3)


def test_a_penalty_has_no_other_scale():
    network = cr.Network.dense([4, 5, 3], penalty=cr.L2(0.1))
    with pytest.raises(InputError, match="networks without penalty"):
        cr.check_line(network, "dW_ho = a_h.T @ delta_o", batch=True, convention="bishop")
