"""The lines as data: their order, whose symbols are in them, and that each chain is one number.

Every formula of a line means an expression over named axes.  Here the forward equations and the
cotangents, as the rules give them, are evaluated at random numbers, and then every right side of
every statement must be what stands on its left.  (That the cotangents are the derivatives of the
loss is what ``tests/test_verification.py`` and the peers are for.)
"""

from itertools import pairwise

import numpy as np
import pytest

import chainrule as cr
from chainrule.derivation.derivation import derive
from chainrule.documents.elements import Heading, Paragraph, Statement
from chainrule.errors import InputError
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import symbols
from chainrule.language.text_columns import columns_of
from chainrule.network.scope import SAMPLES
from tests.random_networks import random_networks
from tests.selection import sampled

CASES = list(random_networks(rounds=1))


def headings(derivation) -> list[str]:
    return [line.key for line in derivation.lines if isinstance(line, Heading)]


def test_the_full_telling_keeps_its_order():
    derivation = derive(cr.Network.dense([2, 3, 1]), detail="full")
    told = [phrase for phrase in headings(derivation) if not phrase.startswith("backward")]
    assert told == [
        *("title", "conventions", "functions", "activation", "neuron"),
        *("stage_index", "forward", "loss", "stage_sample", "forward", "loss"),
        *("stage_batch", "forward", "loss", "updates"),
    ]
    parts = list(dict.fromkeys(statement.part for statement in derivation.statements))
    assert parts == ["function", "neuron", "index", "sample", "batch"]
    stages = [statement.stage for statement in derivation.statements]
    assert stages.index("update") == len(stages) - 4  # four parameters, at the very end


def test_one_sample_ends_before_the_batch():
    derivation = derive(cr.Network.dense([2, 3, 1]), detail="full", batch=False)
    assert "stage_batch" not in headings(derivation)
    assert list(derivation.parts) == ["neuron", "index", "sample"]


def test_headings_go_down_one_level_at_a_time():
    for detail in ("brief", "full"):
        lines = derive(cr.Network.dense([2, 3, 4, 1]), detail=detail).lines
        levels = [line.level for line in lines if isinstance(line, Heading)]
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_neuron_cuts_the_chain_into_three_factors():
    derivation = derive(cr.Network.dense([2, 3, 1]), detail="full", batch=False)
    told = {
        statement.left.name: [str(equal.means) for equal in statement.rights]
        for statement in derivation.statements
        if statement.part == "neuron"
    }
    assert told["∂Loss/∂a"] == ["−(2/n)(y − a)"]
    assert told["∂a/∂z"] == ["a(1 − a)"]
    assert told["∂z/∂w"] == ["x"]
    assert told["δ"][-1] == "−(2/n)(y − a) a(1 − a)"
    assert told["∂Loss/∂w"][-1] in ("δ x", "x δ")
    assert told["∂Loss/∂b"][-1] == "δ"
    assert told["∂Loss/∂x"][-1] in ("δ w", "w δ")


def test_softmax_has_no_neuron_of_its_own_but_a_second_index():
    derivation = derive(cr.Network.dense([2, 3], ["softmax"], "log_loss"), detail="full")
    assert "neuron" not in derivation.parts
    assert any(
        isinstance(line, Paragraph) and line.key == "neuron_coupled" for line in derivation.lines
    )
    told = derivation.to_text()
    assert "δ_1j = ∂Loss/∂z_1j" in told
    assert "Σ_{k=1}^{n} ∂Loss/∂a_1k × ∂a_1k/∂z_1j" in told


def test_index_letters_are_the_same_in_every_equation():
    told = derive(cr.Network.dense([2, 3, 4, 1]), detail="full", batch=False).to_text()
    start = told.index("One sample, entry by entry")
    part = told[start : told.index("One sample, in matrices")]
    for line in (
        "z_1j = Σ_{i=1}^{n_i} x_i w_1,ij + b_1j",
        "z_2k = Σ_{j=1}^{n_h1} a_1j w_2,jk + b_2k",
        "∂Loss/∂a_2k = Σ_{l=1}^{n} ∂Loss/∂z_3l × ∂z_3l/∂a_2k",
        "∂Loss/∂w_3,kl = ∂Loss/∂z_3l × ∂z_3l/∂w_3,kl",
    ):
        assert line in part
    assert "The layers before follow" in part


