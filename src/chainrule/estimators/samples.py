"""The rows that an estimator trains on, with their targets and weights."""

from collections.abc import Callable
from dataclasses import dataclass

from numpy.typing import DTypeLike

from chainrule.arrays import IntArray, RealArray
from chainrule.estimators.blocks import Blocks
from chainrule.estimators.input_checks import dense
from chainrule.network.architecture import Network
from chainrule.network.loss_equations import WEIGHTS


@dataclass(frozen=True)
class Samples:
    """Inputs X, (samples, features), and the network's targets, (samples, outputs).

    ``weights`` are those of the loss, ``score_weights`` those of a score on held-out rows, both
    (samples,): class weights change the loss alone.  X may be a sparse matrix until `dense`.
    """

    X: RealArray
    targets: RealArray
    weights: RealArray | None = None
    score_weights: RealArray | None = None

    def __len__(self) -> int:
        return int(self.X.shape[0])

    def dense(self, dtype: DTypeLike) -> "Samples":
        """Return the same rows as contiguous arrays of this type."""
        return self._each(lambda array: dense(array, dtype))

    def rows(self, indices: IntArray) -> "Samples":
        """Return some of the rows."""
        return self._each(lambda array: array[indices])

    def data(self, network: Network, blocks: Blocks) -> dict[str, RealArray]:
        """Return the arrays that the network's loss depends on, by the names of its symbols."""
        data = {**blocks.inputs(network, self.X), network.target_names[0]: self.targets}
        if self.weights is not None:
            data[WEIGHTS.name] = self.weights
        return data

    def _each(self, changed: Callable[[RealArray], RealArray]) -> "Samples":
        arrays = (self.X, self.targets, self.weights, self.score_weights)
        return Samples(*(None if array is None else changed(array) for array in arrays))  # type: ignore[arg-type]
