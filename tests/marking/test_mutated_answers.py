"""Answers with one change: whatever is called right computes the gradients, when it is executed.

The tests execute the program with NumPy; the gradients that it has to compute are central
differences of a loss that is written out here.
"""

import random
import re
from itertools import pairwise

import numpy as np
import pytest

import chainrule as cr
from tests.marking.test_check_answer import CS231N, NUMBERED

WIDTHS = {"one": (4, 5, 3), "two": (4, 5, 6, 3)}
COUNT = 80
NAMES = ("dscores", "W2", "hidden_layer", "dhidden", "X", "probs", "y", "dW2", "W1", "db2")
NUMBERED_NAMES = ("dZ", "dW", "db", "dA", "A", "W", "Z", "l", "L", "l-1", "l - 1")


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def forward(x, parameters):
    """Return every z and a, where parameters are W1, b1, W2, ..."""
    zs, activations = [], [x]
    count = len(parameters) // 2
    for layer in range(count):
        z = activations[-1] @ parameters[2 * layer] + parameters[2 * layer + 1]
        zs.append(z)
        activations.append(softmax(z) if layer == count - 1 else np.maximum(z, 0))
    return zs, activations


def loss(x, y, parameters):
    return -np.sum(y * np.log(forward(x, parameters)[1][-1])) / len(x)


def differences(x, y, parameters):
    found = []
    for parameter in parameters:
        slope = np.zeros_like(parameter)
        for index in np.ndindex(parameter.shape):
            kept = parameter[index]
            values = []
            for step in (1e-6, -1e-6):
                parameter[index] = kept + step
                values.append(loss(x, y, parameters))
            parameter[index] = kept
            slope[index] = (values[0] - values[1]) / 2e-6
        found.append(slope)
    return found


def example(widths):
    generator = np.random.default_rng(3)
    x = generator.normal(size=(7, widths[0]))
    y = np.eye(widths[-1])[generator.integers(widths[-1], size=7)]
    parameters = []
    for above, below in pairwise(widths):
        parameters += [generator.normal(size=(above, below)), generator.normal(size=(1, below))]
    return x, y, parameters


def is_right(text, style):
    """Return whether the program computes the gradients, False where it fails."""
    x, y, parameters = example(WIDTHS[style])
    zs, activations = forward(x, parameters)
    names = {"np": np, "X": x, "Y": y, "y": y, "L": len(zs)}
    params = {f"{'Wb'[i % 2]}{i // 2 + 1}": each for i, each in enumerate(parameters)}
    cache = {f"A{i}": each for i, each in enumerate(activations)}
    cache |= {f"Z{i + 1}": each for i, each in enumerate(zs)}
    names |= {**params, "hidden_layer": activations[1], "probs": activations[-1]}
    names |= {"params": params, "cache": cache, "grads": {}}
    try:
        with np.errstate(all="ignore"):
            exec(text, names)
        found = names["grads"] if style == "two" else names
        computed = [found[f"d{name}"] for name in params]
        return all(
            np.allclose(np.reshape(mine, np.shape(true)), true, atol=1e-5)
            for mine, true in zip(computed, differences(x, y, parameters), strict=True)
        )
    except (ArithmeticError, IndexError, KeyError, NameError, SyntaxError, TypeError, ValueError):
        return False


def mutated(text, names, chance):
    """Return the program with one or two changes of names, signs, numbers or lines."""
    for _ in range(chance.choice((1, 1, 2))):
        kind = chance.randrange(6)
        if kind == 0:
            lines = text.split("\n")
            lines.pop(chance.randrange(len(lines)))
            text = "\n".join(lines)
        elif kind == 1:
            lines = text.split("\n")
            first, second = sorted(chance.sample(range(len(lines)), 2))
            lines[first], lines[second] = lines[second], lines[first]
            text = "\n".join(lines)
        else:
            pattern, others = (
                (r"[-+*/@]|<=|>", ("-", "+", "*", "/", "@", "<=", ">")),
                (r"\b\d\b", ("0", "1", "2", "3")),
                (r"\.T\b|\.sum\(0\)", ("", ".T")),
                (r"\b(?:" + "|".join(map(re.escape, names)) + r")(?=\W|\{)", names),
            )[kind - 2]
            found = list(re.finditer(pattern, text))
            if found:
                match = chance.choice(found)
                text = text[: match.start()] + chance.choice(others) + text[match.end() :]
    return text


@pytest.mark.parametrize(
    ("text", "names", "style"), [(CS231N, NAMES, "one"), (NUMBERED, NUMBERED_NAMES, "two")]
)
def test_what_is_called_right_computes_the_gradients(text, names, style):
    widths = WIDTHS[style]
    network = cr.Network.dense(widths, "relu", "log_loss")
    assert is_right(text, style)
    assert cr.check_answer(network, text).correct
    chance = random.Random(5)
    faults = rights = 0
    for _ in range(COUNT):
        changed = mutated(text, names, chance)
        verdict = cr.check_answer(network, changed)
        true = is_right(changed, style)
        # A part of an answer may be right: it says what it lacks and what it takes as given.
        if verdict.correct and not (verdict.missing or verdict.given):
            assert true, changed
            rights += 1
        faults += not true
    assert faults > COUNT / 2
    assert rights > 5