def test_a_penalty_adds_its_own_derivative_to_the_chain():
    told = derive(cr.Network.dense([2, 1], penalty=cr.L2(0.1)), batch=False).to_text()
    assert "∂Loss/∂W_1 = ∂Loss/∂a_1 × ∂a_1/∂z_1 × ∂z_1/∂W_1 + λ W_1" in told


@pytest.mark.parametrize("case", sampled(CASES[::2], every=5))
def test_every_chain_is_one_number_all_along(case):
    derivation = derive(case.network, detail="full", optimizer="sgd")
    generator = np.random.default_rng(case.number)
    for part, gradients in derivation.parts.items():
        at = numbers(gradients, case.network, generator)
        for statement in derivation.statements:
            if statement.part != part or statement.stage == "update":
                continue
            known = [equal.means for equal in statement.rights if equal.means is not None]
            if not known or symbols(known[0]) - set(at):
                continue  # ∂a/∂z, ∂z/∂w: no array has this name
            evaluated = evaluation(at, case.network)
            values = [evaluated.aligned(tree, statement.left.axes) for tree in known]
            wanted = at.get(statement.left, values[0])
            for tree, value in zip(known, values, strict=True):
                np.testing.assert_allclose(
                    np.broadcast_to(value, np.shape(wanted)),
                    wanted,
                    rtol=1e-7,
                    atol=1e-9 * (1 + float(np.max(np.abs(wanted)))),
                    err_msg=f"{part}: {statement.left} = {tree}",
                )


def lengths_of(network):
    samples = {SAMPLES: 2}
    return samples | {axis: 3 + place for place, axis in enumerate(network.axes)}


def evaluation(values, network):
    """Return an evaluation that knows the length of every axis: n stands in a neuron's loss too."""
    at = Evaluation({symbol.name: value for symbol, value in values.items()})
    at.sizes.update(lengths_of(network))
    return at.measure(values)


def numbers(gradients, network, generator):
    """Return the value of every symbol of a formulation and of every cotangent."""
    formulation = gradients.formulation
    given = {*formulation.inputs, *formulation.parameters}
    lengths = lengths_of(network)
    values = {}
    for symbol in sorted(given, key=lambda s: s.name):
        shape = [lengths[axis] for axis in symbol.axes]
        values[symbol] = generator.uniform(0.1, 0.4, shape)
        if symbol.name.startswith("Y") and formulation.facts:
            values[symbol] = values[symbol] / values[symbol].sum(axis=-1, keepdims=True)
    told = [(equation.left, equation.right) for equation in formulation.equations]
    told += [(entry.left, entry.derived.right) for entry in gradients.backward]
    for left, right in told:
        found = evaluation(values, network).aligned(right, left.axes)
        values[left] = np.broadcast_to(found, [lengths[axis] for axis in left.axes])
    return values


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("detail", ["brief", "full"])
def test_text_fits_a_terminal_but_for_long_formulas(detail, language):
    for network in (cr.Network.dense([2, 3, 1]), cr.Network.dense([4, 3, 3, 2], "relu", "mae")):
        told = derive(network, detail=detail, optimizer="adam").to_text(language)
        for line in told.splitlines():
            formula = line.startswith("    ") and (" = " in line or " ← " in line)
            assert columns_of(line) <= 80 or formula, line
            assert line == line.rstrip()


def test_no_chinese_line_starts_with_punctuation():
    told = derive(cr.Network.dense([4, 3, 3, 2], "relu", "mae"), detail="full").to_text("zh")
    assert not [line for line in told.splitlines() if line.strip()[:1] in "，。；：、）”" and line]


def test_an_unknown_detail_is_refused():
    with pytest.raises(InputError, match=r"`detail` must be 'brief' or 'full', got 'long'"):
        derive(cr.Network.dense([2, 1]), detail="long")


def test_statements_are_the_lines_that_are_equations():
    derivation = derive(cr.Network.dense([2, 3, 1]))
    assert derivation.statements == tuple(
        line for line in derivation.lines if isinstance(line, Statement)
    )
