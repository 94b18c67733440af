"""The mapping of sources.yml as SQL: cells of one file -> canonical values, and what is wrong with a row, if anything.

Belongs here: SQL text that depends on the mapping. Does not belong here: running it, or more than one row at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from opsla_dagster.settings.link_kinds import LINK_KINDS
from opsla_dagster.settings.sources import (
    CHANGED_FIELDS,
    IGNORE,
    EventLogSettings,
    TimeSettings,
    dimension_fields,
    due_field,
    milestone_field,
)
from opsla_dagster.sources.event_log.due import (
    due_cells,
    due_columns,
    due_durations,
    due_faults,
    due_instant_fields,
    due_stamp,
)
from opsla_dagster.sources.event_log.sql_text import literals
from opsla_dagster.sources.event_log.stamp_sql import (
    EPOCHS,
    ISO,
    SERIAL,
    StampSql,
    abbreviations,
    any_of,
    joined,
    placed,
    placed_earlier,
    stamp_sql,
    tidied,
)
from opsla_dagster.status import MESSAGE_SIGNALS, TERMINAL_STATUSES, Signal, Status
from opsla_dagster.warehouse.sql import literal

STAMP_FIELDS = ("event_ts", "ingestion_ts", "intake_ts", "resolved_ts", "closed_ts", "updated_ts")
ID_FIELDS = ("case_id", "event_id", "merged_into")
#: Cells that are passed on as they are.
TEXT_FIELDS = (
    "team", "agent", "tier", "case_type", "priority", "category", "brand", "region", "channel", "customer", "tags",
)
#: Of these, blanks around a name are none of it: ` B ` is the team B.
_HOLDERS = ("team", "agent")
#: And around an id: a case that one record calls `T-4 ` and the next `T-4` is one case.
_TRIMMED_FIELDS = (*ID_FIELDS, "linked_id", *_HOLDERS)
#: Cells whose words sources.yml maps.
WORD_FIELDS = ("author_kind", "initiated_by", "reopen_count")
#: A stamp outside is a slip of the pen (year 16, year 9999), never a case of a desk.
EARLIEST, LATEST = "timestamp '1970-01-01'", "timestamp '2099-12-31 23:59:59.999999'"
#: Characters of a found value that a reason shows.
SHOWN_CHARACTERS = 60
#: Forms of numbers that a spreadsheet, or a writer of floating-point numbers, has made of an id. `1E5` and `12E4567` are none: codes look so.
ROUNDED_ID = r"-?\d+[.,]\d+[eE][+-]?\d+|-?\d+[eE][+-]\d+"
#: A whole number as a floating-point column writes it; up to 15 digits are exact.
INTEGER_IN_A_FLOAT = r"-?\d+[.,]0+"
EXACT_DIGITS = 15
_ZONE_NAME = "%Z"
#: What statuses too are matched without: spaces and line ends of every kind, and what nobody sees.
_BLANK = r"[\s\pZ\x{200e}\x{200f}\x{feff}]"
#: The same in Python, whose \s has all of \pZ.
_BLANKS_AROUND = re.compile(r"^[\s\u200e\u200f\ufeff]+|[\s\u200e\u200f\ufeff]+$")


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


def canonical_rows(settings: EventLogSettings, columns: Mapping[str, RawColumn], raw: str) -> str:
    """SELECT with one row a record of the relation `raw` (row_number and the raw columns).

    Its columns: row_number, case_id, event_id, status (IGNORE for what is left out on purpose), source_status, is_sla_met, merged_into,
    author_kind, initiated_by, reopen_count, STAMP_FIELDS and the milestones (UTC), each stamp with <field>_earlier (the other instant of a
    local time that occurs twice) and <field>_local, event_ts_form (which of time.format reads it, from 0), has_float_id, TEXT_FIELDS, the
    dimensions, what due cells become, order_0, order_1 ... one a column of order_by (STRUCT(number, text)), fault (STRUCT(field, reason), or NULL).
    """
    found = {field: tuple(columns[name] for name in names) for field, names in settings.cells().items()}
    found |= _changed_cells(settings, found)
    found |= {field: tuple(replace(column, sql=trimmed(column.sql)) for column in found[field]) for field in _TRIMMED_FIELDS if field in found}
    stamps = stamp_fields(settings)
    ids_read = (*ID_FIELDS, "linked_id") if settings.form == "links" else ID_FIELDS
    fields = (*ids_read, "status", "sla_met", *TEXT_FIELDS, *dimension_fields(settings), *WORD_FIELDS, *_OF_FORM.get(settings.form, ()), *(each for each in stamps if not each.startswith("due_")))
    cells = [f"{_cell(settings, found.get(field, ()))} as {field}" for field in fields]
    tidy = {field: _tidy(settings, found[field]) if field in found else "cast(null as varchar)" for field in stamps}
    for number, due in enumerate(settings.due.values()):
        cell = f"({_cell(settings, found[due_field(number)])})"
        cells += due_cells(settings, number, due, cell)
        if not due.is_duration:
            tidy[due_field(number)] = tidied(f"({due_stamp(settings, due, cell)})")
    cells += [f"{text} as {field}_tidy" for field, text in tidy.items()]
    cells += [f"{column.is_text_sql} as {_text_flag(field, n)}" for field, n, column in _bytes(found)]
    cells += [f"{_cell(settings, (columns[name],))} as order_{n}" for n, name in enumerate(settings.order_by)]
    readings = [_reading(settings.time, field, found.get(field, ())) for field in stamps]
    instants = [_instants(settings.time, field, is_told=field in found) for field in stamps] + due_durations(settings)
    words = [
        f"{_status(settings)} as canonical_status", f"{_sla_met(settings)} as is_sla_met",
        f"{_word('author_kind', settings.author_kinds)} as canonical_author_kind",
        f"{_word('initiated_by', settings.initiators)} as canonical_initiated_by",
        "try_cast(reopen_count as double) as canonical_reopen_count",
        *_change_words(settings), *_link_words(settings),
    ]
    passed_on = [f"{field}_utc as {field}, {field}_earlier, {field}_local" for field in stamps] + [*TEXT_FIELDS, *dimension_fields(settings)]
    passed_on += [column for column in due_columns(settings) if not column.endswith("_at")]
    passed_on += [f"{due_field(n)}_day" for n, due in enumerate(settings.due.values()) if not due.is_duration]
    passed_on += [f"{_order(settings, name, n)} as order_{n}" for n, name in enumerate(settings.order_by)]
    ids = [f"{literal(settings.case_id_prefix)} || {exact_id(field)} as {field}" if field in found else field for field in ID_FIELDS]
    ids += [f"{exact_id('linked_id')} as linked_id"] if settings.form == "links" else []
    floats = " or ".join(
        f"{field} is not null" if any(column.is_floating for column in found[field])
        else f"coalesce(regexp_full_match({field}, {literal(INTEGER_IN_A_FLOAT)}), false)"
        for field in ID_FIELDS if field in found
    )  # fmt: skip
    return f"""
        with cells as (
            select row_number, {_list(cells)}
            from {raw}
        ),
        readings as (
            select *, {folded("status")} as folded_status, {_list(readings)}
            from cells
        ),
        instants as (
            select *, {_list(instants)}, {_list(words)}
            from readings
        ),
        statuses as (
            select *, {_status_or_merge(settings)} as status_or_merge
            from instants
        ),
        judged as (
            select *, {_fault(settings, found)} as fault
            from statuses
        )
        select
            row_number, {_list(ids)}, {floats} as has_float_id,
            status_or_merge as status, status as source_status, is_sla_met,
            canonical_author_kind as author_kind, canonical_initiated_by as initiated_by, canonical_reopen_count as reopen_count,
            {_CANONICAL_OF_FORM.get(settings.form, "")}
            {_list(passed_on)}, event_ts_form, {_with_what_was_found("fault")} as fault
        from judged
    """


#: The cells of a changed field, and of a link, that are no canonical value by themselves; and what is passed on of them.
_OF_FORM: Mapping[str, tuple[str, ...]] = {"changes": ("field", "old_value", "new_value", "actor"), "links": ("kind",)}
_CANONICAL_OF_FORM: Mapping[str, str] = {
    "changes": "canonical_field as changed_field, old_value, canonical_old_status as old_status, actor,",
    "links": "canonical_kind as link_kind, kind as source_kind,",
}


# ---------------------------------------------------------------- audit logs


def _changed_cells(settings: EventLogSettings, found: Mapping[str, tuple[RawColumn, ...]]) -> dict[str, tuple[RawColumn, ...]]:
    """Of an audit log: the cell of each attribute is the new value where the row's field is that attribute."""
    if settings.form != "changes":
        return {}
    ((field,), (new,), (old,)) = found["field"], found["new_value"], found["old_value"]
    cells: dict[str, tuple[RawColumn, ...]] = {}
    holders = [folded_word(word) for word, meaning in settings.fields.items() if meaning in _HOLDERS]
    if holders:
        sql = f"(case when {folded(field.sql)} in ({_list(holders)}) then {trimmed(old.sql)} else {old.sql} end)"
        cells["old_value"] = (replace(old, sql=sql),)
    for name in CHANGED_FIELDS:
        words = [folded_word(word) for word, meaning in settings.fields.items() if meaning == name]
        if words:
            sql = f"(case when {folded(field.sql)} in ({_list(words)}) then {new.sql} end)"
            cells[name] = (replace(new, sql=sql),)
    return cells


