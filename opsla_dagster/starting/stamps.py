"""How stamps are written: forms by the shape of a cell, and whether a day or a month comes first.

Belongs here: shapes of cells that are tidied and spelled out (`stamp_sql`). Does not belong here: reading them, columns, and which of them matters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from opsla_dagster.sources.event_log.stamp_sql import EPOCHS, ISO, ISO_LOCAL, ISO_OFFSET, SERIAL
from opsla_dagster.sources.event_log.stamp_words import month_words, weekday_words

_DATE = re.compile(
    r"(?P<ymd>\d{4}(?P<s1>[-/.])\d{1,2}(?P=s1)\d{1,2})(?!\d)"
    r"|(?P<short>\d{1,2}(?P<s2>[-/.])\d{1,2}(?P=s2)(?P<year>\d{4}|\d{2}))(?!\d)"
    r"|(?P<named>\d{1,2}(?P<s3>\. |[-/. ]?)(?P<word>[A-Za-z]{3,9})(?P<s4>, | ?-|[-/. ]?)(?P<named_year>\d{4}|\d{2}))(?!\d)"
    r"|(?P<us>(?P<first>[A-Za-z]{3,9})(?P<s5>[-/. ])\d{1,2}(?P<s6>, ?|[-/. ])\d{4})(?!\d)"
    r"|(?P<ynamed>\d{4}(?P<s7>[-/. ])(?P<middle>[A-Za-z]{3,9})(?P=s7)\d{1,2})(?!\d)"
    r"|(?P<packed>(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?=$|[T ])"
)
_TIME = re.compile(
    r"(?P<join>T|, | - |[ :_-])\d{1,2}((?P<dots>[:.h])\d{2}(?P<seconds>(?:(?P=dots)|:)\d{2}(?P<fraction>[.,]\d{1,9})?)?|(?P<packed>\d{2}(?P<packed_seconds>\d{2})?))"
    r"(?P<gap> ?)(?P<half>[AaPp][Mm])?"
    r"(?P<apart> ?)((?P<offset>[+-]\d{2}(?::?\d{2})?)|(?P<zone>[Zz]|[A-Z]{3,5}|[A-Za-z]+/[A-Za-z_/+-]+\d*))?"
)
_SHORT_WORD = 3
_ISO = re.compile(ISO_LOCAL + rf"({ISO_OFFSET})?")
_PACKED = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d(?P<seconds>[0-5]\d)?")
_SERIAL_PAIR = re.compile(r"\d{5}([.,]0+)? 0?[.,]\d{1,12}")
_NUMBER = re.compile(r"\d{1,17}([.,]\d{1,12})?|\d([.,]\d{1,18})?[eE]\+?\d{1,2}")
#: Numbers that may be stamps lie between the first days of these years: what is earlier is a count or an id.
_FIRST_SECOND, _LAST_SECOND = 631_152_000, 4_102_444_800  # 1990 and 2100
_FIRST_SERIAL, _LAST_SERIAL = 32_874, 73_051
#: What stamps have beside names of months and weekdays that is spelled out.
_SPELLED = re.compile(r"年|[ap]\.? ?m\b|uhr$|[.,]\d{7}|\d,? (at|um|om|à|às|alle|alle ore|ore|a las) \d|\([月火水木金土日]\)", re.IGNORECASE)
#: The same cell read with the month first.
_SWAPPED = {"%d": "%m", "%m": "%d"}
#: SQL pattern of a time of day alone, as a column beside one of dates has it; what a spreadsheet puts before it is part of it.
TIME_OF_DAY = (
    r"((1899-12-3[01]|190[04]-01-0[01])[T ])?\d{1,2}[:.h]\d{2}([:.]\d{2}([.,]\d{1,9})?)?( ?[AaPp][Mm])?( ?([Zz]|[+-]\d{2}:?\d{2}|[A-Z]{3,5}))?"
)
#: A time of day as the fraction of a day.
FRACTION_OF_A_DAY = r"0?[.,]\d{1,12}|0"


def formats_of(cell: str) -> list[str]:
    """The forms that a cell has the shape of; two where day and month could change places, several of a number. May be none."""
    if _ISO.fullmatch(cell):
        return [ISO]
    if _NUMBER.fullmatch(cell):
        return _forms_of_number(cell)
    if _SERIAL_PAIR.fullmatch(cell):
        return [SERIAL]
    date = _DATE.match(cell)
    if date is None:
        return []
    rest = cell[date.end() :]
    clock = _clock(rest)
    if clock is None:
        return []
    return [f"{day}{clock}" for day in _days(date)]


def may_need_spelling(cell: str) -> bool:
    """Whether a tidied cell has digits beside words that a stamp may have: only then it is worth spelling out."""
    if not re.search(r"\d", cell):
        return False
    words = re.findall(r"\d+月|[^\W\d_]+", unicodedata.normalize("NFC", cell).lower())
    return bool(_SPELLED.search(cell)) or any(word in month_words() or word in weekday_words() for word in words)


def is_of_numbers(form: str) -> bool:
    """Whether cells of the form are numbers, as ids and counts are too."""
    return form in EPOCHS or form == SERIAL or re.fullmatch(r"%Y%m%d(%H%M(%S)?)?", form) is not None


def _forms_of_number(cell: str) -> list[str]:
    number = float(cell.replace(",", "."))
    forms = [form for form, a_second in EPOCHS.items() if _FIRST_SECOND <= number / a_second < _LAST_SECOND]
    forms += [SERIAL] if _FIRST_SERIAL <= number < _LAST_SERIAL and "e" not in cell.lower() else []
    if packed := _PACKED.fullmatch(cell):
        forms.append("%Y%m%d%H%M%S" if packed["seconds"] else "%Y%m%d%H%M")
    return forms + (["%Y%m%d"] if _DATE.fullmatch(cell) else [])


def _days(date: re.Match[str]) -> list[str]:
    if date["ymd"]:
        return [date["s1"].join(("%Y", "%m", "%d"))]
    if date["short"]:
        return [date["s2"].join((*order, _year(date["year"]))) for order in (("%d", "%m"), ("%m", "%d"))]
    if date["named"]:
        return [f"%d{date['s3']}{_month(date['word'])}{date['s4']}{_year(date['named_year'])}"]
    if date["ynamed"]:
        return [date["s7"].join(("%Y", _month(date["middle"]), "%d"))]
    if date["packed"]:
        return ["%Y%m%d"]
    return [f"{_month(date['first'])}{date['s5']}%d{date['s6']}%Y"]


def _year(digits: str) -> str:
    return "%Y" if len(digits) > len("25") else "%y"


def _month(word: str) -> str:
    return "%b" if len(word) == _SHORT_WORD else "%B"


def _clock(rest: str) -> str | None:
    if not rest:
        return ""
    time = _TIME.fullmatch(rest)
    if time is None:
        return None
    hour, dots = "%I" if time["half"] else "%H", time["dots"] or ""
    parts = [time["join"], hour, dots, "%M"]
    if time["seconds"]:
        parts += [time["seconds"][0], "%S"]
    parts += ["%S"] if time["packed_seconds"] else []
    parts += [time["fraction"][0], "%f"] if time["fraction"] else []
    parts += [time["gap"], "%p"] if time["half"] else []
    if written := "%z" if time["offset"] else "%Z" if time["zone"] else "":
        parts += ["" if time["half"] else time["gap"], time["apart"], written]
    return "".join(parts)


def candidates(cells: Iterable[str]) -> list[str]:
    """Every form that one of the cells has the shape of, the commonest first."""
    found = Counter(stamp_format for cell in cells for stamp_format in formats_of(cell))
    return [stamp_format for stamp_format, _ in found.most_common()]


def swapped(stamp_format: str) -> str | None:
    """The format with day and month in each other's place; None where a year comes first, or a month has a name."""
    if not re.match(r"%[dm][-/.]%[dm]", stamp_format):
        return None
    return re.sub("%[dm]", lambda found: _SWAPPED[found.group()], stamp_format)
