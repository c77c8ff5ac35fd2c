"""Random networks: every admissible pair of last activation and loss, in awkward sizes.

The list is the same in every run.  It is drawn from the catalogues, so a new entry is in it by
itself, and ``tests/kernels/test_against_peers.py`` fails where an entry is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import InputError
from chainrule.network import activations, losses, penalties
from chainrule.network.architecture import Network
from chainrule.network.losses import Loss
from chainrule.network.penalties import Penalty

SIZES = (1, 2, 3, 17)
"""Awkward: one, fewer than the lanes of a vector register, and one more than sixteen."""
MORE_SIZES = (5, 4, 7, 6)
"""Where every axis of a deep network is to have a size of its own."""
ROUNDS = 4
"""How often each pair is drawn."""
DEPTHS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Case:
    """One network, the number of samples, and whether they are weighted."""

    number: int
    network: Network
    samples: int
    weighted: bool
    sizes: str

    @property
    def hidden(self) -> tuple[str, ...]:
        """The names of the hidden activations."""
        return tuple(entry.name for entry in self.network.activations[:-1])

    @property
    def pair(self) -> tuple[str, str]:
        """The names of the last activation and of the loss."""
        return self.network.activations[-1].name, self.network.loss.name

    def __str__(self) -> str:
        return f"{self.number:03}-{'-'.join(self.hidden)}-{'-'.join(self.pair)}"


def admissible_pairs() -> list[tuple[str, str]]:
    """Return every pair of last activation and loss that a network can be made of."""
    found = []
    for last in activations.CATALOGUE:
        for loss in losses.CATALOGUE:
            try:
                Network.dense([1, 2], [last], loss)
            except InputError:
                continue
            found.append((last, loss))
    return found


def random_networks(rounds: int = ROUNDS, seed: int = 20150317) -> Iterator[Case]:
    """Yield ``rounds`` networks for each admissible pair."""
    generator = np.random.default_rng(seed)
    hidden = _Cycle(list(activations.CATALOGUE), generator)
    number = 0
    for _ in range(rounds):
        for last, loss in admissible_pairs():
            depth = DEPTHS[number % len(DEPTHS)]
            kind = ("distinct", "equal", "any")[number // len(DEPTHS) % 3]
            samples, *layers = _sizes(kind, depth, generator)
            if last == "softmax" and layers[-1] == 1:
                layers[-1] = 2  # one share of a whole is always 1: refused
                kind = "any" if kind == "distinct" and 2 in (samples, *layers[:-1]) else kind
            network = Network.dense(
                layers,
                [*_hidden(hidden, depth), last],
                _loss(loss, generator),
                penalty=_penalties(generator),
                trainable=_trainable(depth, number, generator),
            )
            weighted = bool(generator.integers(2))
            yield Case(number, network, samples, weighted, kind)
            number += 1


class _Cycle:
    """Names in random order, each once before any comes again."""

    def __init__(self, names: list[str], generator: np.random.Generator) -> None:
        self.names, self.generator = names, generator
        self.left: list[str] = []

    def __call__(self) -> str:
        if not self.left:
            self.left = [str(name) for name in self.generator.permutation(self.names)]
        return self.left.pop()


def _hidden(draw: _Cycle, depth: int) -> list[str]:
    names = [draw() for _ in range(depth)]
    # e to the e to the e leaves no digits to compare: exponentials are not stacked.
    return [
        "tanh" if name == "exponential" and "exponential" in names[:place] else name
        for place, name in enumerate(names)
    ]


def _sizes(kind: str, depth: int, generator: np.random.Generator) -> list[int]:
    """Return the number of samples and the widths."""
    count = depth + 3
    if kind == "equal":
        # 1 is a size that softmax refuses at the end; it is among the others.
        return [int(generator.choice(SIZES[1:]))] * count
    if kind == "distinct":
        chosen = (*SIZES, *MORE_SIZES)[:count]
        return [int(size) for size in generator.permutation(chosen)]
    return [int(size) for size in generator.choice(SIZES, count)]


def _loss(name: str, generator: np.random.Generator) -> Loss:
    settings = losses.CATALOGUE[name]().settings
    # Constants between 0.2 and 0.8 are allowed for every loss that has any.
    return losses.CATALOGUE[name](
        **{key: round(generator.uniform(0.2, 0.8), 2) for key in settings}
    )


def _penalties(generator: np.random.Generator) -> list[Penalty]:
    chosen = [entry for entry in penalties.CATALOGUE.values() if generator.integers(2)]
    return [entry(round(generator.uniform(0.005, 0.05), 4)) for entry in chosen]


def _trainable(depth: int, number: int, generator: np.random.Generator) -> dict[str, Any]:
    """Return options for a third of the networks: shared, frozen or, mostly, free parameters."""
    if number % 3:
        return {}
    names = Network.dense([1] * (depth + 2)).parameter_names
    options: dict[str, Any] = {}
    for name in names:
        allowed = [True, True, False, "shared"] if name.startswith("b") else [True, True, False]
        options[name] = allowed[int(generator.integers(len(allowed)))]
    options[names[-2]] = True  # something is left to train
    return options
