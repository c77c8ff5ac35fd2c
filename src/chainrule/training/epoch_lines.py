"""The lines that ``verbose=`` prints: the losses of an epoch, as estimators of scikit-learn do."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from chainrule.arrays import FloatArray
from chainrule.errors import InputTypeError
from chainrule.validation import checked_integer, is_integer, requirement

Losses = Mapping[str, Sequence[float] | FloatArray]


class _State(Protocol):
    """What a listener is called with: see `chainrule.training.results.Progress`."""

    @property
    def of(self) -> int: ...

    @property
    def history(self) -> Losses: ...


State = TypeVar("State", bound=_State)


class EpochLines:
    """Prints a line for every ``every``-th epoch and for the last; each epoch once.

    ``done`` epochs have been shown, or belong to an earlier run.

    >>> lines = EpochLines(2)
    >>> lines.show({"loss": [0.5, 0.25, 0.125]}, of=3, ended=True)
    Epoch 2 of 3, loss = 0.25000000
    Epoch 3 of 3, loss = 0.12500000
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self.done = 0

    @classmethod
    def of(cls, verbose: Any) -> "EpochLines | None":
        """Return the lines that the argument ``verbose`` asks for, or None; check it."""
        flag = isinstance(verbose, bool)
        if not flag and not is_integer(verbose):
            allowed = "True, False, a number of epochs or 'bar'"
            raise InputTypeError(requirement("verbose", allowed, verbose))
        every = int(verbose) if flag else checked_integer("verbose", verbose, 0)
        return cls(every) if every else None

    def before(self, listener: Callable[[State], object] | None) -> Callable[[State], object]:
        """Return a listener that prints before it calls the one that was given."""

        def both(state: State) -> object:
            self.show(state.history, state.of)
            return None if listener is None else listener(state)

        return both

    def show(self, history: Losses, of: int, *, ended: bool = False) -> None:
        """Print the lines of the epochs that were not shown yet, the last where training ended."""
        losses, held = history.get("loss", ()), history.get("validation_loss")
        numbers = [n for n in range(self.done + 1, len(losses) + 1) if n % self.every == 0]
        if ended and len(losses) % self.every:
            numbers.append(len(losses))
        for number in numbers:
            line = f"Epoch {number} of {of}, loss = {losses[number - 1]:.8f}"
            if held is not None:
                line += f", held-out loss = {held[number - 1]:.8f}"
            print(line, flush=True)
        self.done = max(self.done, len(losses))
