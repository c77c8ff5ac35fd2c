"""The exceptions that chainrule raises, and the wording that they share.

::

    Exception
    └── ChainruleError
        ├── InputError            (also a ValueError)       a value, a file or a table of the user
        │   ├── DataError                                   a table: file, line, column, cell
        │   └── ModelFileError                              a model file: damaged, foreign, too new
        ├── InputTypeError        (also a TypeError)        an argument of the wrong type
        ├── MissingRule           (also NotImplementedError) an operation without a derivative rule
        ├── NotFused              (also NotImplementedError) an operation the core has no form for
        ├── NonFiniteLoss         (also ArithmeticError)    training ran into NaN or infinity
        └── CoreUnavailable       (also an ImportError)     the compiled core cannot be loaded

    UserWarning
    └── DataWarning                                     a table that is used, though not all of it

The user can fix ``InputError`` and ``InputTypeError``: the command line prints their one line and
exits with code 2. The others are failures of the run: code 1.

A message is one line that names the argument or the file, states what is allowed and what was
given, and what to do next. The second bases are those that callers of Python and scikit-learn
already catch. This module imports nothing of ours, so that every package may use it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

__all__ = [
    "ChainruleError",
    "CoreUnavailable",
    "DataError",
    "DataWarning",
    "InputError",
    "InputTypeError",
    "MissingRule",
    "ModelFileError",
    "NonFiniteLoss",
    "NotFused",
    "nearest",
    "one_line",
    "shortened",
    "shown",
    "unknown_name",
]

LONGEST_QUOTE = 60
LONGEST_LIST = 12
LONGEST_MESSAGE = 600


class ChainruleError(Exception):
    """The root of the tree: ``except ChainruleError`` catches every exception of chainrule."""


class InputError(ChainruleError, ValueError):
    """A value that is not allowed.

    ``unknown`` is set for an unknown name: the kind of name, the name, those available and the
    nearest of them, so that the message can be written in another language.
    """

    unknown: tuple[str, str, tuple[str, ...], str | None] | None = None


class InputTypeError(ChainruleError, TypeError):
    """An argument whose type is not allowed."""


class DataError(InputError):
    """A table that cannot be used as it is; the message names file, line and column."""


class DataWarning(UserWarning):
    """Cells of a table that cannot be used as they are; the message names column and count."""


class ModelFileError(InputError):
    """A model file that is damaged, is not ours, or was written by a newer version."""


class MissingRule(ChainruleError, NotImplementedError):  # noqa: N818 - names what is wrong
    """An operation without a rule for its derivative.

    ``operation`` is its name, so that a caller need not parse the message.

    >>> MissingRule("floor").operation
    'floor'
    >>> print(MissingRule("floor"))
    no differentiation rule for the operation 'floor': register one, or use operations that have one
    """

    def __init__(self, operation: str) -> None:
        # The only argument is the operation, so that pickling (which replays args) restores it.
        super().__init__(operation)
        self.operation = operation

    def __str__(self) -> str:
        return (
            f"no differentiation rule for the operation {shown(self.operation)}: "
            "register one, or use operations that have one"
        )


class NotFused(ChainruleError, NotImplementedError):  # noqa: N818 - names what is wrong
    """An operation has no form in the compiled core; the message names it."""


class NonFiniteLoss(ChainruleError, ArithmeticError):  # noqa: N818 - names what is wrong
    """The loss became NaN or infinite; the message names the epoch, the batch and the layer.

    ``result`` is that of the training run up to its last complete step.
    """

    result: Any = None


class CoreUnavailable(ChainruleError, ImportError):  # noqa: N818 - names what is wrong
    """The compiled core is missing or was built for another machine; the message says which."""


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed name most similar to ``name``, or None if none is similar enough.

    Case does not matter: ``Sigmoid`` means ``sigmoid``. The only name that begins with three or
    more letters given is meant before a similar one.

    >>> nearest("sigmod", ["tanh", "sigmoid", "relu"])
    'sigmoid'
    >>> nearest("acc", ["accuracy", "auc"])
    'accuracy'
    >>> nearest("Species ", ["sepal_width", "species"])
    'species'
    >>> nearest("zebra", ["tanh", "relu"]) is None
    True
    """
    folded: dict[str, str] = {}
    for candidate in allowed:
        folded.setdefault(candidate.strip().casefold(), candidate)
    given = name.strip().casefold()
    begun = [candidate for candidate in folded if candidate.startswith(given)]
    if len(given) >= 3 and len(begun) == 1:
        return folded[begun[0]]
    matches = difflib.get_close_matches(given, folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def unknown_name(
    kind: str, name: str, allowed: Iterable[str], error: type[InputError] = InputError
) -> InputError:
    """Return (not raise) the error for a name that is not among those allowed.

    ``kind`` is the kind of the name, ``error`` the class of the error.

    >>> print(unknown_name("activation", "sigmod", ["relu", "sigmoid"]))
    unknown activation 'sigmod'. Did you mean 'sigmoid'? Available: 'relu', 'sigmoid'
    >>> print(unknown_name("loss", "zebra", ["mse", "mae"]))
    unknown loss 'zebra'. Available: 'mse', 'mae'
    >>> print(unknown_name("column", "x", []))
    unknown column 'x'. None are available
    """
    names = list(allowed)
    listed = ", ".join(shown(candidate) for candidate in names[:LONGEST_LIST])
    if len(names) > LONGEST_LIST:
        listed += f" and {len(names) - LONGEST_LIST} more"
    start = f"unknown {kind} {shown(name)}"
    suggestion = nearest(name, names)
    if not names:
        made = error(f"{start}. None are available")
    elif suggestion is None:
        made = error(f"{start}. Available: {listed}")
    else:
        made = error(f"{start}. Did you mean {shown(suggestion)}? Available: {listed}")
    made.unknown = (kind, name, tuple(names), suggestion)
    return made


def shown(value: object, longest: int = LONGEST_QUOTE) -> str:
    r"""Return ``repr(value)`` on one line, shortened in the middle if it is too long.

    >>> shown("two" + chr(10) + "lines")
    "'two\\nlines'"
    >>> shown("x" * 100, longest=20)
    "'xxxxxxxx...xxxxxxx'"
    """
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()  # a NumPy scalar would write its type: np.float64(0.5)
    try:
        text = repr(value)
    except ValueError:  # Python does not write integers of more than 4,300 digits
        text = f"{type(value).__name__} of many digits"
    if len(text.splitlines()) > 1:
        text = one_line(text)  # arrays break their lines; strings escape theirs and keep spaces
    if len(text) <= longest:
        return text
    return shortened(text, longest)


def shortened(text: str, longest: int) -> str:
    """Return a text of at most ``longest`` characters; an ellipsis replaces its middle.

    Both ends remain: the start identifies a value or an error, the end distinguishes long paths and
    keys, or says what to do.

    >>> shortened("0123456789", 9)
    '012...789'
    """
    if len(text) <= longest:
        return text
    tail = (longest - 3) // 2
    return f"{text[: longest - 3 - tail]}...{text[-tail:]}"


def one_line(text: object) -> str:
    """Return a text on one line, for quoting a message of another library.

    What is longer than any message of ours (a library that quotes a whole file) is shortened.

    >>> one_line("first" + chr(10) + chr(10) + "  second ")
    'first second'
    """
    return shortened(" ".join(str(text).split()), LONGEST_MESSAGE)
