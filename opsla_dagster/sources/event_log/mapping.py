"""The mapping of sources.yml as SQL: cells of one file -> canonical values, and what is wrong with a row, if anything.

Belongs here: SQL text that depends on the mapping. Does not belong here: running it, or more than one row at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from opsla_dagster.settings.sources import EventLogSettings, TimeSettings
from opsla_dagster.sources.event_log.stamp_sql import (
    EPOCHS,
    ISO,
    SERIAL,
    abbreviations,
    any_of,
    joined,
    literal,
    placed,
    placed_earlier,
    stamp_sql,
    tidied,
)

STAMP_FIELDS = ("event_ts", "ingestion_ts", "intake_ts", "resolved_ts", "closed_ts")
ID_FIELDS = ("case_id", "event_id")
#: Cells that are passed on as they are.
TEXT_FIELDS = (
    "team", "agent", "tier", "case_type", "priority", "category", "brand", "region", "channel", "customer", "tags",
)
#: A stamp outside is a slip of the pen (year 16, year 9999), never a case of a desk.
_EARLIEST, _LATEST = "timestamp '1970-01-01'", "timestamp '2099-12-31 23:59:59.999999'"
#: Characters of a found value that a reason shows.
_SHOWN_CHARACTERS = 60
#: Forms of numbers that a spreadsheet, or a writer of floating-point numbers, has made of an id. `1E5` and `12E4567` are none: codes look so.
ROUNDED_ID = r"-?\d+[.,]\d+[eE][+-]?\d+|-?\d+[eE][+-]\d+"
#: A whole number as a floating-point column writes it; up to 15 digits are exact.
INTEGER_IN_A_FLOAT = r"-?\d+[.,]0+"
_EXACT_DIGITS = 15
_ZONE_NAME = "%Z"


@dataclass(frozen=True)
class RawColumn:
    """A column of a file as loaded: `sql` names it there, as text; `is_stamp` says it was a typed timestamp."""

    name: str
    sql: str
    is_stamp: bool = False
    #: It was of floating-point numbers: those that are text of digits alone are exact.
    is_floating: bool = False
    #: Names a column that says of each cell whether it is UTF-8; None where no cell can be anything else.
    is_text_sql: str | None = None


def path_literal(path: Path) -> str:
    """SQL string literal of a path for DuckDB's readers, which would take `*`, `?` and `[` for a pattern."""
    return literal("".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path)))


def canonical_rows(settings: EventLogSettings, columns: Mapping[str, RawColumn], raw: str) -> str:
    """SELECT with one row a record of the relation `raw` (row_number and the raw columns).

    Its columns: row_number, case_id, event_id, status, source_status, is_sla_met, STAMP_FIELDS (UTC), <stamp field>_earlier (the other
    instant of a local time that occurs twice), <stamp field>_local, event_ts_form (which of time.format reads it, from 0),
    has_float_id, TEXT_FIELDS, order_0, order_1 ... one a column of order_by (STRUCT(number, text)), fault (STRUCT(field, reason), or NULL).
    """
    found = {field: tuple(columns[name] for name in settings.columns.of(field)) for field in settings.columns.mapped()}
    fields = (*ID_FIELDS, "status", "sla_met", *TEXT_FIELDS, *STAMP_FIELDS)
    cells = [f"{_cell(settings, found.get(field, ()))} as {field}" for field in fields]
    cells += [f"{column.is_text_sql} as {_text_flag(field, n)}" for field, n, column in _bytes(found)]
    cells += [f"{_cell(settings, (columns[name],))} as order_{n}" for n, name in enumerate(settings.order_by)]
    tidy = [f"{_tidy(settings, found[field]) if field in found else 'cast(null as varchar)'} as {field}_tidy" for field in STAMP_FIELDS]
    readings = [_reading(settings.time, field, found.get(field, ())) for field in STAMP_FIELDS]
    instants = [_instants(settings.time, field) for field in STAMP_FIELDS]
    passed_on = [f"{field}_utc as {field}, {field}_earlier, {field}_local" for field in STAMP_FIELDS] + list(TEXT_FIELDS)
    passed_on += [f"{_order(settings, name, n)} as order_{n}" for n, name in enumerate(settings.order_by)]
    ids = [f"{literal(settings.case_id_prefix)} || {exact_id(field)} as {field}" for field in ID_FIELDS]
    floats = " or ".join(
        f"{field} is not null" if any(column.is_floating for column in found.get(field, ()))
        else f"coalesce(regexp_full_match({field}, {literal(INTEGER_IN_A_FLOAT)}), false)"
        for field in ID_FIELDS
    )  # fmt: skip
    return f"""
        with cells as (
            select row_number, {_list([*cells, *tidy])}
            from {raw}
        ),
        readings as (
            select *, {folded("status")} as folded_status, {_list(readings)}
            from cells
        ),
        instants as (
            select *, {_list(instants)}, {_status(settings)} as canonical_status, {_sla_met(settings)} as is_sla_met
            from readings
        ),
        judged as (
            select *, {_fault(settings, found)} as fault
            from instants
        )
        select
            row_number, {_list(ids)}, {floats} as has_float_id,
            canonical_status as status, status as source_status, is_sla_met, {_list(passed_on)}, event_ts_form, fault
        from judged
    """


