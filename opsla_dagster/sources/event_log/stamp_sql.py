r"""What a cell says as a stamp, as SQL text: the one reading that `opsla init` and the event_log source share.

Belongs here: forms of stamps, how a cell is spelled, zones that a stamp names, the two passes of a repeated hour.
Does not belong here: columns and mappings, or which of two passes a stamp is of, which takes the other records of its case.

A form is `iso`, one of EPOCHS, `serial`, or a strptime format. A cell is tidied first (spaces, full-width digits, marks of writing
direction), then read by its form alone. Rules and their reasons: docs/decisions/0018-how-stamps-are-read.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from opsla_dagster.sources.event_log.stamp_words import month_words, weekday_words
from opsla_dagster.warehouse.sql import literal

ISO, SERIAL = "iso", "serial"
#: Numbers since 1970-01-01 00:00 UTC -> how many of them a second has.
EPOCHS = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}
#: Forms that are no strptime formats.
NAMED_FORMS = (ISO, *EPOCHS, SERIAL)

ISO_LOCAL = r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?"
ISO_OFFSET = r"([Zz]|[+-](0\d|1[0-4])(:?[0-5]\d)?)"
#: What a tidied cell has to have for its spelling out to change anything.
IS_WORDY = r"[^ -~]|[A-Za-z(]|[,.]\d{7}"
_ZONE_NAME = "%Z"
_IANA_NAME = r"[A-Za-z]+/[A-Za-z_/+-]+\d*"
#: Written otherwise than the stamp that is meant: kinds of spaces, and the digits and signs of East Asian keyboards; nothing for bidi marks.
_ODD_LETTERS = "\u00a0\u2007\u2009\u202f\u3000\t０１２３４５６７８９：／．－\u200e\u200f\ufeff"
_PLAIN_LETTERS = "      0123456789:/.-"
#: Serial dates count days from here in the 1900 system, for every date after its 29 February 1900.
_SERIAL_START = "timestamp '1899-12-30'"
_SERIAL = r"\d{1,5}([.,]\d{1,12})?( 0?[.,]\d{1,12})?"
#: Decimals of a day from which on a second can be told, and from which on a millisecond can.
_SECOND_DECIMALS, _MILLISECOND_DECIMALS = 5, 8
_EPOCH = r"\d{1,17}([.,]\d{1,12})?"
_EPOCH_EXPONENT = r"\d([.,]\d{1,18})?[eE][+]?\d{1,2}"
_LATEST_MICROSECONDS = 4_102_444_800_000_000
#: A typed midnight that stands for a date alone, and a typed date that stands for a time alone (spreadsheets have no plain ones).
MIDNIGHT = r"[Tt ](0?0[:.]00([:.]00([.,]0+)?)?|12:00(:00)? ?[Aa][Mm])[Zz]?$"
_NO_DATE = r"^(1899-12-3[01]|190[04]-01-0[01]|30/12/1899|12/30/1899|[01]/[01]/190[04])[Tt ]"


@dataclass(frozen=True)
class StampSql:
    """A cell as a stamp: SQL of its UTC instant where it says where it is from, and of its local time where it does not.

    Both are TIMESTAMP and NULL where the cell is no such stamp; at most one is not NULL.
    """

    stated: str
    local: str


def tidied(cell: str) -> str:
    """SQL: the text of a cell as its writer meant it; spaces of every kind are one space, and none is at an end."""
    plain = f"translate({cell}, {literal(_ODD_LETTERS)}, {literal(_PLAIN_LETTERS)})"
    tidy = f"nullif(trim(regexp_replace({plain}, ' {{2,}}', ' ', 'g')), '')"
    return f"case when {cell} = '' or regexp_matches({cell}, '[^ -~]|^ | $|  ') then {tidy} else {cell} end"


def joined(date_cell: str, time_cell: str) -> str:
    """SQL: one stamp of a date and a time in two tidied cells; the date alone where there is no time, which is no instant.

    What a spreadsheet adds to either is left off: the midnight of a date, the first date of its calendar of a time.
    """
    day = f"regexp_replace({date_cell}, {literal(MIDNIGHT)}, '')"
    time = f"regexp_replace({time_cell}, {literal(_NO_DATE)}, '')"
    return f"nullif(trim(coalesce({day}, '') || ' ' || coalesce({time}, '')), '')"


def states_offset(form: str) -> bool:
    """Whether each stamp of the form says how far it is from UTC; iso may or may not."""
    return form in EPOCHS or (form not in NAMED_FORMS and ("%z" in form or "%Z" in form))


def has_clock(form: str) -> bool:
    """Whether stamps of the form say a time of day; a serial date may be a whole number, which is a date alone."""
    return form in NAMED_FORMS or any(directive in form for directive in ("%H", "%I", "%c", "%X"))


def stamp_sql(cell: str, form: str, zone: str | None, *, is_plain: bool = False) -> StampSql:
    """The tidied cell read by one form. `zone` is the one whose abbreviations a stamp may name; `is_plain` says that no cell IS_WORDY."""
    no_stamp = "cast(null as timestamp)"
    if form == ISO:
        text = f"upper(replace({cell}, ',', '.'))"
        stated = _when_matching(cell, ISO_LOCAL + ISO_OFFSET, f"timezone('UTC', try_cast({text} as timestamptz))")
        return StampSql(stated, _when_matching(cell, ISO_LOCAL, f"try_cast({text} as timestamp)"))
    if form in EPOCHS:
        return StampSql(_of_epoch(cell, EPOCHS[form]), no_stamp)
    if form == SERIAL:
        return StampSql(no_stamp, _of_serial(cell))
    ways = [(cell, form), (cell if is_plain else spelled_out(cell, form), _plain_format(form))]  # most cells need no spelling out, which is slow
    ways = list(dict.fromkeys(ways))
    if states_offset(form):
        return StampSql(f"coalesce({', '.join(_stated(text, written, zone) for text, written in ways)})", no_stamp)
    return StampSql(no_stamp, f"coalesce({', '.join(f'cast(try_strptime({text}, {literal(written)}) as timestamp)' for text, written in ways)})")


def any_of(readings: Sequence[StampSql]) -> tuple[StampSql, str]:
    """A cell read by several forms, and SQL of whether two of them read it as different instants: then nobody can tell which is meant."""
    if len(readings) == 1:
        return readings[0], "false"
    stated, local = ([getattr(reading, part) for reading in readings] for part in ("stated", "local"))
    clashes = [
        f"coalesce({one} <> {other}, false)"
        for each in (stated, local) for number, one in enumerate(each) for other in each[number + 1 :] if "null as" not in one + other
    ]  # fmt: skip
    return StampSql(f"coalesce({', '.join(stated)})", f"coalesce({', '.join(local)})"), " or ".join(clashes) or "false"


# ---------------------------------------------------------------- numbers


def _of_epoch(cell: str, a_second: int) -> str:
    """An exponent is read only where the digits before it reach down to the unit: `1.75191E+12` is a rounded number."""
    number = f"try_cast(replace({cell}, ',', '.') as decimal(38, 12))"
    fraction = f"coalesce(length(regexp_extract({cell}, '[.,](\\d+)', 1)), 0)"
    exponent = f"try_cast(regexp_extract({cell}, '[eE]\\+?(\\d+)$', 1) as integer)"
    is_exact = f"(regexp_full_match({cell}, {literal(_EPOCH)}) or (regexp_full_match({cell}, {literal(_EPOCH_EXPONENT)}) and {fraction} >= {exponent}))"
    microseconds = f"trunc({number} * {1_000_000 // a_second})"
    return (
        f"case when {is_exact} and {number} < {_LATEST_MICROSECONDS * a_second // 1_000_000} "
        f"then make_timestamp(cast({microseconds} as bigint)) end"
    )


def _of_serial(cell: str) -> str:
    """Days since the start of 1900 with a fraction of a day, or day and fraction in two cells.

    Few decimals are a rounded fraction: they are read to the second from five decimals on, and below only where they are a whole minute (0.38 is a
    rounded 09:00 as well as 09:07:12).
    """
    day = f"cast(regexp_extract({cell}, '^\\d+') as integer)"
    digits = f"regexp_extract({cell}, '[.,](\\d+)$', 1)"
    fraction = f"cast('0.' || case when {digits} = '' then '0' else {digits} end as decimal(30, 12))"
    step = f"case when length({digits}) < {_MILLISECOND_DECIMALS} then 1 else 1000 end"
    steps = f"round({fraction} * 86400 * {step})"
    is_told = f"length({digits}) >= {_SECOND_DECIMALS} or {fraction} * 1440 = round({fraction} * 1440)"
    milliseconds = f"cast({steps} * 1000 / {step} as bigint)"
    stamp = f"{_SERIAL_START} + to_days({day}) + to_milliseconds({milliseconds})"
    return f"case when regexp_full_match({cell}, {literal(_SERIAL)}) and ({is_told}) then {stamp} end"


# ---------------------------------------------------------------- words and times of day


def spelled_out(cell: str, form: str | None = None) -> str:
    """SQL: the tidied cell with what a strptime format cannot say written in plain English; of every kind where no form is told.

    Names of months become English abbreviations, a weekday at the start goes, `p. m.` becomes PM, digits below a microsecond go.
    """
    text = f"case when contains({cell}, '年') then {_japanese(cell)} else {cell} end"
    text = f"case when regexp_matches({text}, '^\\pL|[,.]\\d{{7}}|\\d \\pL|\\d[ap]|\\d\\pL|\\pL\\.|\\d ?\\(') then {_with_plain_words(text)} else {text} end"
    return _with_english_months(text) if form is None or "%b" in form or "%B" in form else text


def _japanese(cell: str) -> str:
    """`2025年7月7日(月) 午後3時05分` as `2025-7-7 3:05 PM`."""
    text = _replaced(cell, r"(\d{4})年 ?(\d{1,2})月 ?(\d{1,2})日(?: ?\(.\)| ?.曜日)?", r"\1-\2-\3")
    text = _replaced(text, r"(\d{1,2})時 ?(\d{1,2})分 ?(\d{1,2})秒", r" \1:\2:\3")
    text = _replaced(text, r"(\d{1,2})時 ?(\d{1,2})分", r" \1:\2")
    text = _replaced(_replaced(text, "(?:午前|上午)(.*)$", r" \1 AM"), "(?:午後|下午)(.*)$", r" \1 PM")
    return f"trim({_replaced(text, ' {2,}', ' ')})"


def _with_plain_words(cell: str) -> str:
    months, weekdays = _alternatives(month_words()), _alternatives(weekday_words())
    dated = rf"(?:\d{{1,4}}[-/.]\d|(?:.*[^\pL])?(?:{months})(?:[^\pL]|$)).*"
    text = _replaced(cell, rf"(?i)^(?:{weekdays})\.?,? ?({dated})$", r"\1")
    text = _replaced(text, r"(?i)(\d) ?([ap])\.? ?m\b\.?", r"\1 \2M")
    text = _replaced(text, r"(?i)(\d) (?:uhr)$", r"\1")
    text = _replaced(text, r"(\d) ?\([月火水木金土日]\)", r"\1")
    text = _replaced(text, r"(?i),? (?:at|um|om|à|às|alle|alle ore|ore|a las) (\d)", r" \1")
    return _replaced(text, r"([:.]\d{2}[.,]\d{6})\d+", r"\1")


def _with_english_months(cell: str) -> str:
    """`7 de março de 2025` as `7 Mar 2025`, and `Mar 7 09:00:00 2025` with its year before the time."""
    known = _alternatives(month_words())
    word = rf"(?i)(^|[^\pL])({known})(?:\.?($|[^\pL\d])|(\d))"
    names = ", ".join(f"{literal(name)}: {literal(english)}" for name, english in month_words().items())
    text = f"nfc_normalize({cell})"
    english = f"(map {{{names}}})[lower(regexp_extract({text}, {literal(word)}, 2))]"
    text = f"coalesce(regexp_replace({text}, {literal(word)}, '\\1' || {english} || '\\3\\4'), {text})"
    text = _replaced(text, r"(?i)^le (\d)", r"\1")
    text = _replaced(text, r"(?i)(\d)(?:(?:er|st|nd|rd|th)\b|[º°ª])", r"\1")
    text = f"regexp_replace({text}, '(?i) (?:de|del) ', ' ', 'g')"
    return _replaced(text, r"^(\pL{3} \d{1,2}) (\d{1,2}:\d{2}:\d{2})( .*)? (\d{4})$", r"\1 \4 \2\3")


def _plain_format(form: str) -> str:
    """A format as it reads cells that are spelled out."""
    text = re.sub(r"%Y年 ?%m月 ?%d日( ?\(%a\))?", "%Y-%m-%d", form)
    text = re.sub(r" ?%H時 ?%M分( ?%S秒)?", lambda found: " %H:%M:%S" if found[1] else " %H:%M", text)
    text = re.sub(r"^%[aA]\.?,? ?", "", text).replace("%B", "%b").replace("%h", "%b")
    text = re.sub(r"^(%b %d) (%H:%M:%S)( %Z)? %Y$", lambda found: f"{found[1]} %Y {found[2]}{found[3] or ''}", text)
    text = re.sub(r" ?%p", " %p", text)
    text = re.sub(r" (?:de|del) (?=%)", " ", text)
    text = re.sub(r",? (?:at|um|om|à|às|alle|alle ore|ore|a las) (?=%)", " ", text)
    return re.sub(r"\s+", " ", re.sub(r" Uhr$", "", re.sub(r"(?<=%b)\.(?=[^%])", "", text))).strip()


def _alternatives(words: Iterable[str]) -> str:
    return "|".join(re.escape(word).replace("\\-", "-") for word in sorted(words, key=lambda word: (-len(word), word)))


def _replaced(text: str, pattern: str, by: str) -> str:
    return f"regexp_replace({text}, {literal(pattern)}, {literal(by)})"


# ---------------------------------------------------------------- zones


def _stated(cell: str, form: str, zone: str | None) -> str:
    return f"timezone('UTC', {_stated_instant(cell, form, zone)})"


def _stated_instant(cell: str, form: str, zone: str | None) -> str:
    """SQL: TIMESTAMPTZ of a stamp that says where it is from, by its offset or, at its end, by the name of its zone.

    Read are IANA names, UTC, GMT, Z, and the abbreviations of `zone`; any other is NULL, since IST is India's, Israel's and Ireland's.
    NULL is also a local time that the named zone skips.
    """
    plain = f"cast(try_strptime({cell}, {literal(form)}) as timestamptz)"
    if not form.endswith(_ZONE_NAME):
        return plain
    with_offset = literal(form.removesuffix(_ZONE_NAME) + "%z")
    branches = [
        f"when regexp_matches({cell}, '(^|[^A-Za-z/]){name}$') "
        f"then cast(try_strptime(left({cell}, -{len(name)}) || '{offset}', {with_offset}) as timestamptz)"
        for name, offset in {**abbreviations(zone), "UTC": "+0000", "GMT": "+0000", "Z": "+0000", "z": "+0000"}.items()
    ]
    name = f"regexp_extract({cell}, {literal(_IANA_NAME + '$')})"
    local = f"try_strptime(left({cell}, -length({name})), {literal(form.removesuffix(_ZONE_NAME))})"
    return f"case {' '.join(branches)} when {name} <> '' and timezone({name}, {plain}) = {local} then {plain} end"


@cache
def abbreviations(zone: str | None) -> dict[str, str]:
    """What a zone's clocks are called -> their UTC offset, such as CEST -> +0200; what has meant two offsets since 1970 is left out."""
    if zone is None:
        return {}
    months = [datetime(year, month, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)) for year in range(1970, 2038) for month in range(1, 13)]
    seen = {(moment.strftime("%Z"), moment.strftime("%z")) for moment in months}
    names = [name for name, _ in seen]
    return {name: offset for name, offset in sorted(seen) if name.isalpha() and names.count(name) == 1}


