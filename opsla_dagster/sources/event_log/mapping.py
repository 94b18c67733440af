"""The mapping of sources.yml as SQL: the cells of one file -> canonical values, each row with its fault, if it has one.

Belongs here: SQL text that depends on the mapping. Does not belong here: running it, or anything about more than one row.
"""

from __future__ import annotations

from dataclasses import dataclass

from opsla_dagster.settings.sources import EventLogSettings, TimeSettings

STAMP_FIELDS = ("event_ts", "ingestion_ts", "intake_ts", "resolved_ts", "closed_ts")
#: Cells that are passed on as they are.
TEXT_FIELDS = ("team", "agent", "tier", "case_type", "priority", "category")
#: A stamp outside is a typing error (year 16, year 9999), never a case of a desk.
EARLIEST, LATEST = "1970-01-01", "2100-01-01"
#: Characters of a found value that a reason quotes.
_QUOTED_CHARACTERS = 60

_ISO_LOCAL = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
_ISO_OFFSET = r"(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)"


@dataclass(frozen=True)
class RawColumn:
    """A column of a file as loaded: `sql` is its VARCHAR expression; `is_instant` says it was a typed timestamp."""

    name: str
    sql: str
    is_instant: bool = False


def literal(text: str) -> str:
    """SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def canonical_rows(settings: EventLogSettings, columns: dict[str, RawColumn], raw: str) -> str:
    """SELECT of one row a record of the table `raw` (which has row_number and the raw columns).

    Columns: row_number, case_id, event_id, status, source_status, the STAMP_FIELDS as UTC, is_sla_met, the TEXT_FIELDS,
    order_0, order_1 ... (one a column of order_by, as STRUCT(number, text)), fault STRUCT(field, reason) or NULL.
    """
    mapped = settings.columns.mapped()
    found = {field: columns[column] for field, column in mapped.items()}
    cells = [f"{_cell(settings, found.get(field))} as {field}" for field in (*_cell_fields(), *STAMP_FIELDS)]
    orders = [_order(settings, columns[column], number) for number, column in enumerate(settings.order_by)]
    readings = [_reading(settings.time, field, found.get(field)) for field in STAMP_FIELDS]
    instants = [f"{_instant(settings.time, field)} as {field}_utc" for field in STAMP_FIELDS]
    stamps = [f"{field}_utc as {field}" for field in STAMP_FIELDS]
    texts = [*TEXT_FIELDS, *(_order_value(settings, column, number) for number, column in enumerate(settings.order_by))]
    return f"""
with cells as (
    select row_number, {", ".join([*cells, *orders])}
    from {raw}
),
readings as (
    select *, {", ".join(readings)}
    from cells
),
instants as (
    select *, {", ".join(instants)}, {_status(settings)} as canonical_status, {_sla_met(settings)} as is_sla_met
    from readings
),
judged as (
    select *, {_fault(settings, mapped)} as fault
    from instants
)
select
    row_number,
    {literal(settings.case_id_prefix)} || case_id as case_id,
    {literal(settings.case_id_prefix)} || event_id as event_id,
    canonical_status as status,
    status as source_status,
    is_sla_met,
    {", ".join([*stamps, *texts])},
    fault
