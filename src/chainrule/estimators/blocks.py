"""What an estimator's hidden layers have beside weights and activations.

Normalization, skip connections, dropout and embeddings of columns with codes are off by default;
then the network is scikit-learn's dense one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.arrays import RealArray
from chainrule.errors import InputError, InputTypeError, shown
from chainrule.network.activations import Activation
from chainrule.network.architecture import Network
from chainrule.network.embeddings import Embedding
from chainrule.network.graph import Node
from chainrule.network.layers import Activate, Categories, Dense, Input
from chainrule.network.losses import Loss
from chainrule.network.normalization import BatchNorm, LayerNorm
from chainrule.network.penalties import Penalty
from chainrule.network.random_layers import Dropout
from chainrule.validation import checked_integer, is_integer, requirement

_MOST_LEVELS = 1_000_000
"""There is a row of weights for each code up to the largest."""

NORMALIZATIONS = {"batch": BatchNorm, "layer": LayerNorm}


@dataclass(frozen=True)
class EmbeddedColumn:
    """A column of codes 0, 1, …, ``levels`` − 1 and the units of its embedding."""

    column: int
    levels: int
    units: int


@dataclass(frozen=True)
class Blocks:
    """The parameters ``normalization``, ``residual``, ``dropout`` and ``embeddings``."""

    normalization: str | None = None
    residual: bool = False
    dropout: float = 0.0
    embeddings: tuple[EmbeddedColumn, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the network is a plain dense one."""
        return self == Blocks()

    def network(
        self,
        widths: tuple[int, ...],
        functions: tuple[Activation, ...],
        loss: Loss,
        penalty: Penalty,
    ) -> Network:
        """Return the network; ``widths`` are those of the columns, the layers and the outputs.

        A hidden layer is Dense, normalization, activation, dropout; with ``residual`` it is added
        to its input from the second on, which is projected where widths differ.
        """
        numeric = widths[0] - len(self.embeddings)
        inputs: list[Node] = [Input(numeric)] if numeric else []
        sources = list(inputs)
        for embedded in self.embeddings:
            codes = Categories(embedded.levels)
            inputs.append(codes)
            sources.append(Embedding(embedded.units)(codes))
        for number, (width, function) in enumerate(zip(widths[1:-1], functions[:-1], strict=True)):
            node = self._hidden(width, function, sources)
            if self.residual and number:
                (below,) = sources
                skipped = below if below.width == width else Dense(width, bias=False)(below)
                node = skipped + node
            sources = [node]
        output = Dense(widths[-1], functions[-1])(*sources)
        return Network(inputs, output, loss, penalty=penalty)

    def _hidden(self, width: int, function: Activation, sources: list[Node]) -> Node:
        if self.normalization is None:
            node = Dense(width, function)(*sources)
        else:
            summed = Dense(width, initializer=function.initializer)(*sources)
            node = Activate(function)(NORMALIZATIONS[self.normalization]()(summed))
        return Dropout(self.dropout)(node) if self.dropout else node

    def inputs(self, network: Network, X: RealArray) -> dict[str, RealArray]:
        """Return the arrays of the network's inputs from the columns of X, (samples, columns)."""
        if not self.embeddings:
            return {network.input_names[0]: X}
        columns = [embedded.column for embedded in self.embeddings]
        numeric = [column for column in range(X.shape[1]) if column not in columns]
        arrays = [np.ascontiguousarray(X[:, numeric])] if numeric else []
        for embedded in self.embeddings:
            codes = X[:, embedded.column]
            wrong = ~((codes >= 0) & (codes < embedded.levels) & (codes == np.floor(codes)))
            if wrong.any():
                raise InputError(
                    f"`X` must have codes from 0 to {embedded.levels - 1} in column "
                    f"{embedded.column} (`embeddings`), got {codes[wrong][0]:g}"
                )
            arrays.append(np.ascontiguousarray(codes))
        return dict(zip(network.input_names, arrays, strict=True))


def embedded_columns(given: Any, X: RealArray) -> tuple[EmbeddedColumn, ...]:
    """Return the columns with embeddings; ``given`` maps an index of a column to its units.

    There are as many levels as the largest code in X and one.
    """
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise InputTypeError(
            requirement("embeddings", "a mapping of columns to units such as {3: 8}", given)
        )
    found = []
    for column, units in given.items():
        if not is_integer(column) or not 0 <= column < X.shape[1]:
            raise InputError(
                f"`embeddings` must have indices of columns from 0 to {X.shape[1] - 1}, got "
                f"{shown(column)}"
            )
        largest = float(X[:, column].max())
        if largest >= _MOST_LEVELS:
            raise InputError(
                f"`embeddings` must name columns of codes below {_MOST_LEVELS:,}, got {largest:g} "
                f"in column {column}. Number its categories first, as OrdinalEncoder does"
            )
        levels = max(2, int(largest) + 1)
        found.append(EmbeddedColumn(int(column), levels, checked_integer("embeddings", units)))
    return tuple(sorted(found, key=lambda embedded: embedded.column))
