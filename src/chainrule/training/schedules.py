"""Schedules of the learning rate, and rules that end a run early.

A schedule is a rate for each epoch, stated once and used by every backend; `ReduceOnPlateau` and
`EarlyStopping` are rules about a monitored loss, which the core evaluates during the run.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from chainrule.arrays import RealArray
from chainrule.errors import InputError, InputTypeError, shown
from chainrule.kernels.stopping import Monitor, Stopping
from chainrule.kernels.trainer import Criterion
from chainrule.network.domains import BELOW_ONE, NOT_NEGATIVE, POSITIVE, Domain, checked
from chainrule.validation import checked_integer, requirement

__all__ = [
    "CosineDecay",
    "EarlyStopping",
    "ExponentialDecay",
    "InverseScaling",
    "ReduceOnPlateau",
    "Schedule",
    "StepDecay",
    "criterion_of",
    "rates_of",
    "rules_of",
]


Measure: TypeAlias = Callable[[Any, Any, RealArray | None], float]
"""From validation targets, outputs and weights of the rows to a number that is to fall."""


class Schedule(ABC):
    """A learning rate for each epoch."""

    @abstractmethod
    def rate(self, epoch: int, *, start: float, epochs: int, samples: int) -> float:
        """Return the rate of an epoch (from 1 to ``epochs``); ``start`` is the optimizer's."""


@dataclass(frozen=True)
class InverseScaling(Schedule):
    """The rate falls as a power of the samples seen: α / (1 + (epoch − 1) · samples)^power.

    scikit-learn's "invscaling": the rate changes after each epoch, by all samples seen so far.

    >>> InverseScaling().rate(2, start=0.1, epochs=10, samples=99)
    0.01
    """

    power: float = 0.5

    def __post_init__(self) -> None:
        checked(self.power, "InverseScaling: power", NOT_NEGATIVE, "such as 0.5")

    def rate(self, epoch: int, *, start: float, epochs: int, samples: int) -> float:
        """Return the rate of an epoch."""
        seen = float(1 + (epoch - 1) * samples)
        return float(start / seen**self.power)


