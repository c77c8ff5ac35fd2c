"""Numbers in cells of text, as regular expressions that Python and JavaScript read alike."""

from __future__ import annotations

import re

from chainrule.data.number_texts import CURRENCIES, NumberForm

__all__ = ["number_pattern"]

_ESCAPED = re.compile(r"([\\^$.|?*+()\[\]{}/'-])")


def number_pattern(form: NumberForm) -> str:
    """Return the expression of a number in a form, without parentheses that negate it.

    Its groups are the digits, of which one matches; a minus sign stands before them. The unit is
    required, a currency before or behind the number, as `number_texts.parse` has it.

    >>> import re
    >>> euro = re.compile(number_pattern(NumberForm(",", ".", "€")))
    >>> euro.search("-1.200,5 €").groups(), euro.search("€ 3").groups(), euro.search("3")
    (('1.200,5', None), (None, '3'), None)
    """
    digits = f"({form.pattern.removeprefix('^').removesuffix('$')})"
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
