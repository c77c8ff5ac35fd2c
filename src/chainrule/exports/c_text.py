"""Text of C99: numbers, tables, strings, and how formulas are written in double and in float."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.errors import InputError, shown
from chainrule.exports.formula_text import Notation, decimal

__all__ = ["Arithmetic", "array", "elementary_functions", "is_single", "numbers_listed", "strings"]

_LONGEST_STRING = 4000
"""C99 requires compilers to accept strings of 4,095 characters."""
_LINE = 100
_OF_LIBM = ("exp", "log", "expm1", "log1p", "tanh", "erf", "sin", "cos")


_FLOOR = """\
static inline double model_floor(double x)
{
    double whole;
    if (!(x > -9e15 && x < 9e15)) return x;
    whole = (double)(long long)x;
    return whole > x ? whole - 1.0 : whole;
}"""
"""Beyond 2^53, about 9e15, every double is whole."""


@dataclass(frozen=True)
class Arithmetic:
    """How numbers are computed: ``real`` is double or float, functions those of libm or ours.

    >>> Arithmetic("float").notation.primitives["exp"]
    'expf({0})'
    >>> Arithmetic("double", libm=False).notation.primitives["exp"]
    'model_exp({0})'
    """

    real: str
    libm: bool = True

    @property
    def notation(self) -> Notation:
        """How formulas are written."""
        function = self._function()
        suffix = "f" if self.real == "float" else ""
        return Notation(
            "c",
            {
                **{name: function(name, "{0}") for name in _OF_LIBM},
                "abs": f"model_absolute{suffix}({{0}})",
                "sign": f"model_sign{suffix}({{0}})",
                "floor": "model_floor({0})",
                "maximum": f"model_larger{suffix}({{0}}, {{1}})",
                "minimum": f"model_smaller{suffix}({{0}}, {{1}})",
            },
            power=function("pow", "{0}", "{1}"),
            root=function("sqrt", "{0}"),
            number=self.number,
        )

    def _function(self) -> Callable[..., str]:
        single = self.real == "float"

        def call(name: str, *arguments: str) -> str:
            if self.libm:
                return f"{name}{'f' if single else ''}({', '.join(arguments)})"
            if single:  # ours are of double
                return f"(float)model_{name}({', '.join(f'(double)({a})' for a in arguments)})"
            return f"model_{name}({', '.join(arguments)})"

        return call

    def number(self, value: float) -> str:
        """Return a number as a constant of this type."""
        return f"{shortest(value)}f" if self.real == "float" else decimal(value)

    def helpers(self) -> str:
        """Return the functions that C99 has only in libm, or with another answer for NaN."""
        suffix = "f" if self.real == "float" else ""
        zero = self.number(0.0)
        head = f"static inline {self.real} model_"
        two = f"{self.real} x, {self.real} y"
        floor = [] if self.real == "float" else [_FLOOR]
        return "\n".join(
            [
                f"{head}larger{suffix}({two}) {{ return x > y || x != x ? x : y; }}",
                f"{head}smaller{suffix}({two}) {{ return x < y || x != x ? x : y; }}",
                f"{head}absolute{suffix}({self.real} x) {{ return x < {zero} ? -x : x; }}",
                f"{head}sign{suffix}({self.real} x)",
                f"{{ return ({self.real})((x > {zero}) - (x < {zero})); }}",
                *floor,
            ]
        )


def elementary_functions() -> str:
    """Return the functions for use instead of those of libm, with their worst errors."""
    return files("chainrule.exports").joinpath("elementary_functions.h").read_text("utf-8")


def is_single(values: FloatArray) -> bool:
    """Return whether all numbers are exact in single precision."""
    return bool((values.astype(np.float32) == values).all())


def shortest(value: float) -> str:
    """Return the shortest decimal that is read as this float32, with a point or an exponent.

    >>> shortest(0.1), shortest(2.0)
    ('0.1', '2.0')
    """
    text = str(np.float32(value))
    return text if any(c in text for c in ".e") else f"{text}.0"


def array(name: str, values: FloatArray, kind: str) -> str:
    """Return a table of double, float or signed char, in the order of the rows."""
    write: Callable[[float], str] = Arithmetic(kind).number if kind != "signed char" else _integer
    return "\n".join(
        [
            f"static const {kind} {name}[{values.size}] = {{",
            *numbers_listed([write(value) for value in values.ravel().tolist()]),
            "};",
        ]
    )


def _integer(value: float) -> str:
    return str(int(value))


def numbers_listed(texts: Sequence[str]) -> list[str]:
    """Return lines of texts with commas between them."""
    lines, line = [], "   "
    for text in texts:
        if len(line) + len(text) > _LINE:
            lines.append(line)
            line = "   "
        line += f" {text},"
    return [*lines, line.rstrip(",")]


def strings(name: str, texts: Sequence[str | None]) -> str:
    """Return a table of strings; a long one is an array of characters of its own."""
    lines, entries = [], []
    for index, text in enumerate(texts):
        if text is None:
            entries.append("NULL")
        elif len(text.encode("utf-8")) > _LONGEST_STRING:
            data = ", ".join(map(_character, text.encode("utf-8")))
            lines.append(f"static const char {name}_{index}[] = {{{data}, 0}};")
            entries.append(f"{name}_{index}")
        else:
            entries.append(_string(text))
    joined = ",\n    ".join(entries)
    lines.append(f"static const char *const {name}[{len(entries)}] = {{\n    {joined}}};")
    return "\n".join(lines)


def _character(byte: int) -> str:
    return str(byte) if byte < 128 else f"(char){byte}"


def _string(text: str) -> str:
    r"""Return a string of C; all but plain characters are octal escapes of the UTF-8 bytes.

    >>> print(_string('a"?ä'))
    "a\042\077\303\244"
    """
    if "\0" in text:
        raise InputError(
            "`to` must be a format whose texts may have the character NUL, got 'c' and "
            f"{shown(text)}. Choose 'numpy'."
        )
    plain = (chr(b) if _is_plain(b) else f"\\{b:03o}" for b in text.encode("utf-8"))
    return f'"{"".join(plain)}"'


def _is_plain(byte: int) -> bool:
    return 32 <= byte < 127 and chr(byte) not in '"\\?'