def _list(expressions: list[str]) -> str:
    return ", ".join(expressions)


def _cell(settings: EventLogSettings, columns: tuple[RawColumn, ...]) -> str:
    """What the cell of a field says, as it is; of a stamp in two columns both, a blank between. NULL where that means nothing."""
    if not columns:
        return "cast(null as varchar)"
    marks = _list([literal(mark) for mark in sorted({"", *settings.missing_values})])
    cells = [f"case when {column.sql} not in ({marks}) then {column.sql} end" for column in columns]
    return cells[0] if len(cells) == 1 else f"nullif(concat_ws(' ', {_list(cells)}), '')"


def _tidy(settings: EventLogSettings, columns: tuple[RawColumn, ...]) -> str:
    cells = [tidied(_cell(settings, (column,))) for column in columns]
    return cells[0] if len(cells) == 1 else joined(*cells)


def _bytes(found: Mapping[str, tuple[RawColumn, ...]]) -> list[tuple[str, int, RawColumn]]:
    return [(field, n, column) for field, columns in found.items() for n, column in enumerate(columns) if column.is_text_sql]


def _text_flag(field: str, number: int) -> str:
    return f"{field}_{number}_is_text"


# ---------------------------------------------------------------- stamps


def _reading(time: TimeSettings, field: str, columns: tuple[RawColumn, ...]) -> str:
    """The UTC instant of a stamp that states its offset, the local time of one that does not, and whether two forms contradict each other."""
    is_typed = len(columns) == 1 and columns[0].is_stamp
    forms = (ISO,) if is_typed else time.forms
    readings = [stamp_sql(f"{field}_tidy", form, time.timezone) for form in forms]
    stamp, clash = any_of(readings)
    which = " ".join(f"when coalesce({each.stated}, {each.local}) is not null then {n}" for n, each in enumerate(readings))
    form = f", case {which} end as {field}_form" if field == "event_ts" else ""
    return f"{stamp.stated} as {field}_stated, {stamp.local} as {field}_local, {clash} as {field}_clashes{form}"


def _instants(time: TimeSettings, field: str) -> str:
    """The UTC instant, NULL for a local time that the zone skips; of one that occurs twice the later one, and the earlier beside it."""
    if time.timezone is None:
        return f"{field}_stated as {field}_utc, cast(null as timestamp) as {field}_earlier"
    local = f"{field}_local"
    return (
        f"coalesce({field}_stated, {placed(local, time.timezone)}) as {field}_utc, "
        f"case when {field}_stated is null then {placed_earlier(local, time.timezone)} end as {field}_earlier"
    )


def _stamp_faults(time: TimeSettings, field: str, column: str) -> list[str]:
    known_zones = f"the zone {time.timezone} skips this local time of column {column} when its clocks go forward"
    placeless = known_zones if time.timezone else f"the stamp of column {column} has no UTC offset, and time.timezone names no zone"
    implausible = f"the stamp of column {column} lies outside the years 1970 to 2099"
    clash = f"column {column}: two of time.format ({', '.join(time.forms)}) read different instants"
    return [
        _when(f"{field}_clashes", field, clash, shown=True),
        _when(f"{field}_local is not null and {field}_utc is null", field, placeless, shown=True),
        _when(f"{field}_tidy is not null and {field}_utc is null", field, f"column {column}: expected {_shape(time)}", shown=True),
        _when(f"{field}_utc not between {_EARLIEST} and {_LATEST}", field, implausible, shown=True),
    ]


def _shape(time: TimeSettings) -> str:
    """What a stamp has to look like, for a reason."""
    shape = " or ".join(_SHAPES.get(form, f"a stamp of the format {form}") for form in time.forms)
    if any(form.endswith(_ZONE_NAME) for form in time.forms):
        known = ", ".join(["an IANA name", *abbreviations(time.timezone), "UTC"])
        shape += f" whose zone is one of {known}" + ("" if time.timezone else " (time.timezone adds the abbreviations of a zone)")
        shape += ", at a local time that the zone has"
    return shape


_SHAPES = {
    ISO: "an ISO 8601 date and time",
    SERIAL: "a spreadsheet's serial date (45845.375 is 2025-07-07 09:00), told to the second",
    **{form: f"{unit} since 1970, told to the unit" for form, unit in zip(EPOCHS, ("seconds", "milliseconds", "microseconds"), strict=True)},
}


# ---------------------------------------------------------------- other values


def _status(settings: EventLogSettings) -> str:
    """Words match whatever their case, and the kind and number of the spaces in and around them."""
    branches = " ".join(f"when {folded(literal(own))} then {literal(status)}" for own, status in settings.statuses.items())
    return f"case folded_status {branches} end"


