"""Walk proofs: the chosen arrangement is right, every refused one is wrong, and says why.

Products come from the derivations of 200 random networks, in both layouts, for a sample and for a
batch.  What a product should be is computed by ``np.einsum`` from axis names, here and not there.
"""

from itertools import islice, pairwise

import numpy as np
import pytest

from chainrule.derivation.derivation import derive
from chainrule.errors import InputError
from chainrule.formulas.arrange import arrange
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Symbol, product
from chainrule.formulas.matrices import Multiply, OnesMatrix, Transpose, turned
from chainrule.formulas.proofs import Proof
from chainrule.network.architecture import Network
from tests.random_networks import random_networks
from tests.selection import sampled

B, H, O = Axis("B", -1), Axis("h", 1), Axis("o", 2, "n")
A, G, W = Symbol("A", (B, H)), Symbol("G", (B, O)), Symbol("W", (H, O))

CASES = list(islice(random_networks(), 200))


def of_gradient(sizes, layout="rows") -> Proof:
    return proof_of(product(A, G, over=[B]), sizes, layout)


def proof_of(tree, sizes, layout="rows") -> Proof:
    matrix = arrange(tree, layout, (H, O))
    assert isinstance(matrix, Multiply)
    return Proof(matrix, sizes)


def proofs_of(case) -> list[Proof]:
    """Every product of one derivation, each once; layouts and batches take turns."""
    batch = case.number // 2 % 2 == 0
    derivation = derive(case.network, layout="columns" if case.number % 2 else "rows", batch=batch)
    found = {
        str(proof.product): proof
        for statement in derivation.statements
        for proof in derivation.proofs(statement)
    }
    return list(found.values())


def plain(matrix):
    return turned(matrix) if isinstance(matrix, Transpose) else matrix


class Numbers:
    """Random numbers for the factors of a product, by name and by position."""

    def __init__(self, factors, lengths, seed):
        generator = np.random.default_rng(seed)
        self.factors, self.lengths = factors, lengths
        self.drawn = {plain(f): generator.normal(size=self.shape(plain(f))) for f in factors}

    def shape(self, matrix):
        return [1 if axis is None else self.lengths[axis] for axis in matrix.sides]

    def value(self, factor):
        if isinstance(factor, OnesMatrix):
            return np.ones(self.shape(factor))
        turn = isinstance(factor, Transpose)
        return self.drawn[plain(factor)].T if turn else self.drawn[factor]

    def by_names(self, sides):
        """Sum over every axis that the result lacks: nothing is turned over."""
        letters = dict(zip(self.lengths, "abcdefgh", strict=False))
        inputs, arrays = [], []
        for factor in self.factors:
            axes = [axis for axis in factor.sides if axis]
            inputs.append("".join(letters[axis] for axis in axes))
            arrays.append(self.value(factor).reshape([self.lengths[axis] for axis in axes]))
        result = [axis for axis in sides if axis]
        into = "".join(letters[axis] for axis in result)
        value = np.einsum(f"{','.join(inputs)}->{into}", *arrays)
        return value.reshape([1 if axis is None else self.lengths[axis] for axis in sides])

    def by_position(self, factors):
        """Multiply from left to right, or return None where the shapes do not fit."""
        result = self.value(factors[0])
        for factor in factors[1:]:
            array = self.value(factor)
            if result.shape[1] != array.shape[0]:
                return None
            result = result @ array
        return result


@pytest.mark.parametrize("case", sampled(CASES, every=5))
def test_the_chosen_is_right_and_every_refused_is_wrong(case):
    proofs = proofs_of(case)
    assert proofs
    for proof in proofs:
        chosen = proof.product.factors
        names = dict.fromkeys(axis for factor in chosen for axis in factor.sides if axis)
        distinct = {axis: 2 + place for place, axis in enumerate(names)}
        assert proof.error() < 1e-12
        # All equal: sizes decide nothing, every wrong order is computed and must differ.
        for lengths in (dict.fromkeys(names, 3), distinct):
            numbers = Numbers(chosen, lengths, case.number)
            wanted = numbers.by_names(proof.product.sides)
            np.testing.assert_allclose(numbers.by_position(chosen), wanted, rtol=1e-9, atol=1e-12)
            for refusal in proof.refused:
                found = numbers.by_position(refusal.factors)
                if found is not None and found.shape == wanted.shape:
                    wrong = np.linalg.norm(found - wanted) > 1e-6 * np.linalg.norm(wanted)
                    assert wrong or adds_everything(refusal), refusal
        for refusal in proof.refused:
            check(refusal, proof)


