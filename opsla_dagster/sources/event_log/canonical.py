"""One reading of a source's files: every record becomes either a canonical event or a rejected row.

Belongs here: order, intake, rejection, the two parquet files of a snapshot.
Does not belong here: reading files (`reading`), keeping snapshots, or what is visible as of an instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted
from opsla_dagster.settings.home import READING_SHARE, memory_bound
from opsla_dagster.settings.sources import IGNORE, DeskSettings, EventLogSettings, dimension_fields, due_field
from opsla_dagster.sources.event_log.authors import author_kind, status_by_author
from opsla_dagster.sources.event_log.case_rows import events as events_of_cases
from opsla_dagster.sources.event_log.case_rows import (
    intake_field,
    is_standing_open,
    milestones_in_order,
    replaced_cases,
    rows_that_count,
)
from opsla_dagster.sources.event_log.due import due_columns, due_instant_fields, due_instants
from opsla_dagster.sources.event_log.files import LogFile
from opsla_dagster.sources.event_log.link_rows import judge_links, write_links
from opsla_dagster.sources.event_log.mapping import EARLIEST, LATEST, SHOWN_CHARACTERS, TEXT_FIELDS, canonical_rows
from opsla_dagster.sources.event_log.reading.loading import load_files
from opsla_dagster.sources.event_log.reading.tables import Loaded, prepare
from opsla_dagster.sources.event_log.repeated_hours import PlacedHours, place_repeated_hours
from opsla_dagster.sources.event_log.stamp_sql import NAMED_FORMS
from opsla_dagster.status import MESSAGE_SIGNALS
from opsla_dagster.warehouse.exhaustion import memory_error
from opsla_dagster.warehouse.sql import literal, path_literal

EVENTS_FILE, REJECTED_FILE, IGNORED_FILE = "events.parquet", "rejected.parquet", "ignored.parquet"
#: Ids of cases that a note names.
_SHOWN_CASES = 5
#: What an event is known by, and what its digest covers.
_TOLD_OF_AN_EVENT = (
    "event_id", "case_id", "status", "source_status", "event_ts", "ingestion_ts", "source_sequence", "team", "agent", "tier", "case_type",
    "priority", "brand", "region", "channel", "customer", "tags", "event_team", "event_agent", "author_kind", "merged_into", "initiated_by",
)
#: Of an audit log: which field changed, from what, whether the record is an event, and who changed it.
CHANGE_COLUMNS = ("changed_field", "old_value", "is_told", "actor")
#: Whether a record only repeats what an earlier one told, and so tells nothing; of the form cases none is.
RETOLD = "is_retold"
#: Columns of a record that say where it stands, when it was told, and how its stamps and ids were written; all others are what it tells.
_PLACE_COLUMNS = r"case_id|event_id|file_number|row_number|source_sequence|order_\d+|(event|ingestion)_ts|event_ts_form|has_float_id|.+_(earlier|local)"
#: `field` of a rejected row whose fault is the record as a whole.
WHOLE_RECORD = "record"
#: With these words begins why a record is rejected that repeats another: what it told is used, unless the reason ends with `_OTHERWISE`.
_REPEATED_ID = "an earlier record has the same event id "
_REPEATED_CHANGE = "an earlier record of the case says the same of the field "
_REPEATED_SAVE = "an earlier record of the case and of the field "
_OTHERWISE = ", and says otherwise"


@dataclass(frozen=True)
class SourceCounts:
    """What became of the records of a source: rows == used_rows + rejected_rows + ignored_rows + superseded_rows, always."""

    rows: int
    used_rows: int
    rejected_rows: int
    #: Cases that any record names, and those of them that are used.
    cases: int
    used_cases: int
    #: Left out on purpose: statuses maps their word to IGNORE.
    ignored_rows: int = 0
    #: Of the form cases: rows of which the log has a later one of the same case.
    superseded_rows: int = 0


@dataclass(frozen=True)
class Reading:
    """One reading of a source's files: the counts, records by path, and what a person should know of it, a line each."""

    counts: SourceCounts
    rows: dict[str, int]
    notes: tuple[str, ...]
    #: Rows of empty cells by path, which are no records.
    empty_rows: dict[str, int]


