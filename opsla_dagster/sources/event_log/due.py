"""Due cells as SQL: what one case was promised, as an instant or a duration, and what is wrong with such a cell.

Belongs here: SQL text that depends on `due` of sources.yml. Does not belong here: which promise is in force when, or how it is judged.
Rules and worked cases: docs/decisions/0021-due-dates-of-cases.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.settings.due_dates import DueSettings
from opsla_dagster.settings.sources import DeskSettings, EventLogSettings, due_field
from opsla_dagster.sources.event_log.stamp_sql import has_clock
from opsla_dagster.warehouse.sql import literal

_NUMBER = r"\d+(?:\.\d+)?"
_CLOCK = r"(?:(\d+)\s*(?:d|days?),?\s*)?(\d{1,5}):([0-5]\d):([0-5]\d(?:\.\d+)?)"
#: 4h, 1d 4h 30m, 2 hours 15 minutes, PT4H30M: each unit at most once, the longest first.
_UNITS = (
    r"p?\s*"
    rf"(?:{_NUMBER}\s*(?:d|days?)[\s,]*)?t?"
    rf"(?:{_NUMBER}\s*(?:h|hrs?|hours?)[\s,]*)?"
    rf"(?:{_NUMBER}\s*(?:m|mins?|minutes?)[\s,]*)?"
    rf"(?:{_NUMBER}\s*(?:s|secs?|seconds?))?"
)
_UNIT_SECONDS = {"minutes": 60, "hours": 3600}
#: A hundred years, as for every duration of the configuration.
_LONGEST_DAYS = 36_525
_ISO_DAY = r"\d{4}-\d{2}-\d{2}"


def due_columns(settings: EventLogSettings) -> list[str]:
    """The columns that the due cells of a record become: <field>_at, or <field>_days and <field>_seconds."""
    return [column for number, item in enumerate(settings.due.values()) for column in _columns(due_field(number), item)]


def due_instant_fields(settings: EventLogSettings) -> list[str]:
    """The fields of due cells that are instants."""
    return [due_field(number) for number, item in enumerate(settings.due.values()) if not item.is_duration]


def due_cells(settings: EventLogSettings, number: int, due: DueSettings, cell: str) -> list[str]:
    """SELECT items of a raw cell: <field> as text and, of an instant, <field>_day: a date without a time of day, which is no stamp."""
    field = due_field(number)
    if due.is_duration:
        return [f"{cell} as {field}"]
    return [f"{due_stamp(settings, due, cell)} as {field}", f"{_day(settings, due, cell)} as {field}_day"]


def due_stamp(settings: EventLogSettings, due: DueSettings, cell: str) -> str:
    """SQL: what of a raw cell is to be read as a stamp; NULL where it is a date without a time of day."""
    return f"case when {_day(settings, due, cell)} is null then {cell} end"


def due_durations(settings: EventLogSettings) -> list[str]:
    """SELECT items that read the durations: <field>_days and <field>_seconds, both NULL where the cell is none."""
    items = []
    for number, due in enumerate(settings.due.values()):
        if due.is_duration:
            days, seconds = _duration(f"lower(trim({due_field(number)}))", due)
            items += [f"{days} as {due_field(number)}_days", f"{seconds} as {due_field(number)}_seconds"]
    return items


def due_faults(settings: EventLogSettings) -> list[tuple[str, str, str]]:
    """(condition, field, reason) of durations that are none."""
    faults = []
    for number, due in enumerate(settings.due.values()):
        if due.is_duration:
            field = due_field(number)
            numbers = f"a number of {due.unit}" if due.unit else "a duration with its unit (a bare number wants due.unit)"
            total = f"({field}_days * 86400 + {field}_seconds)"
            longest = _LONGEST_DAYS * 86_400
            faults += [
                (
                    f"{field} is not null and {field}_days is null", field,
                    f"column {due.column}: expected {numbers}, or text such as 4h, 1d 4h 30m, 02:30:00 (hours, minutes, seconds)",
                ),
                (
                    f"{total} <= 0", field,
                    f"column {due.column}: a promise takes some time; a word that means none goes into missing_values",
                ),
                (f"{total} > {longest}", field, f"column {due.column}: longer than a hundred years"),
            ]
    return faults


def due_instants(settings: EventLogSettings, desk: DeskSettings) -> list[str]:
    """SELECT items <field>_at of what `due_cells` and the reading of stamps left: a due date ends with its day."""
    zone = literal(settings.time.timezone or desk.timezone)
    items = []
    for number, due in enumerate(settings.due.values()):
        if not due.is_duration:
            field = due_field(number)
            end_of_day = f"timezone('UTC', timezone({zone}, cast({field}_day + 1 as timestamp)))"
            items.append(f"coalesce({field}, {end_of_day}) as {field}_at")
    return items


def date_formats(settings: EventLogSettings) -> list[str]:
    """The formats of stamps that say a day and no time of day."""
    return [form for form in settings.time.forms if not has_clock(form)]


def target_seconds(number: int, due: DueSettings, calendars: Mapping[str, Calendar]) -> str:
    """SQL: the target of a record, NULL where it has none. What is due at or before the opening of its case takes 0 seconds."""
    field = due_field(number)
    if due.is_duration:
        day_seconds = due.day_seconds(calendars) or 0
        return f"cast(round({field}_days * {day_seconds} + {field}_seconds) as bigint)"
    seconds = f"epoch_us({field}_at) // 1000000 - epoch_us(intake_ts) // 1000000"
    return f"case when {field}_at is not null then greatest(0, cast({seconds} as bigint)) end"


def is_duration_with_units(cell: str) -> str:
    """SQL: whether a raw cell says a duration with its units, so that no unit has to be told."""
    text = f"lower(trim({cell}))"
    return rf"coalesce(regexp_full_match({text}, {literal(_CLOCK)}) or (regexp_full_match({text}, {literal(_UNITS)}) and regexp_matches({text}, '\d')), false)"


def _columns(field: str, due: DueSettings) -> list[str]:
    return [f"{field}_days", f"{field}_seconds"] if due.is_duration else [f"{field}_at"]


def _day(settings: EventLogSettings, due: DueSettings, cell: str) -> str:
    """SQL: the DATE of a cell that says a day and no time of day."""
    formats = date_formats(settings) + ([due.date_format] if due.date_format else [])
    iso = f"case when regexp_full_match({cell}, {literal(_ISO_DAY)}) then try_cast({cell} as date) end"
    return f"coalesce({', '.join([iso, *(f'cast(try_strptime({cell}, {literal(each)}) as date)' for each in formats)])})"


def _duration(cell: str, due: DueSettings) -> tuple[str, str]:
    """SQL: days and seconds of a cell, both NULL for what is no duration."""
    is_number = f"regexp_full_match({cell}, {literal(_NUMBER)})"
    is_clock = f"regexp_full_match({cell}, {literal(_CLOCK)})"
    is_units = f"regexp_full_match({cell}, {literal(_UNITS)}) and regexp_matches({cell}, '\\d')"
    number = f"cast({cell} as double)"
    days = [f"when {is_units} then {_part(cell, _NUMBER, 'd')}", f"when {is_clock} then {_clock_part(cell, 1)}"]
    seconds = [
        f"when {is_units} then {_part(cell, _NUMBER, 'h')} * 3600 + {_part(cell, _NUMBER, 'm')} * 60 + {_part(cell, _NUMBER, 's')}",
        f"when {is_clock} then {_clock_part(cell, 2)} * 3600 + {_clock_part(cell, 3)} * 60 + {_clock_part(cell, 4)}",
    ]
    if due.unit is not None:
        days.insert(0, f"when {is_number} then {number if due.unit == 'days' else '0.0'}")
        seconds.insert(0, f"when {is_number} then {'0.0' if due.unit == 'days' else f'{number} * {_UNIT_SECONDS[due.unit]}'}")
    return f"case {' '.join(days)} end", f"case {' '.join(seconds)} end"


def _part(cell: str, number: str, unit: str) -> str:
    return f"coalesce(try_cast(regexp_extract({cell}, {literal(f'({number})' + chr(92) + f's*{unit}')}, 1) as double), 0.0)"


def _clock_part(cell: str, group: int) -> str:
    return f"coalesce(try_cast(regexp_extract({cell}, {literal('^' + _CLOCK + '$')}, {group}) as double), 0.0)"
