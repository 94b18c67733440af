"""How stamps are written: formats by the shape of a cell, and whether a day or a month comes first.

Belongs here: formats. Does not belong here: columns, and which of them matters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from opsla_dagster.sources.event_log.stamp_sql import ISO_LOCAL, ISO_OFFSET, literal

_DATE = re.compile(
    r"(?P<ymd>\d{4}(?P<s1>[-/.])\d{1,2}(?P=s1)\d{1,2})"
    r"|(?P<short>\d{1,2}(?P<s2>[-/.])\d{1,2}(?P=s2)(?P<year>\d{4}|\d{2}))(?!\d)"
    r"|(?P<named>\d{1,2}(?P<s3>[-/. ])(?P<word>[A-Za-z]{3,9})(?P=s3)\d{4})"
    r"|(?P<us>(?P<first>[A-Za-z]{3,9}) \d{1,2}(?P<comma>,?) \d{4})"
)
_TIME = re.compile(
    r"(?P<join>T|, | )\d{1,2}:\d{2}(?P<seconds>:\d{2})?(?P<fraction>\.\d{1,6})?(?P<gap> ?)(?P<half>[AaPp][Mm])?"
    r"(?P<apart> ?)((?P<offset>[+-]\d{2}:?\d{2})|(?P<zone>Z|[A-Z]{3,5}|[A-Za-z]+/[A-Za-z_/+-]+\d*))?"
)
_SHORT_WORD = 3
_ISO = re.compile(ISO_LOCAL + rf"({ISO_OFFSET})?")
#: The same cell read with the month first.
_SWAPPED = {"%d": "%m", "%m": "%d"}


def formats_of(cell: str) -> list[str]:
    """`iso` or strptime formats that a cell has the shape of; two where day and month could change places. May be none."""
    if _ISO.fullmatch(cell):
        return ["iso"]
    date = _DATE.match(cell)
    if date is None:
        return []
    rest = cell[date.end() :]
    clock = _clock(rest)
    if clock is None:
        return []
    return [f"{day}{clock}" for day in _days(date)]


def _days(date: re.Match[str]) -> list[str]:
    if date["ymd"]:
        return [date["s1"].join(("%Y", "%m", "%d"))]
    if date["short"]:
        year = "%Y" if len(date["year"]) > len("25") else "%y"
        return [date["s2"].join((*order, year)) for order in (("%d", "%m"), ("%m", "%d"))]
    if date["named"]:
        return [date["s3"].join(("%d", _month(date["word"]), "%Y"))]
    return [f"{_month(date['first'])} %d{date['comma']} %Y"]


def _month(word: str) -> str:
    return "%b" if len(word) == _SHORT_WORD else "%B"


def _clock(rest: str) -> str | None:
    if not rest:
        return ""
    time = _TIME.fullmatch(rest)
    if time is None:
        return None
    parts = [time["join"], "%I:%M" if time["half"] else "%H:%M"]
    parts += [written for group, written in (("seconds", ":%S"), ("fraction", ".%f")) if time[group]]
    parts += [time["gap"], "%p"] if time["half"] else []
    if written := "%z" if time["offset"] else "%Z" if time["zone"] else "":
        parts += ["" if time["half"] else time["gap"], time["apart"], written]
    return "".join(parts)


def candidates(cells: Iterable[str]) -> list[str]:
    """Every format that one of the cells has the shape of, the commonest first."""
    found = Counter(stamp_format for cell in cells for stamp_format in formats_of(cell))
    return [stamp_format for stamp_format, _ in found.most_common()]


def swapped(stamp_format: str) -> str | None:
    """The format with day and month in each other's place; None where a year comes first, or a month has a name."""
    if not re.match(r"%[dm][-/.]%[dm]", stamp_format):
        return None
    return re.sub("%[dm]", lambda found: _SWAPPED[found.group()], stamp_format)


def reading(cell: str, stamp_format: str, zone: str | None) -> str:
    """SQL: the stamp in the expression `cell` as TIMESTAMP (as written, or UTC where it states its offset); NULL if it is none.

    `zone` is the one whose abbreviations a stamp may name.
    """
    if stamp_format == "iso":
        stated = f"timezone('UTC', try_cast({cell} as timestamptz))"
        return (
            f"case when regexp_full_match({cell}, {literal(ISO_LOCAL + ISO_OFFSET)}) then {stated} "
            f"when regexp_full_match({cell}, {literal(ISO_LOCAL)}) then try_cast({cell} as timestamp) end"
        )
    if states_offset(stamp_format):
        return f"timezone('UTC', {stated_instant(cell, stamp_format, zone)})"
    return f"cast(try_strptime({cell}, {literal(stamp_format)}) as timestamp)"


def has_clock(stamp_format: str) -> bool:
    """Whether stamps of the format say a time of day."""
    return stamp_format == "iso" or "%H" in stamp_format or "%I" in stamp_format


def states_offset(stamp_format: str) -> bool:
    """Whether each stamp of the format says how far it is from UTC; iso may or may not."""
    return "%z" in stamp_format or "%Z" in stamp_format