@dataclass(frozen=True)
class StepDecay(Schedule):
    """The rate is multiplied by ``factor`` after every so many epochs.

    >>> [StepDecay(every=2).rate(n, start=1.0, epochs=4, samples=1) for n in (1, 2, 3, 4)]
    [1.0, 1.0, 0.1, 0.1]
    """

    every: int = 30
    factor: float = 0.1

    def __post_init__(self) -> None:
        _checked_count("every", self.every, 1)
        checked(self.factor, "StepDecay: factor", POSITIVE, "such as 0.1")

    def rate(self, epoch: int, *, start: float, epochs: int, samples: int) -> float:
        """Return the rate of an epoch."""
        return start * float(self.factor) ** ((epoch - 1) // self.every)


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """The rate is multiplied by ``factor`` after every epoch.

    >>> ExponentialDecay(factor=0.5).rate(3, start=1.0, epochs=5, samples=1)
    0.25
    """

    factor: float = 0.95

    def __post_init__(self) -> None:
        checked(self.factor, "ExponentialDecay: factor", POSITIVE, "such as 0.95")

    def rate(self, epoch: int, *, start: float, epochs: int, samples: int) -> float:
        """Return the rate of an epoch."""
        return start * float(self.factor) ** (epoch - 1)


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """The rate falls along half a cosine over the whole run, to ``final`` · α after its end.

    α (final + (1 − final) (1 + cos(π (epoch − 1) / epochs)) / 2) (Loshchilov & Hutter 2017, without
    restarts).

    >>> CosineDecay().rate(6, start=1.0, epochs=10, samples=1)
    0.5
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        checked(self.final, "CosineDecay: final", BELOW_ONE, "such as 0.01")

    def rate(self, epoch: int, *, start: float, epochs: int, samples: int) -> float:
        """Return the rate of an epoch."""
        wave = (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2
        return start * (self.final + (1 - self.final) * wave)


@dataclass(frozen=True)
class ReduceOnPlateau:
    """The rate is divided when a loss has stopped falling; below a smallest rate the run ends.

    An epoch improves where the monitored loss is at most the best one so far minus ``tolerance``.
    After more than ``patience`` epochs in a row without, the rate is divided by ``divisor`` and the
    count starts again; where the rate is at ``smallest`` or below already, the run ends.  The
    defaults are scikit-learn's "adaptive".  ``monitor`` is "loss" or "validation_loss", by default
    the second where there is validation data.
    """

    divisor: float = 5.0
    patience: int = 10
    tolerance: float = 1e-4
    smallest: float = 1e-6
    monitor: Monitor | None = None

    def __post_init__(self) -> None:
        above_one = Domain(1.0, open_low=True)
        checked(self.divisor, "ReduceOnPlateau: divisor", above_one, "such as 5")
        checked(self.smallest, "ReduceOnPlateau: smallest", POSITIVE, "such as 1e-6")
        _check_monitoring(self)


@dataclass(frozen=True)
class EarlyStopping:
    """The run ends when a loss has stopped falling.

    An epoch improves if the monitored loss is at most the best one so far minus ``tolerance``; the
    run ends after more than ``patience`` epochs in a row without (scikit-learn's rule).
    ``restore_best`` restores the parameters after the epoch with the lowest loss instead of the
    last ones.  ``monitor`` is "loss" (with penalties) or "validation_loss", by default the second
    where there is validation data, or a function of the validation targets, the outputs and the
    weights of the rows (None without any) to a number that is to fall:

    >>> import numpy
    >>> def errors(targets, outputs, weights):
    ...     return numpy.mean(targets.argmax(axis=1) != outputs.argmax(axis=1))
    >>> EarlyStopping(patience=0, monitor=errors).restore_best
    True
    """

    patience: int = 10
    tolerance: float = 1e-4
    restore_best: bool = True
    monitor: Monitor | Measure | None = None

    def __post_init__(self) -> None:
        _check_monitoring(self)


def rates_of(
    schedule: object, *, start: float, epochs: int, samples: int
) -> Callable[[int], float] | None:
    """Return the learning rate by epoch of a schedule, or None if it is constant.

    ``schedule`` is a `Schedule`, or a function from the epoch (from 1) to its rate.
    """
    if schedule is None or isinstance(schedule, ReduceOnPlateau):
        return None
    if not (isinstance(schedule, Schedule) or callable(schedule)):
        raise InputTypeError(
            requirement(
                "schedule",
                "a schedule such as InverseScaling() or ReduceOnPlateau(), or a function from the "
                "epoch to its learning rate",
                schedule,
            )
        )

    def rate(epoch: int) -> float:
        if isinstance(schedule, Schedule):
            value = schedule.rate(epoch, start=start, epochs=epochs, samples=samples)
        else:
            value = schedule(epoch)
        try:
            found = float(value)
        except (TypeError, ValueError, OverflowError):
            found = math.nan
        if not 0.0 <= found < math.inf:
            raise InputError(
                "`schedule` must return finite learning rates of at least 0, got "
                f"{shown(value)} for epoch {epoch}"
            )
        return found

    return rate


def rules_of(early_stopping: object, schedule: object, *, validated: bool) -> tuple[Stopping, ...]:
    """Return the rules by which a run ends early or slows down."""
    rules = []
    if early_stopping is True:
        early_stopping = EarlyStopping()
    if isinstance(early_stopping, EarlyStopping):
        if not callable(early_stopping.monitor):  # then it is a criterion
            rules.append(_stopping(early_stopping, _monitor(early_stopping, validated)))
    elif early_stopping is not None and early_stopping is not False:
        raise InputTypeError(
            requirement(
                "early_stopping", "True, False or EarlyStopping(patience=...)", early_stopping
            )
        )
    if isinstance(schedule, ReduceOnPlateau):
        rules.append(
            Stopping(
                _monitor(schedule, validated),
                schedule.patience,
                float(schedule.tolerance),
                divisor=float(schedule.divisor),
                smallest_rate=float(schedule.smallest),
            )
        )
    return tuple(rules)


def criterion_of(early_stopping: object, value: Callable[[Measure], float]) -> Criterion | None:
    """Return the rule about a function of the validation data, None where no function is given.

    ``value`` returns what the function is at the current parameters.
    """
    if not isinstance(early_stopping, EarlyStopping) or not callable(early_stopping.monitor):
        return None
    measure = early_stopping.monitor
    return Criterion(_stopping(early_stopping, "validation_loss"), lambda: value(measure))


def _stopping(given: EarlyStopping, monitor: Monitor) -> Stopping:
    return Stopping(monitor, given.patience, float(given.tolerance), bool(given.restore_best))


def _monitor(given: EarlyStopping | ReduceOnPlateau, validated: bool) -> Monitor:
    if given.monitor is None or callable(given.monitor):
        return "validation_loss" if validated else "loss"
    if given.monitor == "validation_loss" and not validated:
        raise InputError(
            f"{type(given).__name__}: `monitor` must be 'loss' without validation data, got "
            "'validation_loss'. Give validation=(X, Y), or monitor 'loss'."
        )
    return given.monitor


def _check_monitoring(given: EarlyStopping | ReduceOnPlateau) -> None:
    name = type(given).__name__
    _checked_count("patience", given.patience, 0)
    checked(given.tolerance, f"{name}: tolerance", NOT_NEGATIVE, "such as 1e-4")
    if callable(given.monitor) and isinstance(given, EarlyStopping):
        return
    if given.monitor not in (None, "loss", "validation_loss"):
        allowed = "None, 'loss' or 'validation_loss'"
        raise InputError(requirement("monitor", allowed, given.monitor))


def _checked_count(name: str, value: int, least: int) -> None:
    """Raise InputError, for values of other types too, unless value is an integer of ``least``."""
    try:
        checked_integer(name, value, least)
    except InputTypeError as error:
        raise InputError(str(error)) from None