def _change_words(settings: EventLogSettings) -> list[str]:
    if settings.form != "changes":
        return []
    old = " ".join(f"when {folded_word(own)} then {literal(status)}" for own, status in settings.statuses.items())
    return [
        f"{_word('field', settings.fields)} as canonical_field",
        f"case {folded('old_value')} {old} end as canonical_old_status" if old else "cast(null as varchar) as canonical_old_status",
    ]


# ---------------------------------------------------------------- links


def _link_words(settings: EventLogSettings) -> list[str]:
    """What a link is: as `kinds` says, else by one of our own words, else, where nothing is told, what link_kind says."""
    if settings.form != "links":
        return []
    kinds = {kind: kind for kind in LINK_KINDS} | {kind.replace("_", " "): kind for kind in LINK_KINDS} | dict(settings.kinds)
    told = _word("kind", kinds)
    return [f"case when kind is null then {literal(settings.link_kind) if settings.link_kind else 'null'} else {told} end as canonical_kind"]


def _link_faults(settings: EventLogSettings, mapped: Mapping[str, str]) -> list[str]:
    if settings.form != "links":
        return []
    linked = f"column {mapped['linked_id']}"
    known = ", ".join([*settings.kinds, *LINK_KINDS])
    faults = [
        _when("linked_id is null", "linked_id", f"{linked}: no linked case"),
        _when(f"{exact_id('linked_id')} = {exact_id('case_id')}", "linked_id", f"{linked}: the case is linked to itself", shown=True)
        if settings.linked_source in (None, settings.beside) else "",
    ]
    if "kind" in mapped:
        faults += [
            _when("kind is null and canonical_kind is null", "kind", f"column {mapped['kind']}: no kind (link_kind says what such links are)"),
            _when("canonical_kind is null", "kind", f"column {mapped['kind']}: a kind that sources.yml does not map (kinds); known: {known}", shown=True),
        ]
    if "unlinked_ts" in mapped:
        faults.append(_when("unlinked_ts_utc < event_ts_utc", "unlinked_ts", f"column {mapped['unlinked_ts']}: lies before the link was made", shown=True))
    return [fault for fault in faults if fault]


