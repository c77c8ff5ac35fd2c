"""Programs in Python: their syntax tree or the line at fault, and a statement as it is read."""

import ast
import re
import warnings
from dataclasses import dataclass

from chainrule.language.refusals import Refusal
from chainrule.marking.returned_orders import Pairs

_PROGRAM = re.compile(
    r"^[ \t]*(?:(?:class|for|if|while|with)\b.*:[ \t]*$|def\b|import\s+\w"
    r"|from\s+\w+\s+import\b)",
    re.M,
)
"""A line that only a program in Python has."""


@dataclass(frozen=True)
class ReadStatement:
    """A statement of an answer: the number of its line, its text, and the equation that it is.

    Statements of one ``group`` (a tuple assignment) use the values from before the group.  Each
    function has variables of its own, its ``scope``.  ``refusal`` is why it is not read, and
    ``touched`` what it may have changed then.  ``is_ordered`` is whether it is executed after those
    before it, as in a program but not in a derivation.  ``returned`` are names that a function
    returns, each with the name that its caller or its text gives it.  ``zeros`` are the lengths of
    an array of zeros that it assigns, whose equation is ``left = 0``.  Where it is the head of a
    function without a result, ``lost`` are the names whose values end with it, ``stored`` those of
    values that stay.  ``also`` is another name of the array that it changes in place.
    """

    number: int
    text: str
    left: str = ""
    equation: str = ""
    group: int = 0
    scope: int = 0
    refusal: Refusal | None = None
    touched: tuple[str, ...] = ()
    is_ordered: bool = False
    returned: Pairs = ()
    zeros: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()
    also: str = ""


def parsed_program(text: str) -> ast.Module | None:
    """Return the syntax tree of a text, None where it is not Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes in the learner's docstrings
        try:
            return ast.parse(dedented(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def syntax_fault(text: str) -> ReadStatement | None:
    """Return the line that keeps a text from being Python, None for a text in another notation.

    >>> found = syntax_fault("import numpy as np\\ndef f(:\\n    x = 1")
    >>> found.number, found.text
    (2, 'def f(:')
    """
    if _PROGRAM.search(text) is None:
        return None
    plain = dedented(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(plain)
    except SyntaxError as error:
        lines = plain.split("\n")
        number = min(max(1, error.lineno or 1), len(lines))
        line = lines[number - 1].strip()
        return ReadStatement(number, line, refusal=Refusal("answer_syntax", text=(line,)))
    except (ValueError, RecursionError, MemoryError):
        return None
    return None


def dedented(text: str) -> str:
    """Return a pasted block whose first line may have lost its indentation; lines keep numbers."""
    lines = re.split(r"\r\n?|\n", text.expandtabs(4))  # the ends of lines that Python knows
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    common = min(indents, default=0)
    return "\n".join(line[common:] for line in lines)
