"""A search over settings: random candidates around one of a recipe.

Width and depth, activation, encoding, dropout, learning rate, weight decay and batch are drawn
independently of each other, rates and decays by their logarithm; where the base encodes no numbers,
no candidate does. Random draws find good settings with fewer trials than a grid, because few
settings matter in one table. Source: Bergstra and Bengio 2012, "Random search for hyper-parameter
optimization".
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from chainrule.table_models.recipes import Candidate

__all__ = ["searched"]

_SEARCH = int.from_bytes(b"search", "big")
WIDTHS = (64, 128, 256, 512)
LAYERS = (1, 2, 2, 3)
"""Two layers are drawn as often as the others together."""
DROPOUTS = (0.0, 0.1, 0.2, 0.3, 0.5)
RATES = (5e-4, 8e-3)
DECAYS = (0.02, 3.0)


def searched(base: Candidate, trials: int, seed: int) -> list[Candidate]:
    """Return the base and as many random candidates as there are further trials.

    >>> base, other = searched(Candidate(), 2, seed=0)
    >>> base == Candidate(), other == base, other.epochs == base.epochs
    (True, False, True)
    """
    draw = np.random.Generator(np.random.Philox(key=np.array([seed, _SEARCH], np.uint64)))
    found = [base]
    while len(found) < trials:
        width, layers = int(draw.choice(WIDTHS)), int(draw.choice(LAYERS))
        rate, decay = np.exp(draw.uniform(*np.log([RATES, DECAYS]).T)).tolist()
        encoding = draw.choice(["none", "piecewise", "periodic", "both"]).item()
        candidate = replace(
            base,
            hidden=(width,) * layers,
            activation=str(draw.choice(["relu", "silu"])),
            encoding=encoding if base.encoding != "none" else "none",
            dropout=float(draw.choice(DROPOUTS)),
            optimizer=replace(base.optimizer, learning_rate=float(f"{rate:.2g}")),
            batch_size=max(16, int(base.batch_size * 2.0 ** draw.integers(-1, 2))),
        )
        if "weight_decay" in {entry.name for entry in fields(base.optimizer)}:
            decayed = replace(candidate.optimizer, weight_decay=float(f"{decay:.2g}"))  # type: ignore[call-arg]
            candidate = replace(candidate, optimizer=decayed)
        found.append(candidate)
    return found