def adds_everything(refusal) -> bool:
    """1ᵀ M 1 and 1ᵀ Mᵀ 1 are the same number where M is square: the one exception."""
    ones = [isinstance(factor, OnesMatrix) for factor in refusal.factors]
    return ones == [True, False, True] and refusal.trial is not None and refusal.trial.same


def check(refusal, proof) -> None:
    """What a refusal says of axes, sizes and numbers is so."""
    met = [(left.columns, right.rows) for left, right in pairwise(refusal.factors)]
    if refusal.meets is not None:
        assert refusal.gives is None
        assert refusal.meets in met
        assert refusal.meets[0] != refusal.meets[1]
    else:
        assert all(left == right for left, right in met)
        assert refusal.gives == (refusal.factors[0].rows, refusal.factors[-1].columns)
        assert refusal.gives != proof.product.sides
    trial = refusal.trial
    if trial is None:
        return
    lengths = [[1 if axis is None else trial.sizes[axis] for axis in pair] for pair in met]
    assert all(left == right for left, right in lengths)
    if adds_everything(refusal):
        return
    assert trial.error > 1e-6
    assert trial.right != trial.found
    widened = any(trial.sizes[axis] != n for axis, n in proof.sizes.items() if axis in trial.sizes)
    assert not widened or set(trial.sizes.values()) == {2}


def test_where_all_sizes_coincide_numbers_speak():
    proof = of_gradient({H: 2, O: 2})
    assert not proof.decided_by_sizes
    assert {refusal.trial is None for refusal in proof.refused} == {False}


def test_where_they_differ_sizes_refuse_what_no_number_of_samples_saves():
    proof = of_gradient({H: 3, O: 2})
    passed = {"".join(map(str, r.factors)) for r in proof.refused if r.trial is not None}
    # B may be any number: with 3 samples A G is 3×2, with 2 samples Aᵀ Gᵀ is 3×2.
    assert passed == {"AG", "AᵀGᵀ"}


def test_single_numbers_commute_so_wider_ones_are_tried():
    proof = of_gradient({H: 1, O: 1})
    assert all(refusal.trial is not None for refusal in proof.refused)
    assert {n for r in proof.refused if r.trial for n in r.trial.sizes.values()} == {2}


def test_the_stations_of_the_walk():
    assert of_gradient({H: 3, O: 2}).axes == (H, B, O)
    assert of_gradient({H: 3, O: 2}, "columns").axes == (O, B, H)
    one = proof_of(product(Symbol("a", (H,)), Symbol("g", (O,))), {})
    assert one.axes == (H, None, O)


def test_the_entry_shown_is_the_one_that_differs_most():
    proof = of_gradient({H: 2, O: 2})
    for refusal in proof.refused:
        assert refusal.trial is not None
        assert abs(refusal.trial.found - refusal.trial.right) > 1e-3


def test_a_name_without_a_matrix_product_is_refused():
    derivation = derive(Network.dense([2, 3, 1]), batch=False)
    with pytest.raises(InputError, match=r"'b_ho'.*Available: .*'W_ho'"):
        derivation.proof("b_ho")


def test_long_axes_are_shown_wrong_on_short_ones():
    B, h, o = Axis("B", -1), Axis("h", 1), Axis("o", 2)
    G, W = Symbol("G", (B, o)), Symbol("W", (h, o))
    proof = Proof(arrange(product(G, W, over=[o])), {h: 100_000, o: 100_000})
    shown = [refusal for refusal in proof.refused if refusal.trial is not None]
    assert shown
    for refusal in shown:
        assert refusal.sizes[h] == refusal.sizes[o] == 100_000
        assert refusal.trial.shortened
        assert refusal.trial.sizes[h] == refusal.trial.sizes[o] == 3
        assert abs(refusal.trial.found - refusal.trial.right) > 1e-3
    assert proof.error() < 1e-12
