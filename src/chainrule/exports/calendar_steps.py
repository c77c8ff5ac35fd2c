"""Year, month and so on of a date as steps of arithmetic, the same in every language.

The date comes as seconds since 1970-01-01 00:00 UTC. Years are counted from March here, so that a
leap day is the last of its year, and in periods of 400 years, which all have as many days: 146,097.
"""

from __future__ import annotations

from collections.abc import Callable

from chainrule.exports.date_cells import DAY
from chainrule.exports.prediction_steps import DateReading
from chainrule.exports.step_list import StepList
from chainrule.formulas.expressions import Expression, Symbol, expression
from chainrule.formulas.functions import Primitive, equal, greater, where

__all__ = ["add_date_part", "floor"]

floor = Primitive("floor")
"""The largest whole number that is not above. No network has it: it could not learn by it."""

_PERIOD = 146_097
"""Days of 400 years."""
_BEFORE_1970 = 719_468
"""Days from the first of March of the year 0 to 1970."""
s, t, p, e, y, d, m = map(Symbol, "stpeydm")


def add_date_part(steps: StepList, seconds: str, part: str, reading: DateReading) -> str:
    """Add a part of a date, one of `date_texts.PARTS`; equal steps are there once."""
    if part == "age":
        earliest = expression(reading.earliest)
        note = "days since the earliest date in training"
        return steps.entrywise((s - earliest) / DAY, {"s": seconds}, 1, note)
    return _OF_PART[part](_Calendar(steps, seconds))


class _Calendar:
    """The steps of one date; each method returns the name of a value of width 1."""

    def __init__(self, steps: StepList, seconds: str) -> None:
        self.steps, self.seconds = steps, seconds

    def _value(self, formula: Expression, note: str, **operands: str) -> str:
        return self.steps.entrywise(formula, operands, 1, note)

    def days(self) -> str:
        return self._value(floor(s / DAY), "days since 1970", s=self.seconds)

    def hour(self) -> str:
        formula = floor((s - DAY * t) / 3600)
        return self._value(formula, "the hour", s=self.seconds, t=self.days())

    def weekday(self) -> str:
        formula = t + 4 - 7 * floor((t + 3) / 7)  # 1970-01-01 was a Thursday, day 4
        return self._value(formula, "the day of the week; Monday is 1", t=self.days())

    def period(self) -> str:
        formula = floor((t + _BEFORE_1970) / _PERIOD)
        return self._value(formula, "the period of 400 years", t=self.days())

    def day_of_period(self) -> str:
        formula = t + _BEFORE_1970 - _PERIOD * p
        return self._value(formula, "the day in it", t=self.days(), p=self.period())

    def year_of_period(self) -> str:
        leap_days = floor(e / 1460) - floor(e / 36_524) + floor(e / 146_096)
        formula = floor((e - leap_days) / 365)
        return self._value(formula, "the year in it, from March on", e=self.day_of_period())

    def day_of_year(self) -> str:
        formula = e - 365 * y - floor(y / 4) + floor(y / 100)
        operands = {"e": self.day_of_period(), "y": self.year_of_period()}
        return self._value(formula, "the day of that year, from 0 on", **operands)

    def month_of_year(self) -> str:
        formula = floor((5 * d + 2) / 153)
        return self._value(formula, "its month; March is 0", d=self.day_of_year())

    def month(self) -> str:
        formula = m + where(greater(m, 9), expression(-9), expression(3))
        return self._value(formula, "the month", m=self.month_of_year())

    def year(self) -> str:
        formula = 400 * p + y + greater(m, 9)
        operands = {"p": self.period(), "y": self.year_of_period(), "m": self.month_of_year()}
        return self._value(formula, "the year", **operands)

    def ordinal_day(self) -> str:
        """Days from January on: 306 days are from March to the end of a year."""
        is_leap = equal(y - 4 * floor(y / 4), 0) * (
            1 - equal(y - 100 * floor(y / 100), 0) + equal(y, 0)
        )
        formula = d + where(greater(m, 9), expression(-305), 60 + is_leap)
        operands = {"d": self.day_of_year(), "m": self.month_of_year(), "y": self.year_of_period()}
        return self._value(formula, "the day of the year, from 1 on", **operands)


_OF_PART: dict[str, Callable[[_Calendar], str]] = {
    "year": _Calendar.year,
    "month": _Calendar.month,
    "day_of_week": _Calendar.weekday,
    "day_of_year": _Calendar.ordinal_day,
    "hour": _Calendar.hour,
}
