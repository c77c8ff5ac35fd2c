"""Every pair of a last activation and a loss: it builds and verifies, or is refused by both names.

Where a single name for all layers does not fit the loss, the last layer gets the canonical one.
"""

import pytest

from chainrule.errors import InputError
from chainrule.network import activations, losses
from chainrule.network.architecture import Network
from chainrule.verification import verify
from tests.selection import sampled

FITS = {
    "log_loss": {"sigmoid", "softmax"},
    "poisson": {"sigmoid", "softplus", "exponential", "softmax"},
    "gamma": {"sigmoid", "softplus", "exponential", "softmax"},
}
"""The last activations that a loss admits, where these are not all."""

CANONICAL = {"log_loss": "softmax", "poisson": "exponential", "gamma": "exponential"}
"""The activations that a loss asks for, where it is not the identity."""

PAIRS = [(last, loss) for last in activations.CATALOGUE for loss in losses.CATALOGUE]


@pytest.mark.parametrize("pair", sampled(PAIRS, every=13, name="-".join))
def test_every_pair_verifies_or_is_refused_by_name(pair: tuple[str, str]) -> None:
    last, loss = pair
    for outputs in (1, 2):
        fits = last in FITS.get(loss, activations.CATALOGUE)
        if outputs == 1 and last == "softmax":
            fits = False  # one share of a whole is always 1
        if fits:
            network = Network.dense([2, 3, outputs], ["tanh", last], loss)
            result = verify(network, seed=outputs, samples=3)
            assert result.passed, str(result)
        else:
            with pytest.raises(InputError) as refused:
                Network.dense([2, 3, outputs], ["tanh", last], loss)
            assert repr(last) in str(refused.value)
            assert repr(loss) in str(refused.value)


@pytest.mark.parametrize(("single", "loss"), PAIRS)
def test_a_single_name_that_does_not_fit_gives_way_to_the_canonical(single: str, loss: str) -> None:
    for outputs in (1, 3):
        fits = single in FITS.get(loss, activations.CATALOGUE)
        if outputs == 1 and single == "softmax":
            fits = False
        canonical = (
            "sigmoid" if (loss, outputs) == ("log_loss", 1) else CANONICAL.get(loss, "identity")
        )
        network = Network.dense([2, 3, outputs], single, loss)
        found = [entry.name for entry in network.activations]
        assert found == [single, single if fits else canonical]