def stamp_fields(settings: EventLogSettings) -> list[str]:
    """The fields that are read as stamps."""
    milestones = [milestone_field(number) for number in range(len(settings.milestones))]
    return [*STAMP_FIELDS, *(("unlinked_ts",) if settings.form == "links" else ()), *milestones, *due_instant_fields(settings)]


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


def trimmed(cell: str) -> str:
    """SQL: a cell without the blanks around it, of whatever kind, and without marks of writing direction there; one of blanks alone is empty."""
    return f"(case when regexp_matches({cell}, '^{_BLANK}|{_BLANK}$') then regexp_replace({cell}, '^{_BLANK}+|{_BLANK}+$', '', 'g') else {cell} end)"


def bare_id(text: str) -> str:
    """An id as `trimmed` has it, of somebody who copied it out of a file."""
    return _BLANKS_AROUND.sub("", text)


def _bytes(found: Mapping[str, tuple[RawColumn, ...]]) -> list[tuple[str, int, RawColumn]]:
    return [(field, n, column) for field, columns in found.items() for n, column in enumerate(columns) if column.is_text_sql]


def _text_flag(field: str, number: int) -> str:
    return f"{field}_{number}_is_text"


# ---------------------------------------------------------------- stamps


def _reading(time: TimeSettings, field: str, columns: tuple[RawColumn, ...]) -> str:
    """The UTC instant of a stamp that states its offset, the local time of one that does not, and whether two forms contradict each other."""
    if not columns:
        # As short as it can be: DuckDB takes longer to read the text of this SELECT than to read a small log by it.
        form = f", cast(null as integer) as {field}_form" if field == "event_ts" else ""
        return f"cast(null as timestamp) as {field}_stated, cast(null as timestamp) as {field}_local, false as {field}_clashes{form}"
    is_typed = len(columns) == 1 and columns[0].is_stamp
    forms = (ISO,) if is_typed else time.forms
    readings = [stamp_sql(f"{field}_tidy", form, time.timezone) for form in forms]
    stamp, clash = any_of(readings)
    form = f", {_which(readings, field)} as {field}_form" if field == "event_ts" else ""
    return f"{stamp.stated} as {field}_stated, {stamp.local} as {field}_local, {clash} as {field}_clashes{form}"


