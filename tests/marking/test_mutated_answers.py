"""Answers with one change: whatever is called right computes the gradients, when it is executed.

The tests execute the program with NumPy; the gradients that it has to compute are central
differences of a loss that is written out here.
"""

import random
import re
import warnings
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest

import chainrule as cr
from tests.marking.answer_programs import PROGRAMS, as_tensor, gradients

COUNT, LONG_COUNT = 12, 400
HEADER = re.compile(r"(?:def|class|with)\b.*:$")


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


def is_right(program, text):
    """Return whether the program computes the gradients, False where it fails."""
    x, y, parameters = example(program.widths)
    zs, activations = forward(x, parameters)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a changed program does
            computed = gradients(program, text, x, y, parameters, zs, activations)
        return all(
            np.allclose(np.reshape(mine, np.shape(true)), true, atol=1e-5)
            for mine, true in zip(computed.values(), differences_of(program.widths), strict=True)
        )
    except (
        *(ArithmeticError, AttributeError, IndexError, KeyError, NameError, RuntimeError),
        *(SyntaxError, TypeError, ValueError),
    ):
        return False


@lru_cache
def differences_of(widths):
    return differences(*example(widths))


def mutated(text, names, chance):
    """Return the program with one or two changes of names, signs, numbers or lines.

    Lines that open a function or a class, or return from it, stay: a pasted block may lack them.
    """
    for _ in range(chance.choice((1, 1, 2))):
        lines = text.split("\n")
        bodies = [n for n, line in enumerate(lines) if line and not HEADER.search(line)]
        kind = chance.randrange(6)
        if kind == 0:
            lines.pop(chance.choice([n for n in bodies if "return" not in lines[n]]))
        elif kind == 1:
            first, second = sorted(chance.sample(bodies, 2))
            lines[first], lines[second] = lines[second], lines[first]
        else:
            pattern, others = (
                (r"[-+*/@]|<=|>", ("-", "+", "*", "/", "@", "<=", ">")),
                (r"\b\d\b", ("0", "1", "2", "3")),
                (r"\.T\b|\.sum\(0\)", ("", ".T")),
                (r"(?<![\w\\])(?:" + "|".join(map(re.escape, names)) + r")(?=\W|\{)", names),
            )[kind - 2]
            found = [(n, match) for n in bodies for match in re.finditer(pattern, lines[n])]
            if found:
                number, match = chance.choice(found)
                line = lines[number]
                lines[number] = line[: match.start()] + chance.choice(others) + line[match.end() :]
        text = "\n".join(lines)
    return text


def check_mutants(program, count, seed):
    """Mark ``count`` mutants; return how many are wrong, and how many are called right."""
    network = cr.Network.dense(program.widths, "relu", "log_loss")
    chance = random.Random(seed)
    faults = rights = 0
    for _ in range(count):
        changed = mutated(program.text, program.exchanged, chance)
        verdict = cr.check_answer(network, changed, layout=program.layout)
        true = is_right(program, changed)
        # A part of an answer may be right: it says what it lacks and what it takes as given.
        if verdict.correct and not (verdict.missing or verdict.given):
            assert true, changed
            rights += 1
        faults += not true
    return faults, rights


CASES = [
    pytest.param(
        program,
        id=str(program),
        marks=[pytest.mark.peers("torch")] if program.kind is as_tensor else [],
    )
    for program in PROGRAMS
]


@pytest.mark.parametrize("program", CASES)
def test_what_is_called_right_computes_the_gradients(program):
    network = cr.Network.dense(program.widths, "relu", "log_loss")
    assert is_right(program, program.text)
    verdict = cr.check_answer(network, program.text, layout=program.layout)
    assert verdict.correct, str(verdict)
    assert (verdict.missing, verdict.given) == ((), ())
    faults, _ = check_mutants(program, COUNT, 5)
    assert faults > COUNT / 3


@pytest.mark.long
@pytest.mark.parametrize("program", CASES)
def test_what_is_called_right_computes_the_gradients_in_many_programs(program):
    faults, rights = check_mutants(program, LONG_COUNT, 6)
    assert faults > LONG_COUNT / 2
    assert rights > 5
