"""Text that may hold anything, such as names of columns, as text of LaTeX."""

__all__ = ["escaped_latex"]

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "λ": r"$\lambda$",
    "→": r"$\to$",
    "−": r"$-$",
    "…": r"\dots{}",
    "✓": r"$\checkmark$",
    "✗": r"$\boldsymbol{\times}$",
    "“": "``",
    "”": "''",
}


def escaped_latex(text: str) -> str:
    r"""Return a text whose letters have no meaning in LaTeX; control characters become spaces.

    >>> print(escaped_latex("50% of a_b"))
    50\% of a\_b
    """
    return "".join(
        _ESCAPED.get(letter, letter if letter >= " " and letter != "\x7f" else " ")
        for letter in text
    )