def folded(text: str) -> str:
    """SQL: a word as it is compared: `\u3000RESOLVED ` is `resolved`. An empty one stays, so that it is no missing one."""
    return f"lower(nfc_normalize(coalesce({tidied(text)}, case when {text} is not null then '' end)))"


def exact_id(cell: str) -> str:
    """SQL: an id, `1001.0` as `1001`: writers of tables turn integers beside a gap into floating-point numbers."""
    return f"case when regexp_full_match({cell}, {literal(INTEGER_IN_A_FLOAT)}) then regexp_extract({cell}, '^-?\\d+') else {cell} end"


def is_rounded_id(cell: str) -> str:
    """SQL: whether an id is a number that lost digits, so that several ids may have become one."""
    digits = f"length(regexp_extract({cell}, '^-?(\\d+)', 1))"
    return (
        f"coalesce(regexp_full_match(trim({cell}), {literal(ROUNDED_ID)}) "
        f"or (regexp_full_match({cell}, {literal(INTEGER_IN_A_FLOAT)}) and {digits} > {_EXACT_DIGITS}), false)"
    )

def _sla_met(settings: EventLogSettings) -> str:
    values = settings.sla_met_values
    met, missed = (_list([literal(mark) for mark in marks]) or "null" for marks in (values.met, values.missed))
    return f"case when sla_met in ({met}) then true when sla_met in ({missed}) then false end"


def _order(settings: EventLogSettings, column: str, number: int) -> str:
    """What a column of order_by orders by: stamps as instants, numbers as numbers, anything else as text."""
    mapped = settings.columns.mapped()
    stamp = next((field for field in STAMP_FIELDS if field in mapped and column in settings.columns.of(field)), None)
    if stamp is not None:
        return f"struct_pack(number := epoch_us({stamp}_utc)::double, text := cast(null as varchar))"
    return f"struct_pack(number := try_cast(order_{number} as double), text := order_{number})"


def _fault(settings: EventLogSettings, found: Mapping[str, tuple[RawColumn, ...]]) -> str:
    """The first thing wrong with a row, in the order of this list; one fault a row at most, so rows can be counted."""
    mapped = settings.columns.mapped()
    faults = [
        _when(f"contains({field}, chr(0))", field, f"column {column} holds a NUL character")
        for field, column in mapped.items()
    ]
    faults += [
        *_undecodable(found),
        *_rounded_ids(found),
        _when("case_id is null", "case_id", f"column {mapped['case_id']}: no case id"),
        _when("status is null", "status", f"column {mapped['status']}: no status"),
        _when(
            "canonical_status is null", "status",
            f"column {mapped['status']}: a status that sources.yml does not map", shown=True,
        ),
    ]
    for field in STAMP_FIELDS:
        if field in mapped:
            faults += _stamp_faults(settings.time, field, mapped[field])
    no_stamp = f"column {mapped['event_ts']}: no stamp, and nothing else says when it happened"
    faults.append(_when("event_ts_tidy is null and ingestion_ts_tidy is null", "event_ts", no_stamp))
    if "sla_met" in mapped:
        known = ", ".join((*settings.sla_met_values.met, *settings.sla_met_values.missed))
        reason = f"column {mapped['sla_met']}: expected one of {known}"
        faults.append(_when("sla_met is not null and is_sla_met is null", "sla_met", reason, shown=True))
    if "event_id" in mapped:
        faults.append(_when("event_id is null", "event_id", f"column {mapped['event_id']}: no event id"))
    return f"case {' '.join(faults)} end"


def _undecodable(found: Mapping[str, tuple[RawColumn, ...]]) -> list[str]:
    return [
        _when(f"not {_text_flag(field, n)}", field, f"column {column.name} holds bytes that are not UTF-8", shown=True)
        for field, n, column in _bytes(found)
    ]


def _rounded_ids(found: Mapping[str, tuple[RawColumn, ...]]) -> list[str]:
    """A number that is no whole one, or too large to be exact, may stand for several ids: nothing is guessed."""
    faults = []
    for field in ID_FIELDS:
        for column in found.get(field, ()):
            if column.is_floating:
                inexact = f"column {column.name}: an id in a column of floating-point numbers that is no exact whole number"
                faults.append(_when(f"not regexp_full_match({field}, '-?\\d+')", field, inexact, shown=True))
            lost = f"column {column.name}: an id that was rounded, so that several ids may have become one; export the column as text"
            faults.append(_when(is_rounded_id(field), field, lost, shown=True))
    return faults


def _when(condition: str, field: str, reason: str, *, shown: bool = False) -> str:
    """A branch of the fault; `shown` adds the found value of the field, shortened."""
    text = literal(reason)
    if shown:
        size = f"'... (' || length({field}) || ' characters)'"
        rest = f"case when length({field}) > {_SHOWN_CHARACTERS} then {size} else '' end"
        text += f" || '; found ''' || left({field}, {_SHOWN_CHARACTERS}) || '''' || {rest}"
    return f"when {condition} then struct_pack(field := {literal(field)}, reason := {text})"
