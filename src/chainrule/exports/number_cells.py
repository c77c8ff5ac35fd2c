"""Numbers in cells of text, as regular expressions that Python and JavaScript read alike."""

from __future__ import annotations

import re

from chainrule.data.number_texts import (
    CURRENCIES,
    EXPONENT,
    FULL_WIDTH,
    MINUS,
    MULTIPLIERS,
    SPACES,
    WIDER,
    NumberForm,
)

__all__ = ["SIGNS", "number_pattern"]

SIGNS = {"minus": MINUS, "spaces": SPACES, "full_width": FULL_WIDTH, "wider": WIDER}
"""What programs replace in a number before they read it, for their texts."""

_ESCAPED = re.compile(r"([\\^$.|?*+()\[\]{}/'-])")


def number_pattern(form: NumberForm) -> str:
    """Return the expression of a number in a form, without parentheses that negate it.

    Its groups are the digits and a multiplier behind them, of which one matches; a minus sign
    stands before them. The unit is required, a currency before or behind the number, as
    `number_texts.parse` has it.

    >>> import re
    >>> euro = re.compile(number_pattern(NumberForm(",", ".", "€")))
    >>> euro.search("-1.200,5 €").groups(), euro.search("€ 3").groups(), euro.search("3")
    (('1.200,5', None), (None, '3'), None)
    >>> re.search(number_pattern(NumberForm(multipliers=("万",))), "-1.2 万").groups()
    ('1.2 万',)
    """
    digits = form.pattern.removeprefix("^").removesuffix("$")
    if form.multipliers:  # never behind an exponent
        digits += rf"|{digits.replace(EXPONENT, '')}\s*(?:{'|'.join(MULTIPLIERS)})"
    digits = f"({digits})"
    sign = r"[+-]?\s*"
    if not form.unit:
        return f"^{sign}{digits}$"
    unit = _ESCAPED.sub(r"\\\1", form.unit)
    behind = rf"{sign}{digits}\s*{unit}"
    if form.unit not in CURRENCIES:
        return f"^{behind}$"
    before = rf"(?:[+-]?\s*{unit}|{unit}\s*[+-])\s*{digits}"
    is_one_sign = form.unit.isalpha() or len(form.unit) == 1  # what may stand behind: not US$
    return f"^(?:{behind}|{before})$" if is_one_sign else f"^{before}$"