def connect(spill_directory: Path, share: float = READING_SHARE) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory, spilling to the given directory; the machine's zone has no influence.

    `share` of $OPSLA_MEMORY_LIMIT bounds its memory. Raises OpslaError as `memory_bound` does.
    """
    connection = duckdb.connect(config={"temp_directory": str(spill_directory), **memory_bound(share)})
    connection.execute("set global TimeZone = 'UTC'")
    connection.execute("set global enable_external_file_cache = false")  # the system keeps what is read; twice is too much
    connection.execute("set global preserve_insertion_order = true")
    return connection


def canonicalise(
    settings: EventLogSettings, desk: DeskSettings, files: Sequence[LogFile], directory: Path, *, has_events: bool = True
) -> Reading:
    """Writes EVENTS_FILE, REJECTED_FILE and IGNORED_FILE of these files into `directory`; without events, 40 % sooner, for who asks what is rejected.

    Raises OpslaError for a file that cannot be read as a whole; what cannot be used of a readable file is rejected.
    """
    connection = connect(directory / "spill", share=1.0)
    try:
        _require_usable_format(connection, settings)
        prepare(connection)
        loaded = load_files(connection, settings.written, files, directory)
        for number, item in enumerate(loaded):
            _append_records(connection, settings, number, item)
        repeated = _number(connection, settings)
        placed = place_repeated_hours(connection, milestones_in_order(settings), due_instant_fields(settings))
        notes = [f"{item.file.name}: {item.passed_over}" for item in loaded if item.passed_over]
        notes += repeated + _notes(connection, settings, placed)
        if settings.form == "links":
            judge_links(connection)
            write_links(connection, loaded, directory / EVENTS_FILE)
        else:
            _judge_cases(connection, settings, desk)
            notes += _replaced(connection, settings) + _emptied_promises(connection, settings) + _unplaced_standings(connection, settings)
            if has_events:
                _write_events(connection, settings, desk, directory)
        _write_ignored(connection, directory)
        _write_rejected(connection, settings, desk, loaded, directory)
        counts = _count(connection, settings, directory, sum(item.rows for item in loaded))
    except duckdb.OutOfMemoryException as error:
        raise memory_error(f"source {settings.name}: its rows", error) from error
    except duckdb.Error as error:
        raise OpslaError(f"source {settings.name}: the log cannot be processed: {error}") from error
    finally:
        connection.close()
    return Reading(counts, {item.file.name: item.rows + item.passed_over_rows for item in loaded}, tuple(notes), {item.file.name: item.empty_rows for item in loaded})


def _require_usable_format(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings) -> None:
    for form in settings.time.forms:
        if form in NAMED_FORMS:
            continue
        try:
            connection.execute(f"select try_strptime('', {literal(form)})").fetchall()
        except duckdb.Error as error:
            raise OpslaError(f"sources.yml: {settings.name}: time.format: {form!r} is not a strptime format: {error}") from error


# ---------------------------------------------------------------- notes


def _notes(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings, placed: PlacedHours) -> list[str]:
    """What was decided of stamps and ids that could have been meant otherwise."""
    notes = []
    zone = settings.time.timezone
    if placed.by_order:
        notes.append(f"{_stamps(placed.by_order)} of an hour that {zone} repeats: the order of the records tells which pass")
    if placed.later:
        notes.append(
            f"warning: {_stamps(placed.later)} of an hour that {zone} repeats, and nothing tells which pass: the later instant is taken "
            "where the order allows it; stamps with a UTC offset would tell"
        )
    if len(settings.time.forms) > 1 and settings.columns.event_ts is not None:
        counts = dict(connection.execute("select event_ts_form, count(*) from numbered where fault is null group by all").fetchall())
        read = [f"{counts[number]:,} as {form}" for number, form in enumerate(settings.time.forms) if number in counts]
        notes.append(f"stamps of {settings.columns.mapped()['event_ts']} read: {', '.join(read)}")
    ((floats,),) = connection.execute("select count(*) filter (has_float_id and fault is null) from numbered").fetchall()
    if floats:
        notes.append(f"ids of {floats:,} record{'' if floats == 1 else 's'} are whole floating-point numbers, read as integers (1001.0 as 1001)")
    return notes


def _replaced(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings) -> list[str]:
    """Of the form cases: which cases have earlier rows that count no more, and of which of them such a row tells a stamp otherwise."""
    if settings.form != "cases":
        return []
    ((cases, ids, otherwise, ids_otherwise),) = connection.execute(f"""
        select
            count(*), min(case_id, {_SHOWN_CASES}),
            count(*) filter (is_otherwise), min(case_id, {_SHOWN_CASES}) filter (is_otherwise)
        from ({replaced_cases(settings)})
    """).fetchall()
    if not cases:
        return []
    note = f"rows that a later row of their case replaces are of {_shown(cases, ids)}"
    return [note + (f"; the last row tells a stamp otherwise, or no more, of {_shown(otherwise, ids_otherwise)}" if otherwise else "")]


def _shown(cases: int, ids: Sequence[str]) -> str:
    more = f" and {cases - len(ids):,} more" if cases > len(ids) else ""
    return f"{counted(cases, 'case')}: {', '.join(ids)}{more}"


def _emptied_promises(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings) -> list[str]:
    """Of the form cases: promises of a row that a later row of its case replaces and does not repeat."""
    if settings.form != "cases":
        return []
    notes = []
    for number, (metric, due) in enumerate(settings.due.items()):
        field = due_field(number)
        is_told = f"{field}_days is not null" if due.is_duration else f"({field} is not null or {field}_day is not null)"
        ((count,),) = connection.execute(f"""
            select count(*)
            from (
                select bool_or({is_told} and is_superseded) as was_told, bool_or({is_told} and not is_superseded) as is_told
                from judged
                where fault is null and not is_ignored
                group by case_id
            )
            where was_told and not is_told
        """).fetchall()
        if count:
            notes.append(
                f"warning: the last row of {count:,} case{'' if count == 1 else 's'} has no due.{metric} any more (column {due.column} is empty): "
                "nothing is promised to such a case"
            )
    return notes


def _unplaced_standings(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings) -> list[str]:
    """Of the form cases: open cases whose status is left out, since nothing says of any instant that the case stood so."""
    if settings.form != "cases" or settings.columns.status is None:
        return []
    ((count,),) = connection.execute(f"""
        select count(*)
        from judged
        where fault is null and not is_ignored and not is_superseded and updated_ts is null and {is_standing_open(settings)}
    """).fetchall()
    if not count:
        return []
    column, changed = settings.columns.status, settings.columns.updated_ts
    missing = "no column says when a row was changed last (columns.updated_ts)" if changed is None else f"column {changed} is empty"
    which = "1 open case is" if count == 1 else f"{count:,} open cases are"
    return [
        f"warning: {which} not in the status of column {column}, but in that of the last timestamp: {missing}, so nothing says since when, and one that "
        "waits for the customer counts as waiting for us"
    ]


def _stamps(number: int) -> str:
    return f"{number:,} stamp{'' if number == 1 else 's'}"


# ---------------------------------------------------------------- loading


def _append_records(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings, number: int, loaded: Loaded) -> None:
    """Appends the readable records of a file to `records`."""
    _require_columns(settings, loaded)
    connection.execute(f"""
        create view readable_{number} as
        select rowid + {loaded.first_row} as row_number, *
        from raw_{number}
        where rowid + {loaded.first_row} not in (select row_number from unreadable where file_number = {number})
    """)
    select = canonical_rows(settings, {column.name: column for column in loaded.columns}, f"readable_{number}")
    verb = "create table records as" if number == 0 else "insert into records by name"
    connection.execute(f"{verb} select {number} as file_number, * from ({select})")


def _require_columns(settings: EventLogSettings, loaded: Loaded) -> None:
    path = loaded.file.name
    names = [column.name for column in loaded.columns]
    wanted = dict.fromkeys(settings.order_by, "order_by")
    places = settings.places()
    wanted.update({column: places[field] for field, columns in settings.cells().items() for column in columns})
    for column, place in wanted.items():
        if column not in names:
            raise OpslaError(
                f"{path}: column {column!r} is missing, which sources.yml names ({settings.name}: {place}); "
                f"found the columns {', '.join(names)}"
            )
        if names.count(column) > 1:
            raise OpslaError(f"{path}: column {column!r} appears {names.count(column)} times; rename all but one")


# ---------------------------------------------------------------- judging


def _number(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings) -> list[str]:
    """source_sequence: the place of a record among all records of its case, in the source's own order. Returns what was decided of repeated changes."""
    orders = ["updated_ts nulls first"] if settings.columns.updated_ts is not None else []
    # An audit log's order is that of its events: their time, then their id (of two of one form the longer number is the later).
    orders += ["coalesce(event_ts, ingestion_ts) nulls last"] if settings.form == "changes" else []
    orders += [f"order_{n}.{part} nulls last" for n in range(len(settings.order_by)) for part in ("number", "text")]
    orders += ["length(event_id) nulls last", "event_id nulls last"] if settings.form == "changes" else []
    orders += ["file_number", "row_number desc" if settings.newest_first else "row_number"]
    # A window function holds all columns of a whole case in memory: so it has no more than it needs, and what it finds is put beside the records.
    connection.execute(f"""
        create table places as
        select source_sequence
        from (select rowid as record, row_number() over (partition by case_id order by {", ".join(orders)}) as source_sequence from records)
        order by record
    """)
    connection.execute(f"""
        create table numbered as
        select records.*, coalesce(status = '{IGNORE}', false) as is_ignored, source_sequence
        from records
        positional join places
    """)
    connection.execute("drop table places")
    connection.execute("drop table records")
    notes = []
    if settings.form == "changes":
        notes = _leave_ids_beside_names_out(connection, settings)
        _reject_repeated_changes(connection, settings)
        _reject_unknown_beginnings(connection, settings)
        _carry_values_on(connection, settings)
    elif settings.carries_statuses:
        _carry_statuses_on(connection, settings)
    return notes