def placed(local: str, zone: str) -> str:
    """SQL: the UTC instant of a local time; of one that occurs twice the later; NULL for one that the zone skips."""
    instant = f"timezone({literal(zone)}, {local})"
    return f"case when timezone({literal(zone)}, {instant}) = {local} then timezone('UTC', {instant}) end"


def placed_earlier(local: str, zone: str) -> str:
    """SQL: the earlier UTC instant of a local time that occurs twice; NULL for one that occurs once, or never."""
    instant = f"timezone({literal(zone)}, {local})"
    whens = [
        f"when timezone({literal(zone)}, {instant} - interval {minutes} minutes) = {local} then timezone('UTC', {instant} - interval {minutes} minutes)"
        for minutes in _set_back_minutes(zone)
    ]
    return f"case {' '.join(whens)} end" if whens else "cast(null as timestamp)"


@cache
def _set_back_minutes(zone: str) -> tuple[int, ...]:
    """By how much the clocks of the zone have been set back since 1970, mostly an hour; empty where they never were."""
    info, step = ZoneInfo(zone), timedelta(days=7)
    moment, found = datetime(1970, 1, 1, tzinfo=UTC), set()
    before = moment.astimezone(info).utcoffset()
    while moment.year < 2038:
        moment += step
        after = moment.astimezone(info).utcoffset()
        assert before is not None
        assert after is not None
        if after < before:
            found.add(round((before - after).total_seconds() / 60))
        before = after
    return tuple(sorted(found))


def _when_matching(cell: str, pattern: str, expression: str) -> str:
    return f"case when regexp_full_match({cell}, {literal(pattern)}) then {expression} end"
