"""What a training run returns and what its listeners are called with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.arrays import FloatArray
from chainrule.html_tables import block, facts
from chainrule.network.architecture import Network
from chainrule.network.parameters import Parameters
from chainrule.pictures.loss_curves import LossCurves
from chainrule.training.inputs import Arrays
from chainrule.training.single_pass import predict


@dataclass(frozen=True)
class Epoch:
    """The argument of a listener after an epoch; losses are means over its samples.

    ``parameters`` are those after the epoch. They change with the next step: copy what you keep.
    """

    number: int
    of: int
    loss: float
    data_loss: float
    validation_loss: float | None
    parameters: Parameters | None = None


@dataclass(frozen=True)
class Progress:
    """The state of a run: epochs finished, of how many, and the losses of each so far."""

    done: int
    of: int
    history: Mapping[str, Sequence[float] | FloatArray]

    def epoch(self, number: int) -> Epoch:
        """Return a finished epoch; they count from 1."""
        validation = self.history.get("validation_loss")
        return Epoch(
            number,
            self.of,
            float(self.history["loss"][number - 1]),
            float(self.history["data_loss"][number - 1]),
            None if validation is None else float(validation[number - 1]),
        )


@dataclass(frozen=True)
class Result:
    """A finished run: the parameters, and the losses by epoch.

    ``history`` has ``loss`` (what was minimized), ``data_loss`` (without penalties) and, with
    validation data, ``validation_loss``; where the learning rate may change, ``learning_rate``;
    with a function that early stopping monitors, ``monitored``.  An epoch's loss is the mean over
    its batches, each taken at the parameters before its own step.  ``stopped_early`` is whether
    the run ended before its last epoch.  ``best_epoch`` is the epoch with the lowest monitored
    value, with early stopping; the parameters are those after it, unless ``restore_best=False``
    left the last ones.
    """

    network: Network
    parameters: Parameters
    history: dict[str, list[float]] = field(default_factory=dict)
    stopped_early: bool = False
    best_epoch: int | None = None

    def predict(self, X: Arrays) -> Any:
        """Return the outputs, (samples, outputs), as `predict` does."""
        return predict(self.network, self.parameters, X)

    def __repr__(self) -> str:
        losses = self.history.get("loss", ())
        if not losses:
            return f"<Result {self.network}>"
        epochs = f"{len(losses)} epoch{'s' * (len(losses) > 1)}"
        return f"<Result {self.network}; {epochs}, loss {losses[-1]:.4g}>"

    def plot(self, ax: Any = None, *, language: str = "en") -> Any:
        """Return a picture of the losses by epoch, with the best epoch marked.

        A notebook shows it, ``save("losses.svg")`` writes it; ``language`` is "en" or "zh". With
        ``ax``, Axes of matplotlib, the curves are drawn there and the Axes are returned.  The
        best epoch is ``best_epoch``, or where that is None the one of the lowest held-out loss.

        >>> from chainrule.training.loop import train
        >>> network = Network.dense([1, 1], activation="identity")
        >>> result = train(network, [[1.0], [2.0]], [1.0, 2.0], epochs=3)
        >>> result.plot().svg.count('class="line one"')
        2
        """
        curves = LossCurves.of([self.history], self.best_epoch)
        return curves.drawing(language) if ax is None else curves.on(ax)

    def _repr_html_(self) -> str:
        curves = LossCurves.of([self.history], self.best_epoch)
        losses = self.history.get("loss", ())
        held = self.history.get("validation_loss", ())
        best = "" if curves.best is None else f"{curves.best[0]:,}, loss {curves.best[1]:.4g}"
        ended = f"{len(losses):,}{', stopped early' if self.stopped_early else ''}"
        rows = [
            ("network", str(self.network)),
            ("epochs", ended),
            ("last loss", f"{losses[-1]:.4g}" if losses else ""),
            ("last held-out loss", f"{held[-1]:.4g}" if held else ""),
            ("best epoch", best),
        ]
        return block(facts(rows, caption="Result"), curves.drawing().svg if losses else "")
