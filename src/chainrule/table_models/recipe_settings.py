"""The user's settings of a training on a table, checked, and the recipe that follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from chainrule.errors import InputError, InputTypeError, shown
from chainrule.network import optimizers
from chainrule.network.activations import Activation
from chainrule.network.optimizers import Optimizer
from chainrule.table_models.recipes import (
    ENCODINGS,
    Candidate,
    Encoding,
    Preset,
    Recipe,
    plain,
    recipe_for,
)
from chainrule.table_models.search import searched
from chainrule.training.schedules import EarlyStopping
from chainrule.validation import checked_integer, checked_number, requirement

__all__ = ["RecipeSettings"]

LEARNING_RATES = {"sgd": 0.1, "adam": 0.003, "adam_hat": 0.003, "adamw": 0.003, "rmsprop": 0.003}
"""Of a named optimizer; others have the rate of their catalogue entry."""


@dataclass(frozen=True)
class RecipeSettings:
    """What replaces the parts of a preset's recipe; None leaves a part as it is.

    With ``hidden`` the recipe is one network of the user's own (see `recipes.plain`).

    >>> settings = RecipeSettings(preset="fast", epochs=7, learning_rate=0.01)
    >>> recipe = settings.recipe(rows=5000, numeric=3, classes=True, smoothed=False)
    >>> recipe.folds, recipe.candidates[0].epochs, recipe.candidates[0].optimizer.learning_rate
    (2, 7, 0.01)
    """

    preset: Preset = "default"
    hidden: Sequence[int] | None = None
    activation: str | Activation | Sequence[str | Activation] | None = None
    encoding: Encoding | None = None
    dropout: float | None = None
    smoothing: float | None = None
    optimizer: str | Optimizer | None = None
    learning_rate: float | None = None
    batch_size: int | Literal["auto"] = "auto"
    epochs: int | None = None
    patience: int | None = None
    folds: int | None = None
    trials: int | None = None

    def recipe(
        self, rows: int, numeric: int, *, classes: bool, smoothed: bool, seed: int = 0
    ) -> Recipe:
        """Return the recipe for so many rows and numeric columns; see `recipes.recipe_for`.

        With ``trials`` the candidates are the first of the preset and random ones, drawn by the
        seed, whose parts that are given stay as they are.

        Raises InputError for settings that are not allowed.
        """
        if self.hidden is None:
            recipe = recipe_for(self.preset, rows, numeric, classes=classes, smoothed=smoothed)
        else:
            recipe = plain(rows)
        candidates: Sequence[Candidate] = recipe.candidates
        if self.trials is not None:
            candidates = searched(candidates[0], checked_integer("trials", self.trials), seed)
        changed = [self._changed(candidate) for candidate in candidates]
        distinct = [c for n, c in enumerate(changed) if c not in changed[:n]]
        folds = recipe.folds if self.folds is None else checked_integer("folds", self.folds)
        return replace(recipe, candidates=tuple(distinct), folds=folds)

    def _changed(self, candidate: Candidate) -> Candidate:
        changed = replace(candidate, **self._changes())
        rate = self.learning_rate
        if rate is None or self.optimizer is not None:
            return changed
        return replace(changed, optimizer=replace(changed.optimizer, learning_rate=rate))

    def _changes(self) -> dict[str, Any]:
        """Return the fields of a candidate that are given, checked."""
        names = ("activation", "encoding", "dropout", "smoothing", "epochs")
        changes = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.hidden is not None:
            changes["hidden"] = _widths(self.hidden)
        if self.batch_size != "auto":
            changes["batch_size"] = checked_integer("batch_size", self.batch_size)
        if "epochs" in changes:
            changes["epochs"] = checked_integer("epochs", changes["epochs"])
        if changes.get("encoding", "none") not in ENCODINGS:
            allowed = "'none', 'piecewise', 'periodic' or 'both'"
            raise InputError(requirement("encoding", allowed, changes["encoding"]))
        for name in ("dropout", "smoothing"):
            allowed = "a number of at least 0 and below 1"
            if name in changes and not 0.0 <= checked_number(name, changes[name], allowed) < 1.0:
                raise InputError(requirement(name, allowed, changes[name]))
        if self.patience is not None:
            changes["stopping"] = EarlyStopping(checked_integer("patience", self.patience, 0))
        if self.optimizer is not None:
            changes["optimizer"] = _optimizer(self.optimizer, self.learning_rate)
        return changes


def _optimizer(given: str | Optimizer, learning_rate: float | None) -> Optimizer:
    if isinstance(given, Optimizer):
        if learning_rate is not None:
            raise InputError(
                "`learning_rate` must be None beside an optimizer that has its own, "
                f"{shown(given.learning_rate)}, got {shown(learning_rate)}. Leave one of them out."
            )
        return given
    rate = LEARNING_RATES.get(given) if learning_rate is None else learning_rate
    return optimizers.find(given) if rate is None else optimizers.find(given, learning_rate=rate)


def _widths(hidden: Sequence[int]) -> tuple[int, ...]:
    try:
        return tuple(checked_integer("hidden", width) for width in hidden)
    except TypeError:
        allowed = "a list of widths, such as (64, 64)"
        raise InputTypeError(requirement("hidden", allowed, hidden)) from None