def _which(readings: Sequence[StampSql], field: str) -> str:
    """The number of the first form that reads the stamp."""
    if len(readings) == 1:
        return f"case when coalesce({field}_stated, {field}_local) is not null then 0 end"
    whens = " ".join(f"when coalesce({each.stated}, {each.local}) is not null then {n}" for n, each in enumerate(readings))
    return f"case {whens} end"


def _instants(time: TimeSettings, field: str, *, is_told: bool) -> str:
    """The UTC instant, NULL for a local time that the zone skips; of one that occurs twice the later one, and the earlier beside it."""
    if time.timezone is None or not is_told:
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
        _when(f"{field}_utc not between {EARLIEST} and {LATEST}", field, implausible, shown=True),
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
    branches = " ".join(f"when {folded_word(own)} then {literal(status)}" for own, status in settings.statuses.items())
    return f"case folded_status {branches} end" if branches else "cast(null as varchar)"


def _status_or_merge(settings: EventLogSettings) -> str:
    """What the case is: one that has ended and goes on in another case has ended by a merge."""
    merged = f"when merged_into is not null and canonical_status in ('{Status.RESOLVED}', '{Status.CLOSED}') then '{Status.MERGED}'"
    if settings.columns.status is None:
        merged = f"when merged_into is not null then '{Status.MERGED}'"
    if settings.form == "changes":
        merged = f"when canonical_field = '{IGNORE}' then '{IGNORE}' {merged}"
    if settings.form == "links":
        merged = f"when canonical_kind = '{IGNORE}' then '{IGNORE}'"
    return f"case {merged} else canonical_status end"


def _word(field: str, meanings: Mapping[str, str]) -> str:
    branches = " ".join(f"when {folded_word(own)} then {literal(meaning)}" for own, meaning in meanings.items())
    return f"case {folded(field)} {branches} end" if branches else "cast(null as varchar)"


def folded(text: str) -> str:
    """SQL: a word as it is compared: `\u3000RESOLVED ` is `resolved`. An empty one stays, so that it is no missing one."""
    return f"lower(nfc_normalize(coalesce({tidied(text)}, case when {text} is not null then '' end)))"


#: Folding makes small letters of such a word, and no more.
_PLAIN_WORD = re.compile(r"[!-~]+( [!-~]+)*")


