"""Verification of a network at its trained parameters, away from its kinks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.errors import InputError
from chainrule.network.architecture import Network
from chainrule.verification import (
    KINK_MARGIN,
    Verification,
    distance_from_kinks,
    random_values,
    verify,
)

__all__ = ["verify_network"]

ATTEMPTS = 200


def verify_network(
    network: Network, parameters: Mapping[str, Any] | None = None, *, seed: int = 0
) -> Verification:
    """Check every gradient of a network, at the given parameters if there are any.

    Batches are drawn until one is far enough from every kink at these parameters, because finite
    differences are wrong across a kink. Raises InputError if none of 200 is.

    >>> network = Network.dense([2, 3, 1], activation="relu")
    >>> verify_network(network, network.initialize(seed=1)).passed
    True
    """
    if parameters is None:
        return verify(network, seed)
    formulation = network.formulation()
    for attempt in range(ATTEMPTS):
        drawn = {**random_values(network, seed + attempt), **parameters}
        if distance_from_kinks(formulation, drawn) >= KINK_MARGIN:
            inputs = {name: drawn[name] for name in network.input_names}
            targets = {name: drawn[name] for name in network.target_names}
            with np.errstate(all="ignore"):
                found = verify(network, seed, parameters=parameters, X=inputs, Y=targets)
            if any(np.isnan(check.error) for check in found.checks):
                raise InputError(
                    f"verify: {network} is saturated at its parameters: an output is 0 or 1 to the "
                    "last digit, so that a loss has no number to compare; verify a network of the "
                    "same kind with --layers"
                )
            return found
    raise InputError(
        f"verify: none of {ATTEMPTS} random batches is {KINK_MARGIN:g} away from every kink of "
        f"{network} at its parameters; verify a smaller network of the same kind with --layers"
    )
