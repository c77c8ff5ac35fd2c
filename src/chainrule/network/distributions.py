"""What is drawn at random in each step: the masks of dropout, and noise."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.network.domains import BELOW_ONE, NOT_NEGATIVE, checked


@dataclass(frozen=True)
class Distribution:
    """A distribution of independent entries; ``mean`` replaces them in predictions."""

    name: ClassVar[str]
    mean: ClassVar[float]

    @property
    def parameter(self) -> float:
        """The number that it depends on."""
        raise NotImplementedError

    def random(self, generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return independent entries, drawn by a generator."""
        raise NotImplementedError


@dataclass(frozen=True)
class Mask(Distribution):
    """Inverted dropout: 0 with probability ``rate``, else 1/(1 − rate), so that the mean is 1."""

    name = "mask"
    mean = 1.0
    rate: float

    def __post_init__(self) -> None:
        checked(self.rate, "`rate`", BELOW_ONE, "such as 0.1")

    @property
    def parameter(self) -> float:
        """The probability of 0."""
        return self.rate

    def random(self, generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return independent entries, drawn by a generator."""
        return (generator.random(shape) >= self.rate) / (1 - self.rate)


@dataclass(frozen=True)
class Noise(Distribution):
    """The normal distribution with mean 0 and this standard deviation."""

    name = "noise"
    mean = 0.0
    deviation: float

    def __post_init__(self) -> None:
        checked(self.deviation, "`deviation`", NOT_NEGATIVE, "such as 0.1")

    @property
    def parameter(self) -> float:
        """The standard deviation."""
        return self.deviation

    def random(self, generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return independent entries, drawn by a generator."""
        return generator.normal(0.0, self.deviation, shape)
