"""How the networks of a table model are built and trained, from rows and columns by stated rules.

A `Recipe` has one or more candidates, networks with their training, which learn on the same folds
and are weighted by their scores on rows that they did not see.

- Encodings of numbers, beside the numbers themselves: ``piecewise`` has 16 quantile bins, fewer for
  more than 16 columns, strong where the target has thresholds; ``periodic`` has learned sines and
  cosines, of at most 20 columns, strong where the target is smooth; ``both`` is the default.
- Two layers of 256 rectifiers with dropout. Small tables, and the preset "best", have two more
  candidates: a smooth network, periodic with silu, and a smaller one with more dropout.
- Batches: an 80th of the rows, as a power of two from 32 to 256. Epochs: those of the preset, and
  of small tables so many that there are 2,500 steps, at most 200.
- AdamW with β₂ = 0.95 and a decay that matters; the learning rate starts at 0.004 for classes and
  0.002 for numbers and falls by a cosine to zero. For classes a label smoothing of 0.1 where
  accuracy is the goal. The best epoch on the rows held out is restored.

``python -m benchmarks.tables --ablation`` leaves out one part at a time.
Sources: Holzmüller, Grinsztajn, Steinwart 2024, "Better by default"; Gorishniy, Rubachev, Babenko
2022, "On embeddings for numerical features".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np

from chainrule.errors import InputError
from chainrule.network.activations import Activation
from chainrule.network.optimizers import Adam, AdamW, Optimizer
from chainrule.training.schedules import CosineDecay, EarlyStopping, Schedule
from chainrule.validation import requirement

__all__ = [
    "ENCODINGS",
    "PRESETS",
    "Candidate",
    "Encoding",
    "Preset",
    "Recipe",
    "plain",
    "recipe_for",
]

Encoding = Literal["none", "piecewise", "periodic", "both"]
Preset = Literal["fast", "default", "best"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
PRESETS: tuple[Preset, ...] = get_args(Preset)
Activations = str | Activation | Sequence[str | Activation]

SMALL = 2000
"""Tables with fewer rows have a smaller network among the candidates."""
NEVER = 10**9
"""A patience that no run exhausts: the best epoch is restored, and the run goes to its end."""
STEPS = 2500
"""Steps of a training at least, in at most 200 epochs."""
MOST_ENCODED = 100
"""With more numeric columns than these, numbers are not encoded."""


@dataclass(frozen=True)
class Candidate:
    """One network for a table, and how it is trained."""

    hidden: tuple[int, ...] = (256, 256)
    activation: Activations = "relu"
    encoding: Encoding = "piecewise"
    dropout: float = 0.05
    smoothing: float = 0.0
    optimizer: Optimizer = field(default_factory=lambda: AdamW(2e-3, beta_2=0.95, weight_decay=0.5))
    schedule: Schedule | None = field(default_factory=CosineDecay)
    batch_size: int = 128
    epochs: int = 32
    stopping: EarlyStopping | None = field(default_factory=lambda: EarlyStopping(patience=NEVER))
    """Keeps the best epoch on the rows held out; its patience may end a run earlier."""
    precision: Literal["float32", "float64"] = "float32"

    def to_dict(self) -> dict[str, Any]:
        """Return the settings for JSON."""
        given = self.activation
        names = [given] if isinstance(given, str | Activation) else list(given)
        return {
            "hidden": list(self.hidden),
            "activation": [name if isinstance(name, str) else name.name for name in names],
            "encoding": self.encoding,
            "dropout": self.dropout,
            "smoothing": self.smoothing,
            "optimizer": {"name": self.optimizer.name, **self.optimizer.settings()},
            "schedule": type(self.schedule).__name__ if self.schedule else None,
            "batch_size": self.batch_size,
            "epochs": self.epochs,
            "best_epoch": self.stopping is not None,
        }


@dataclass(frozen=True)
class Recipe:
    """The candidates of a model, and on how many folds each is trained.

    Of one fold, a share of the rows is held out for the score, or none.  ``robust`` is whether
    numbers are scaled by quantiles and clipped smoothly, not by mean and deviation.
    """

    candidates: tuple[Candidate, ...]
    folds: int
    robust: bool


def plain(rows: int) -> Recipe:
    """Return the recipe for a network of the user's own: dense, Adam, 50 epochs, the last one.

    >>> plain(rows=1000).candidates[0].batch_size
    32
    """
    candidate = Candidate(
        hidden=(64,),
        encoding="none",
        dropout=0.0,
        optimizer=Adam(0.003),
        schedule=None,
        batch_size=min(200, max(32, rows // 200)),
        epochs=50,
        stopping=None,
        precision="float64",
    )
    return Recipe((candidate,), folds=1, robust=False)


def recipe_for(preset: Preset, rows: int, numeric: int, *, classes: bool, smoothed: bool) -> Recipe:
    """Return the recipe of a preset for so many training rows and numeric features.

    ``classes`` is whether the target is classes, ``smoothed`` whether labels are smoothed.

    >>> recipe = recipe_for("default", rows=20_000, numeric=8, classes=False, smoothed=False)
    >>> recipe.folds, [(c.encoding, c.batch_size, c.epochs) for c in recipe.candidates]
    (4, [('both', 256, 32)])
    """
    if preset not in PRESETS:
        raise InputError(requirement("preset", "'fast', 'default' or 'best'", preset))
    rate = 4e-3 if classes else 2e-3
    base = Candidate(
        optimizer=AdamW(rate, beta_2=0.95, weight_decay=0.5),
        encoding="both" if numeric <= MOST_ENCODED else "none",
        smoothing=0.1 if smoothed else 0.0,
        batch_size=int(np.clip(2 ** round(math.log2(max(1, rows / 80))), 32, 256)),
    )
    folds, passes = {"fast": (2, 24), "default": (4, 32), "best": (8, 48)}[preset]
    epochs = _epochs(passes, rows, base.batch_size)
    smooth = replace(
        base,
        encoding="periodic" if numeric <= MOST_ENCODED else "none",
        activation="silu",
        optimizer=AdamW(rate, beta_2=0.95, weight_decay=1.0),
    )
    small = replace(
        base,
        hidden=(128, 128),
        dropout=0.3,
        optimizer=AdamW(rate / 2, beta_2=0.95, weight_decay=1.0),
    )
    chosen = [base]
    if preset == "best" or (preset == "default" and rows < SMALL):
        chosen += [smooth, small]
    return Recipe(
        tuple(replace(candidate, epochs=epochs) for candidate in chosen), folds, robust=True
    )


def _epochs(passes: int, rows: int, batch_size: int) -> int:
    """Return the epochs, more of them where they have few steps."""
    steps = max(1, rows // batch_size)
    return max(passes, min(200, STEPS // steps))