def folded_word(word: str) -> str:
    """SQL: a word of sources.yml as it is compared; most need no SQL for that."""
    return literal(word.lower()) if _PLAIN_WORD.fullmatch(word) else folded(literal(word))


def exact_id(cell: str) -> str:
    """SQL: an id, `1001.0` as `1001`: writers of tables turn integers beside a gap into floating-point numbers."""
    return f"case when regexp_full_match({cell}, {literal(INTEGER_IN_A_FLOAT)}) then regexp_extract({cell}, '^-?\\d+') else {cell} end"


def is_rounded_id(cell: str) -> str:
    """SQL: whether an id is a number that lost digits, so that several ids may have become one."""
    digits = f"length(regexp_extract({cell}, '^-?(\\d+)', 1))"
    return (
        f"coalesce(regexp_full_match(trim({cell}), {literal(ROUNDED_ID)}) "
        f"or (regexp_full_match({cell}, {literal(INTEGER_IN_A_FLOAT)}) and {digits} > {EXACT_DIGITS}), false)"
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
    mapped = {field: " + ".join(column.name for column in columns) for field, columns in found.items()}
    faults = [
        _when(f"contains({field}, chr(0))", field, f"column {column} holds a NUL character")
        for field, column in mapped.items()
    ]
    # Left out on purpose is left out whatever else the record says.
    faults.insert(0, f"when canonical_status = '{IGNORE}' then null")
    if settings.form == "changes":
        faults.insert(0, f"when canonical_field = '{IGNORE}' then null")
    if settings.form == "links":
        faults.insert(0, f"when canonical_kind = '{IGNORE}' then null")
    faults += [
        *_undecodable(found),
        *_rounded_ids(found),
        _when("case_id is null", "case_id", f"column {mapped['case_id']}: no case id"),
    ]
    faults += _change_faults(settings, mapped)
    faults += _link_faults(settings, mapped)
    if "status" in mapped:
        if settings.form == "updates" and not settings.carries_statuses:
            faults.append(_when("status is null", "status", f"column {mapped['status']}: no status"))
        unmapped = f"column {mapped['status']}: a status that sources.yml does not map"
        faults.append(_when("status is not null and canonical_status is null", "status", unmapped, shown=True))
    for field in stamp_fields(settings):
        if field in mapped:
            faults += _stamp_faults(settings.time, field, mapped[field])
    faults += _missing_stamps(settings, mapped)
    faults += _unknown_words(settings, mapped)
    faults += [_when(condition, field, reason, shown=True) for condition, field, reason in due_faults(settings)]
    if "event_id" in mapped:
        faults.append(_when("event_id is null", "event_id", f"column {mapped['event_id']}: no event id"))
    return f"case {' '.join(faults)} end"


def _change_faults(settings: EventLogSettings, mapped: Mapping[str, str]) -> list[str]:
    if settings.form != "changes":
        return []
    unmapped = f"column {mapped['field']}: a field that sources.yml does not map (fields)"
    return [
        _when("field is null", "field", f"column {mapped['field']}: no field"),
        _when("canonical_field is null", "field", unmapped, shown=True),
        _when("canonical_field = 'status' and status is null", "new_value", f"column {mapped['new_value']}: no status"),
    ]


def _missing_stamps(settings: EventLogSettings, mapped: Mapping[str, str]) -> list[str]:
    """What has no stamp although it happened."""
    if settings.form == "links":
        return []
    if settings.form != "cases":
        no_stamp = f"column {mapped['event_ts']}: no stamp, and nothing else says when it happened"
        return [_when("event_ts_tidy is null and ingestion_ts_tidy is null", "event_ts", no_stamp)]
    opened, column = next(
        (milestone_field(number), column)
        for number, (column, signal) in enumerate(settings.milestones.items())
        if signal == Signal.INTAKE
    )
    no_intake = f"column {column}: no stamp, so nothing says when the case came in"
    ends = ", ".join(column for column, signal in settings.milestones.items() if signal.value in TERMINAL_STATUSES)
    no_end = f"says that the case has ended, and {f'the stamp of an end is missing ({ends})' if ends else 'milestones name no stamp of an end'}"
    has_ended = f"status_or_merge in ('{Status.RESOLVED}', '{Status.CLOSED}') and not ({is_ended_by_stamps(settings, '_utc')})"
    faults = [_when(f"{opened}_tidy is null", opened, no_intake)]
    if "status" in mapped:
        faults.append(_when(has_ended, "status", f"column {mapped['status']} {no_end}", shown=True))
    return faults


def is_ended_by_stamps(settings: EventLogSettings, suffix: str = "") -> str:
    """SQL of a row of the form `cases`: whether its stamps say that the case has ended and was not reopened since; never NULL."""
    ends = _latest(settings, lambda signal: signal.value in TERMINAL_STATUSES, suffix)
    reopens = _latest(settings, lambda signal: signal == Signal.REOPENED, suffix)
    return f"coalesce({ends} >= coalesce({reopens}, {ends}), false)"


def _latest(settings: EventLogSettings, wanted: Callable[[Signal], bool], suffix: str) -> str:
    fields = [milestone_field(number) + suffix for number, signal in enumerate(settings.milestones.values()) if wanted(signal)]
    return f"greatest({_list(fields)})" if fields else "cast(null as timestamp)"


def _unknown_words(settings: EventLogSettings, mapped: Mapping[str, str]) -> list[str]:
    """Cells of a closed vocabulary that sources.yml does not map; who wrote it matters of messages alone."""
    values, faults = settings.sla_met_values, []
    for field, known, condition in (
        ("sla_met", (*values.met, *values.missed), "sla_met is not null and is_sla_met is null"),
        (
            "author_kind", settings.author_kinds,
            f"author_kind is not null and canonical_author_kind is null and canonical_status in ({literals(MESSAGE_SIGNALS)})",
        ),
        ("initiated_by", settings.initiators, "initiated_by is not null and canonical_initiated_by is null"),
    ):
        if field in mapped:
            faults.append(_when(condition, field, f"column {mapped[field]}: expected one of {', '.join(known)}", shown=True))
    if "reopen_count" in mapped:
        condition = "reopen_count is not null and not coalesce(canonical_reopen_count >= 0, false)"
        faults.append(_when(condition, "reopen_count", f"column {mapped['reopen_count']}: expected a number of reopens", shown=True))
    return faults


def _undecodable(found: Mapping[str, tuple[RawColumn, ...]]) -> list[str]:
    return [
        _when(f"not {_text_flag(field, n)}", field, f"column {column.name} holds bytes that are not UTF-8", shown=True)
        for field, n, column in _bytes(found)
    ]


def _rounded_ids(found: Mapping[str, tuple[RawColumn, ...]]) -> list[str]:
    """A number that is no whole one, or too large to be exact, may stand for several ids: nothing is guessed."""
    faults = []
    for field in (*ID_FIELDS, "linked_id"):
        for column in found.get(field, ()):
            if column.is_floating:
                inexact = f"column {column.name}: an id in a column of floating-point numbers that is no exact whole number"
                faults.append(_when(f"not regexp_full_match({field}, '-?\\d+')", field, inexact, shown=True))
            lost = f"column {column.name}: an id that was rounded, so that several ids may have become one; export the column as text"
            faults.append(_when(is_rounded_id(field), field, lost, shown=True))
    return faults


def _when(condition: str, field: str, reason: str, *, shown: bool = False) -> str:
    """A branch of the fault; `shown` adds the found value of the field, shortened."""
    return f"when {condition} then struct_pack(field := {literal(field)}, reason := {literal(reason)}, found := {field if shown else 'null'})"


def _with_what_was_found(fault: str) -> str:
    """SQL: a fault with the value that its reason shows in its words; said once, not in each branch."""
    rest = f"case when length({fault}.found) > {SHOWN_CHARACTERS} then '... (' || length({fault}.found) || ' characters)' else '' end"
    found = f"coalesce('; found ''' || left({fault}.found, {SHOWN_CHARACTERS}) || '''' || {rest}, '')"
    return f"case when {fault} is not null then struct_pack(field := {fault}.field, reason := {fault}.reason || {found}) end"