def _leave_ids_beside_names_out(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings) -> list[str]:
    """Salesforce tells the change of an owner twice at one instant, by names and by ids: that by ids is left out, where the other is there.

    Both would be two changes of holder, and hand each case over twice.
    """
    holders = [name for name in ("team", "agent") if name in settings.changed_attributes]
    if not holders:
        return []
    value = f"case changed_field {' '.join(f'when {literal(name)} then {name}' for name in holders)} end"
    if connection.execute(f"select 1 from numbered where {_is_id(value)} limit 1").fetchone() is None:
        return []
    connection.execute(f"""
        create table told as
        with valued as (
            select *, case when fault is null and not is_ignored then {value} end as value
            from numbered
        )
        select
            * exclude (value, is_ignored),
            is_ignored or coalesce(
                {_is_id("value")} and (old_value is null or {_is_id("old_value")})
                and bool_or(value is not null and not {_is_id("value")}) over (partition by case_id, changed_field, event_ts),
                false
            ) as is_ignored
        from valued
    """)
    ((before,),) = connection.execute("select count(*) filter (is_ignored) from numbered").fetchall()
    ((after,),) = connection.execute("select count(*) filter (is_ignored) from told").fetchall()
    _take_place(connection, "told")
    told = after - before
    if not told:
        return []
    return [f"{told:,} change{'' if told == 1 else 's'} of who holds a case {'is' if told == 1 else 'are'} told by names and once more by ids at the same instant: the names count, the ids are left out"]