from judged
"""


def _cell_fields() -> tuple[str, ...]:
    return ("case_id", "event_id", "status", "sla_met", *TEXT_FIELDS)


def _cell(settings: EventLogSettings, column: RawColumn | None) -> str:
    if column is None:
        return "cast(null as varchar)"
    marks = ", ".join(literal(mark) for mark in sorted({"", *settings.missing_values}))
    return f"case when {column.sql} not in ({marks}) then {column.sql} end"


# ---------------------------------------------------------------- stamps


def _reading(time: TimeSettings, field: str, column: RawColumn | None) -> str:
    """Two columns: the instant (UTC) of a stamp that states its offset, and the local time of one that does not."""
    if time.format == "iso" or (column is not None and column.is_instant):
        with_offset = f"case when regexp_full_match({field}, {literal(_ISO_LOCAL + _ISO_OFFSET)}) then try_cast({field} as timestamptz) end"
        local = f"case when regexp_full_match({field}, {literal(_ISO_LOCAL)}) then try_cast({field} as timestamp) end"
    elif time.states_offset:
        with_offset = f"cast(try_strptime({field}, {literal(time.format)}) as timestamptz)"
        local = "cast(null as timestamp)"
    else:
        with_offset = "cast(null as timestamptz)"
        local = f"try_strptime({field}, {literal(time.format)})"
    return f"timezone('UTC', {with_offset}) as {field}_stated, {local} as {field}_local"


def _instant(time: TimeSettings, field: str) -> str:
    """The UTC instant; NULL for a local time that the zone skips. A local time that occurs twice is its later instant."""
    if time.timezone is None:
        return f"{field}_stated"
    zone = literal(time.timezone)
    placed = f"timezone({zone}, {field}_local)"
    return f"coalesce({field}_stated, case when timezone({zone}, {placed}) = {field}_local then timezone('UTC', {placed}) end)"


def _stamp_fault(time: TimeSettings, field: str, column: str) -> list[str]:
    shape = "an ISO 8601 date and time" if time.format == "iso" else f"the format {time.format}"
    faults = []
    if time.timezone is None:
        faults.append(_when(f"{field}_local is not null", field, f"a stamp without UTC offset in column {column}, and time.timezone names no zone", field))
    else:
        faults.append(
            _when(
                f"{field}_local is not null and {field}_utc is null",
                field,
                f"a local time in column {column} that the zone {time.timezone} skips when its clocks go forward",
                field,
            )
        )
    unparsable = _when(f"{field} is not null and {field}_utc is null", field, f"not {shape} in column {column}", field)
    implausible = _when(
        f"{field}_utc < timestamp '{EARLIEST}' or {field}_utc >= timestamp '{LATEST}'",
        field,
        f"an implausible stamp in column {column}, outside {EARLIEST} .. {LATEST}",
        field,
    )
    return [*faults, unparsable, implausible]


# ---------------------------------------------------------------- other values


def _status(settings: EventLogSettings) -> str:
    cases = " ".join(f"when {literal(own)} then {literal(status)}" for own, status in settings.statuses.items())
    return f"case status {cases} end"


def _sla_met(settings: EventLogSettings) -> str:
    def any_of(marks: tuple[str, ...]) -> str:
        return ", ".join(literal(mark) for mark in marks) or "null"

    values = settings.sla_met_values
    return f"case when sla_met in ({any_of(values.met)}) then true when sla_met in ({any_of(values.missed)}) then false end"


def _stamp_of(settings: EventLogSettings, column: str) -> str | None:
    return next((field for field in STAMP_FIELDS if settings.columns.mapped().get(field) == column), None)


def _order(settings: EventLogSettings, column: RawColumn, number: int) -> str:
    return f"{_cell(settings, column)} as order_{number}"


def _order_value(settings: EventLogSettings, column: str, number: int) -> str:
    """Stamps order by instant, numbers by value, anything else as text; what is missing comes last."""
    if field := _stamp_of(settings, column):
        return f"struct_pack(number := epoch_us({field}_utc)::double, text := cast(null as varchar)) as order_{number}"
    return f"struct_pack(number := try_cast(order_{number} as double), text := order_{number}) as order_{number}"


def _fault(settings: EventLogSettings, mapped: dict[str, str]) -> str:
    """The first fault of a row, in the order of this list; a row has at most one, so that rows can be counted."""
    faults = [
        *[_when(f"contains({field}, chr(0))", field, f"a NUL character in column {column}", None) for field, column in mapped.items()],
        _when("case_id is null", "case_id", f"no case id in column {mapped['case_id']}", None),
        _when("status is null", "status", f"no status in column {mapped['status']}", None),
        _when("canonical_status is null", "status", f"unknown status in column {mapped['status']}, not in statuses of sources.yml", "status"),
    ]
    for field in STAMP_FIELDS:
        if field in mapped:
            faults += _stamp_fault(settings.time, field, mapped[field])
    faults.append(_when("event_ts is null and ingestion_ts is null", "event_ts", f"no stamp in column {mapped['event_ts']}", None))
    if "sla_met" in mapped:
        known = ", ".join((*settings.sla_met_values.met, *settings.sla_met_values.missed))
        faults.append(_when("sla_met is not null and is_sla_met is null", "sla_met", f"column {mapped['sla_met']}: expected one of {known}", "sla_met"))
    if "event_id" in mapped:
        faults.append(_when("event_id is null", "event_id", f"no event id in column {mapped['event_id']}", None))
    return f"case {' '.join(faults)} end"


def _when(condition: str, field: str, reason: str, quoted: str | None) -> str:
    text = literal(reason)
    if quoted:
        shown = f"left({quoted}, {_QUOTED_CHARACTERS})"
        size = f"case when length({quoted}) > {_QUOTED_CHARACTERS} then ' ... (' || length({quoted}) || ' characters)' else '' end"
        text += f" || ': found ''' || {shown} || '''' || {size}"
    return f"when {condition} then struct_pack(field := {literal(field)}, reason := {text})"
