"""The text of a date, cut into its fields by formulas of Excel: one cell for each piece.

A date that is a date for Excel is a number of days; a text is read as in the training table, not as
the settings of the computer would have it, so VALUE sees digits only. Days are counted by DATE,
2,000 years later, because it knows no years before 1900.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chainrule.exports.date_cells import dated
from chainrule.exports.prediction_steps import Cell, DateReading

__all__ = ["PIECES", "date_formulas", "date_pieces"]

_LATER = 730_485 + 25_569
"""Days of 2,000 years, and from Excel's first day to 1970."""

_CHINESE = (("年", "-"), ("月", "-"), ("日", " "))

PIECES = (
    "the text",
    "its date",
    "first field",
    "second field",
    "third field",
    "its time",
    "end of the time",
    "time as written",
    "time without AM and PM",
    "year",
    "month",
    "day",
    "seconds of the day",
    "seconds of the zone",
)
"""What the cells of one date hold, before the date in seconds."""


def date_formulas(cell: str, is_missing: str, at: Callable[[str], str], form: str) -> list[str]:
    """Return the formulas of `PIECES`, and of the seconds since 1970-01-01 00:00 UTC.

    ``at`` returns the reference of a piece, ``is_missing`` is a condition.

    >>> formulas = date_formulas("A2", 'A2=""', lambda piece: piece, "dmy")
    >>> formulas[PIECES.index("year")]
    'VALUE(IF(LEN(first field)=4,first field,third field))'
    """
    text, date, time, end = map(at, ("the text", "its date", "its time", "end of the time"))
    first, second, third = map(at, ("first field", "second field", "third field"))
    whole, clock = map(at, ("time as written", "time without AM and PM"))
    year, month, day = map(at, ("year", "month", "day"))
    rest = f'MID({date},LEN({first})+2,99)&"/"'
    colon = f'FIND(":",{clock})'
    fraction = f"MID({clock},{colon}+7,6)"
    hour = f"VALUE(LEFT({clock},{colon}-1))"
    has_half = f'OR(RIGHT({whole},2)="AM",RIGHT({whole},2)="PM")'
    of_half = f'IF(AND({hour}>=1,{hour}<=12),MOD({hour},12)+IF(RIGHT({whole},2)="PM",12,0),24)'
    zone = f"MID({time},{end},99)"
    offset = f'60*VALUE(MID({zone},2,2))+VALUE("0"&RIGHT(SUBSTITUTE({zone},":",""),2))'
    is_iso = f"LEN({first})=4"
    given = f"TRIM({cell})"
    if form == "chinese":
        given = f'{given}&IF(RIGHT({given})="月","1","")'
        for mark, sign in _CHINESE:
            given = f'SUBSTITUTE({given},"{mark}","{sign}")'
        given = f"TRIM({given})"
    given = f'{given}&IF(AND(LEN({given})=7,MID({given},5,1)="-"),"-1","")'
    in_front, behind = (second, first) if form == "dmy" else (first, second)
    if form in ("iso", "chinese"):
        fields = [f"VALUE({field})" for field in (first, second, third)]
    else:
        pairs = ((first, third), (second, in_front), (third, behind))
        fields = [f"VALUE(IF({is_iso},{iso},{other}))" for iso, other in pairs]
    moved = f"DATE({year}+2000,{month},{day})"
    seconds = f"86400*({moved}-{_LATER})+{at('seconds of the day')}-{at('seconds of the zone')}"
    is_date = f"AND({month}>=1,{month}<=12,DAY({moved})={day},{at('seconds of the day')}<86400)"
    of_text = f"IF({is_date},{seconds},NA())"
    return [
        f'IF(ISNUMBER({cell}),"",SUBSTITUTE(SUBSTITUTE({given},"UTC","Z"),"T"," "))',
        f'SUBSTITUTE(SUBSTITUTE(LEFT({text},FIND(" ",{text}&" ")-1),"-","/"),".","/")',
        f'LEFT({date},FIND("/",{date}&"/")-1)',
        f'LEFT({rest},FIND("/",{rest})-1)',
        f"MID({date},LEN({first})+LEN({second})+3,99)",
        f"MID({text},LEN({date})+2,99)",
        f'MIN(FIND("Z",{time}&"Z+-"),FIND("+",{time}&"Z+-"),FIND("-",{time}&"Z+-"))',
        f'SUBSTITUTE(SUBSTITUTE(UPPER(TRIM(LEFT({time},{end}-1))),".M","M"),"M.","M")',
        f"IF({has_half},TRIM(LEFT({whole},LEN({whole})-2)),{whole})",
        *fields,
        f'IF({clock}="",0,3600*IF({has_half},{of_half},{hour})+60*VALUE(MID({clock},{colon}+1,2))'
        f'+VALUE("0"&MID({clock},{colon}+4,2))+VALUE("0"&{fraction})/10^LEN({fraction}))',
        f'IF(LEN({zone})<2,0,IF(LEFT({zone},1)="-",-60,60)*({offset}))',
        f'IF(ISNUMBER({cell}),ROUND(86400*({cell}-25569),3),IF({is_missing},"",{of_text}))',
    ]


def date_pieces(cell: Cell, reading: DateReading) -> list[str | float]:
    """Return what the cells of `PIECES` show; an empty text where a formula has no result.

    >>> date_pieces("3/4/2020 7:05", DateReading("mdy"))[:5]
    ['3/4/2020 7:05', '3/4/2020', '3', '4', '2020']
    """
    text = "" if cell is None else " ".join(str(cell).split())
    if reading.form == "chinese":
        text += "1" * text.endswith("月")
        for mark, sign in _CHINESE:
            text = text.replace(mark, sign)
        text = " ".join(text.split())
    text += "-1" * (len(text) == 7 and text[4] == "-")
    text = text.replace("UTC", "Z").replace("T", " ")
    found = dated(text, reading)
    if found is None:
        return [text, *[""] * (len(PIECES) - 1)]
    written, minutes = found
    date, _, time = text.partition(" ")
    date = date.replace("-", "/").replace(".", "/")
    end = min((time + "Z+-").index(sign) for sign in "Z+-")
    clock = time[:end].strip().upper().replace(".M", "M").replace("M.", "M")
    of_day = written - datetime.combine(written, datetime.min.time())
    numbers = (written.year, written.month, written.day, of_day.total_seconds(), 60 * minutes)
    return [
        text,
        date,
        *date.split("/"),
        time,
        float(end + 1),
        clock,
        clock.removesuffix("AM").removesuffix("PM").strip(),
        *map(float, numbers),
    ]