def _take_place(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """`table`, made of `numbered`, takes its place."""
    connection.execute("drop table numbered")
    connection.execute(f"alter table {table} rename to numbered")


def _is_id(cell: str) -> str:
    """SQL: whether a value is the id of a Salesforce user or queue."""
    return f"regexp_full_match(({cell}), '00[5G][0-9A-Za-z]{{12}}([0-9A-Za-z]{{3}})?')"


def _reject_repeated_changes(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings) -> None:
    """Of an audit log: one id may stand for all that was saved at once, so a repetition is one of the same id, case and field.

    Without ids it is a record that says the same as the one of its field before it, or that an appended export has once more: the file told of
    another instant in between. Before values are carried on: what is rejected carries nothing on.
    """
    if settings.columns.event_id is None:
        connection.execute(_changes_told_once())
    else:
        repeated = _repeated(
            "event_id, case_id, changed_field", f"{literal(_REPEATED_SAVE)} || changed_field || ' has the same event id ' || event_id"
        )
        connection.execute(f"create table once as select * replace ({repeated} as fault) from numbered")
    _take_place(connection, "once")


def _changes_told_once() -> str:
    """SQL of the table `once`: the records of an audit log without ids, with a fault where one repeats another."""
    content = ", ".join(("changed_field", "old_value", "source_status", *TEXT_FIELDS))
    reason = f"{literal(_REPEATED_CHANGE)} || changed_field || ' at the same instant'"
    return f"""
        create table once as
        with steps as (
            select
                *, fault is null and not is_ignored as is_used, row({content}) as content,
                lag(event_ts) over (partition by case_id order by file_number, row_number) as previous_ts
            from numbered
        ),
        blocks as (
            select *, sum(case when event_ts = previous_ts then 0 else 1 end) over (partition by case_id order by file_number, row_number) as instant_number
            from steps
        ),
        occurrences as (
            select
                *,
                row_number() over (partition by case_id, is_used, instant_number, content order by file_number, row_number) as occurrence,
                lag(content) over (partition by case_id, is_used, event_ts, changed_field order by source_sequence) as previous_content
            from blocks
        )
        select
            * exclude (is_used, content, previous_ts, instant_number, occurrence, previous_content) replace (
                case
                    when is_used and event_ts is not null and (
                        content = previous_content
                        or row_number() over (partition by case_id, is_used, event_ts, content, occurrence order by source_sequence) > 1
                    ) then struct_pack(field := '{WHOLE_RECORD}', reason := {reason})
                    else fault
                end as fault
            )
        from occurrences
    """


def _repeated(identity: str, reason: str) -> str:
    """SQL: the fault of a row; of a usable one, that an earlier one has the same identity, and whether the first of them says something else."""
    earlier = f"(partition by fault is null, is_ignored, {identity} order by file_number, row_number)"
    content = f"hash({', '.join(('case_id', 'event_ts', 'source_status', *TEXT_FIELDS))})"
    return f"""
        case
            when fault is not null or is_ignored then fault
            when row_number() over {earlier} > 1 then struct_pack(
                field := 'event_id',
                reason := {reason} || case when first_value({content}) over {earlier} = {content} then '' else {literal(_OTHERWISE)} end
            )
        end
    """


def _reject_unknown_beginnings(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings) -> None:
    """Of an audit log: the first change of a case's status says by its old value where the case began, so that word must be mapped.

    Old values of later changes are not looked at: the change out of an unmapped status is no worse for the rejected one into it.
    """
    if "status" not in settings.fields.values():
        return
    reason = literal(f"column {settings.columns.old_value}: a status that sources.yml does not map; found ")
    connection.execute(f"""
        create table begun as
        with status_changes as (
            select
                *,
                fault is null and not is_ignored and changed_field = 'status' as is_status_change,
                old_value is null or old_status is not null as is_old_known
            from numbered
        )
        select
            * exclude (is_status_change, is_old_known) replace (
                case
                    when is_status_change and not is_old_known
                        and not coalesce(bool_or(is_status_change and is_old_known) over (
                            partition by case_id order by source_sequence rows between unbounded preceding and 1 preceding
                        ), false)
                        then struct_pack(field := 'old_value', reason := {reason} || '''' || left(old_value, {SHOWN_CHARACTERS}) || '''')
                    else fault
                end as fault
            )
        from status_changes
    """)
    _take_place(connection, "begun")


def _carry_values_on(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings) -> None:
    """Of an audit log: each record gets what its case was after it, as a record of an update has it.

    Until an attribute changes for the first time it is the old value of that change; a case without a status is in INTAKE. Records that are
    not used carry nothing on. `is_told` says of which records an event is made: changes of status, and the first of a case, which is its opening
    unless the log tells that itself: by a first change of status, to INTAKE, at the same instant.
    """
    whole = "(partition by case_id order by source_sequence rows between unbounded preceding and unbounded following)"
    so_far = "(partition by case_id order by source_sequence rows between unbounded preceding and current row)"

    def carried(name: str, new: str, old: str) -> str:
        is_change = f"is_used and changed_field = '{name}'"
        last = f"last_value(case when {is_change} then coalesce({new}, '') end ignore nulls) over {so_far}"
        first = f"first_value(case when {is_change} then coalesce({old}, '') end ignore nulls) over {whole}"
        return f"nullif(coalesce({last}, {first}), '')"

    values = [f"{carried(name, name, 'old_value')} as {name}" for name in settings.changed_attributes]
    began = f"nullif(old_status, '{IGNORE}')"
    status = f"coalesce({carried('status', 'status', began)}, 'INTAKE')"
    values.append(f"case when is_ignored or fault is not null then status else {status} end as status")
    values.append(f"{carried('status', 'source_status', 'old_value')} as source_status")
    stamps = "event_ts, ingestion_ts"
    first_status = f"first_value(case when is_used and changed_field = 'status' then row(status, {stamps}) end ignore nulls) over {whole}"
    is_first = "row_number() over (partition by case_id, is_used order by source_sequence) = 1"
    is_opening = f"{is_first} and {first_status} is distinct from row('INTAKE', {stamps})"
    connection.execute(f"""
        create table carried as
        with used as (
            select *, fault is null and not is_ignored as is_used
            from numbered
        )
        select
            * exclude (is_used) replace ({", ".join(values)}),
            is_used and (changed_field = 'status' or ({is_opening})) as is_told
        from used
    """)
    _take_place(connection, "carried")


def _carry_statuses_on(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings) -> None:
    """Of a log that repeats only what changed: a record without a status leaves its case in the one it had, and is no event (`is_told`) but for what else it tells."""
    so_far = "(partition by case_id order by source_sequence rows between unbounded preceding and current row)"
    messages = ", ".join(literal(signal) for signal in MESSAGE_SIGNALS)
    is_status = f"fault is null and not is_ignored and status not in ({messages})"
    reason = literal(f"column {settings.columns.status}: no status, and none of the case before it")
    connection.execute(f"""
        create table carried as
        with held as (
            select
                *, fault is null and source_status is null as is_without,
                last_value(case when {is_status} then status end ignore nulls) over {so_far} as held_status,
                last_value(case when {is_status} then source_status end ignore nulls) over {so_far} as held_source_status
            from numbered
        )
        select
            * exclude (is_without, held_status, held_source_status) replace (
                case when is_without then held_status else status end as status,
                case when is_without then held_source_status else source_status end as source_status,
                case when is_without and held_status is null then struct_pack(field := 'status', reason := {reason}) else fault end as fault
            ),
            not is_without as is_told
        from held
    """)
    _take_place(connection, "carried")


def _judge_cases(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings, desk: DeskSettings) -> None:
    """Table `judged`: rows with event id and intake, and the faults that only show beside other rows.

    Without an intake column a case came in with its first record of INTAKE, else with its first event; unless the record that says so
    was rejected: the next one came later. In an audit log a case that is put back to INTAKE has been there before: it came in with its first record.
    """
    opened = "arg_min(coalesce(event_ts, ingestion_ts), source_sequence) filter (is_usable and status = 'INTAKE')"
    first_event = "min(coalesce(event_ts, ingestion_ts)) filter (is_usable)"
    opening = "bool_or(fault is not null and status = 'INTAKE') and not bool_or(is_usable and status = 'INTAKE')"
    intake, is_opening_rejected = f"coalesce({opened}, {first_event})", opening
    identified = _identified(settings)
    if settings.form == "cases":
        intake, is_opening_rejected = f"max({intake_field(settings)}) filter (is_usable)", "false"
        identified = rows_that_count(settings)
    elif settings.columns.intake_ts:
        intake, is_opening_rejected = "arg_min(intake_ts, source_sequence) filter (is_usable)", "false"
    elif settings.form == "changes":
        intake, is_opening_rejected = first_event, "false"
    connection.execute(f"""
        create table judged as
        with identified as (
            {identified}
        ),
        usable as (
            select *, fault is null and not is_ignored and not is_superseded as is_usable
            from identified
        ),
        intakes as (
            select case_id, {intake} as case_intake_ts, {is_opening_rejected} as is_opening_rejected
            from usable
            group by case_id
        ),
        dated as (
            select
                usable.* exclude (intake_ts),
                case_intake_ts as intake_ts,
                is_opening_rejected,
                cast(timezone({literal(desk.timezone)}, timezone('UTC', case_intake_ts)) as date) as intake_date
            from usable
            left join intakes using (case_id)
        )
        select
            * exclude (fault, is_opening_rejected, is_usable),
            case
                when fault is not null then fault
                when not is_usable then null
                when is_opening_rejected then struct_pack(
                    field := 'intake_ts', reason := 'the record with which the case came in is rejected itself'
                )
                when intake_ts is null then struct_pack(
                    field := 'intake_ts', reason := 'no usable record of the case has an intake stamp'
                )
                when intake_date < date '{desk.start_date}' then struct_pack(
                    field := 'intake_ts',
                    reason := 'the intake date ' || intake_date || ' lies before desk.start_date {desk.start_date}'
                )
            end as fault
        from dated
    """)
    connection.execute("drop table numbered")


def _identified(settings: EventLogSettings) -> str:
    """Rows with their event id: case and place in it, or the log's own id, of which a repetition is a fault.

    The place is padded, so that event ids of a case sort as its records do: ties are broken by event id downstream. The id of an audit log
    is one of a save, so case and field are added to it.
    """
    if settings.columns.event_id is None:
        return """
            select * replace (case_id || '#' || printf('%04d', source_sequence) as event_id), false as is_superseded
            from numbered
        """
    if settings.form == "changes":
        own_id = f"substr(event_id, {len(settings.case_id_prefix) + 1})"
        return f"""
            select * replace (case_id || '#' || {own_id} || '.' || changed_field as event_id), false as is_superseded
            from numbered
        """
    return f"""
            select * replace ({_repeated("event_id", f"{literal(_REPEATED_ID)} || event_id")} as fault), false as is_superseded
            from numbered
    """


# ---------------------------------------------------------------- writing


def _write_events(
    connection: duckdb.DuckDBPyConnection, settings: EventLogSettings, desk: DeskSettings, directory: Path
) -> None:
    """EVENTS_FILE: one row an event with what its record says of the case, by intake date, so that a day is read fast."""
    connection.execute("""
        create view usable_records as
        select * exclude (fault, is_ignored, is_superseded)
        from judged
        where fault is null and not is_ignored and not is_superseded
    """)
    connection.execute("create view usable_cases as select * exclude (source_sequence) from usable_records")
    more = [*dimension_fields(settings), *due_columns(settings), *(CHANGE_COLUMNS if settings.form == "changes" else ("is_told",) if settings.carries_statuses else ())]
    more += [] if settings.form == "cases" else [RETOLD]
    told = ", ".join([f"{column} := {column}" for column in (*_TOLD_OF_AN_EVENT, *more)])
    may_retell = settings.form != "cases" and settings.columns.event_id is None and _steps_back(connection, settings)
    connection.execute(f"""
        copy (
            with events as (
                {events_of_cases(settings) if settings.form == "cases" else _events_of_updates(settings, may_retell)}
            ),
            used as (
                select
                    * replace (coalesce(ingestion_ts, event_ts) as ingestion_ts)
                    {"".join(f", {item}" for item in due_instants(settings, desk))}
                from events
            )
            select
                {", ".join([*_TOLD_OF_AN_EVENT, *more])},
                intake_date, intake_ts, resolved_ts, closed_ts, is_sla_met, category, reopen_count, file_number, row_number,
                md5(cast(to_json(struct_pack({told})) as varchar)) as event_digest
            from used
            order by intake_date, case_id, source_sequence
        ) to {literal(str(directory / EVENTS_FILE))} (format parquet, compression zstd)
    """)


def _steps_back(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings) -> bool:
    """Table `stepping_back`: the cases of which a later record has an earlier stamp; whether there is any, which of most logs none is."""
    connection.execute(f"""
        create table stepping_back as
        select distinct case_id
        from (select case_id, event_ts, lag(event_ts) over (partition by case_id order by {_place(settings)}) as previous_ts from usable_records)
        where event_ts < previous_ts
    """)
    return connection.execute("select 1 from stepping_back limit 1").fetchone() is not None


def _place(settings: EventLogSettings) -> str:
    """SQL: the order in which a file tells. Records that order_by sorts by their stamps stand beside their copies; the file still tells them apart."""
    return "file_number, row_number" if settings.order_by else "source_sequence"


def _events_of_updates(settings: EventLogSettings, may_retell: bool) -> str:
    """One event a record. The agent of a message of a bot or the customer wrote it, and holds no case.

    `is_retold` is of a record that an appended or overlapping export has once more: where the log told of another instant in between, a record of the
    same instant that tells the same in every column is the copy of that in the block before (docs/decisions/0001-event-deduplication.md). Where the
    log has ids of its own these say what is repeated, and such records are rejected.
    """
    retold = f"with {_retold(settings)}" if may_retell else ""
    # order_by puts a copy beside what it is a copy of, where it would read as a return: its place is behind all records of its case.
    behind = "source_sequence + case when is_retold then max(source_sequence) over (partition by case_id) else 0 end as source_sequence"
    replaced = f"replace ({behind})" if settings.order_by and may_retell else ""
    return f"""
        {retold}
        select * {replaced}
        from (
            select
                * replace (
                    {status_by_author("kind")} as status,
                    case when kind in ('bot', 'customer') then null else agent end as agent,
                    kind as author_kind
                ),
                team as event_team, agent as event_agent,
                {"(case_id, source_sequence) in (select (case_id, source_sequence) from retold)" if may_retell else "false"} as is_retold
            from (
                select *, {author_kind(settings)} as kind
                from usable_records
            )
        )
    """


def _retold(settings: EventLogSettings) -> str:
    """SQL: CTEs, the last of which, `retold`, has the case_id and source_sequence of each copy."""
    return f"""
        steps as (
            select
                case_id, source_sequence, file_number, row_number, event_ts,
                lag(event_ts) over (partition by case_id order by {_place(settings)}) as previous_ts
            from usable_records
            -- Only where a case steps back in time is an instant told of twice.
            where case_id in (select case_id from stepping_back)
        ),
        blocks as (
            select
                case_id, source_sequence,
                sum(case when event_ts = previous_ts then 0 else 1 end) over (partition by case_id order by {_place(settings)}) as instant_number
            from steps
        ),
        contents as (
            select
                case_id, source_sequence, event_ts, ingestion_ts,
                row(*columns(lambda name: not regexp_full_match(name, '{_PLACE_COLUMNS}'))) as content
            from usable_records
            where event_ts is not null and case_id in (select case_id from stepping_back)
        ),
        occurrences as (
            select *, row_number() over (partition by case_id, instant_number, content order by source_sequence) as occurrence
            from contents
            inner join blocks using (case_id, source_sequence)
        ),
        retold as (
            select case_id, source_sequence
            from occurrences
            qualify row_number() over (partition by case_id, event_ts, content, occurrence order by coalesce(ingestion_ts, event_ts), source_sequence) > 1
        )
    """


def _write_ignored(connection: duckdb.DuckDBPyConnection, directory: Path) -> None:
    """IGNORED_FILE: one row a record that is left out on purpose."""
    connection.execute(f"""
        copy (
            select file_number, row_number, case_id
            from judged
            where is_ignored and not is_superseded
            order by file_number, row_number
        ) to {literal(str(directory / IGNORED_FILE))} (format parquet, compression zstd)
    """)


def _write_rejected(
    connection: duckdb.DuckDBPyConnection, settings: EventLogSettings, desk: DeskSettings, loaded: Sequence[Loaded], directory: Path
) -> None:
    """REJECTED_FILE: the columns of REJECTED_ROWS, in the order of files and records."""
    places = " ".join(f"when {literal(field)} then {literal(place)}" for field, place in settings.places().items() if not place.startswith("columns."))
    field = f"case judged.fault.field {places} else judged.fault.field end" if places else "judged.fault.field"
    rejected = " union all ".join(_rejected_of(number, item, field, _record_date(settings, desk)) for number, item in enumerate(loaded))
    connection.execute(f"""
        copy (
            select {literal(settings.name)} as source, * exclude (file_number)
            from ({rejected})
            order by file_number, row_number
        ) to {literal(str(directory / REJECTED_FILE))} (format parquet, compression zstd)
    """)


def clock_relevance(settings: EventLogSettings) -> str:
    """SQL over REJECTED_FILE: whether a clock of the case may rest on what the record told. Links move none, and what is repeated is used."""
    if settings.form == "links":
        return "false"
    is_repeated = " or ".join(f"starts_with(reason, {literal(words)})" for words in (_REPEATED_ID, _REPEATED_CHANGE, _REPEATED_SAVE))
    return f"not ({is_repeated}) or ends_with(reason, {literal(_OTHERWISE)})"


def _record_date(settings: EventLogSettings, desk: DeskSettings) -> str:
    """SQL: the local date on which a record's case came in; where nothing of the case can be used, that of the record's own stamp; NULL where none can be read, and of links, which are no cases."""
    if settings.form == "links":
        return "cast(null as date)"
    stamps = [intake_field(settings)] if settings.form == "cases" else []
    own = f"coalesce({', '.join(f'judged.{stamp}' for stamp in (*stamps, 'event_ts', 'ingestion_ts'))})"
    local = f"cast(timezone({literal(desk.timezone)}, timezone('UTC', {own})) as date)"
    return f"coalesce(judged.intake_date, case when {own} between {EARLIEST} and {LATEST} then {local} end)"


def _rejected_of(number: int, loaded: Loaded, field: str, record_date: str) -> str:
    record = ", ".join(f"{literal(column.name)}, raw_{number}.{column.sql}" for column in loaded.columns)
    file = literal(loaded.file.name)
    return f"""
        select
            judged.file_number, {file} as file, judged.row_number, judged.case_id, {record_date} as record_date, {field} as field,
            judged.fault.reason as reason, cast(json_object({record}) as varchar) as record
        from judged
        inner join raw_{number} on raw_{number}.rowid + {loaded.first_row} = judged.row_number
        where judged.file_number = {number} and judged.fault is not null
        union all
        select
            file_number, {file} as file, row_number, cast(null as varchar) as case_id, cast(null as date) as record_date, '{WHOLE_RECORD}' as field,
            reason, cast(json_object('text', text) as varchar) as record
        from unreadable
        where file_number = {number} and reason is not null
    """


def _count(
    connection: duckdb.DuckDBPyConnection, settings: EventLogSettings, directory: Path, rows: int
) -> SourceCounts:
    used, ignored, superseded, cases, used_cases = connection.execute("""
        select
            count(*) filter (fault is null and not is_ignored and not is_superseded),
            count(*) filter (fault is null and is_ignored and not is_superseded),
            count(*) filter (fault is null and is_superseded),
            count(distinct case_id),
            count(distinct case_id) filter (fault is null and not is_ignored and not is_superseded)
        from judged
    """).fetchall()[0]
    path = path_literal(directory / REJECTED_FILE)
    (rejected,) = connection.execute(f"select count(*) from read_parquet({path})").fetchall()[0]
    if used + rejected + ignored + superseded != rows:
        raise OpslaError(
            f"source {settings.name}: {rows} records were read, but {used} are used, {rejected} rejected, {ignored} ignored and "
            f"{superseded} replaced by later ones; nothing is loaded. Please report this with the files"
        )
    return SourceCounts(rows, used, rejected, cases, used_cases, ignored, superseded)
