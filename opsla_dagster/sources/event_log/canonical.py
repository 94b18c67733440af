"""One reading of a source's files: every record becomes either a canonical event or a rejected row.

Belongs here: loading files, order, intake, rejection, the two parquet files of a snapshot.
Does not belong here: keeping snapshots, or what is visible as of an instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.home import memory_bound
from opsla_dagster.settings.sources import CsvSettings, DeskSettings, EventLogSettings
from opsla_dagster.sources.event_log.csv_records import CsvCopy, copy_records
from opsla_dagster.sources.event_log.files import LogFile, held_still
from opsla_dagster.sources.event_log.mapping import RawColumn, canonical_rows, path_literal
from opsla_dagster.sources.event_log.repeated_hours import PlacedHours, place_repeated_hours
from opsla_dagster.sources.event_log.stamp_sql import NAMED_FORMS, literal

EVENTS_FILE, REJECTED_FILE = "events.parquet", "rejected.parquet"
#: `field` of a rejected row whose fault is the record as a whole.
WHOLE_RECORD = "record"
#: DuckDB's own default; records that are longer raise it.
_LINE_BYTES = 2 * 2**20
#: Types of floating-point numbers -> up to where they tell every whole number from its neighbours.
_EXACT_UP_TO = {"DOUBLE": 2**53, "FLOAT": 2**24}
#: Parquet bytes that are not marked as text.
_BYTES = "BLOB"
#: Stands for records that never reached the columns; a blank line has no reason.
_UNREADABLE = pa.schema([
    ("file_number", pa.int64()), ("row_number", pa.int64()), ("reason", pa.string()), ("text", pa.string())
])


@dataclass(frozen=True)
class SourceCounts:
    """What became of the records of a source: rows == used_rows + rejected_rows, always."""

    rows: int
    used_rows: int
    rejected_rows: int
    #: Cases that any record names, and those of them that are used.
    cases: int
    used_cases: int


@dataclass(frozen=True)
class Reading:
    """One reading of a source's files: the counts, records by path, and what a person should know of it, a line each."""

    counts: SourceCounts
    rows: dict[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Loaded:
    """A file in table raw_<number>; its row with rowid n is the file's row first_row + n."""

    file: LogFile
    columns: list[RawColumn]
    first_row: int
    rows: int


def connect(spill_directory: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory, spilling to the given directory; the machine's zone has no influence.

    $OPSLA_MEMORY_LIMIT bounds its memory, as it does for the warehouse. Raises OpslaError as `memory_bound` does.
    """
    connection = duckdb.connect(config={"temp_directory": str(spill_directory), **memory_bound()})
    connection.execute("set global TimeZone = 'UTC'")
    connection.execute("set global preserve_insertion_order = true")
    return connection


def canonicalise(
    settings: EventLogSettings, desk: DeskSettings, files: Sequence[LogFile], directory: Path
) -> Reading:
    """Writes EVENTS_FILE and REJECTED_FILE of these files into `directory`.

    Raises OpslaError for a file that cannot be read as a whole; what cannot be used of a readable file is rejected.
    """
    connection = connect(directory / "spill")
    try:
        _require_usable_format(connection, settings)
        prepare(connection)
        loaded = [_load(connection, settings, number, file, directory) for number, file in enumerate(files)]
        _number(connection, settings)
        placed = place_repeated_hours(connection)
        notes = _notes(connection, settings, placed)
        _judge_cases(connection, settings, desk)
        _write_events(connection, directory)
        _write_rejected(connection, settings, loaded, directory)
        counts = _count(connection, settings, directory, sum(item.rows for item in loaded))
    except duckdb.Error as error:
        raise OpslaError(f"source {settings.name}: the log cannot be processed: {error}") from error
    finally:
        connection.close()
    return Reading(counts, {str(item.file.path): item.rows for item in loaded}, tuple(notes))


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
    if len(settings.time.forms) > 1:
        counts = dict(connection.execute("select event_ts_form, count(*) from numbered where fault is null group by all").fetchall())
        read = [f"{counts[number]:,} as {form}" for number, form in enumerate(settings.time.forms) if number in counts]
        notes.append(f"stamps of {settings.columns.mapped()['event_ts']} read: {', '.join(read)}")
    ((floats,),) = connection.execute("select count(*) filter (has_float_id and fault is null) from numbered").fetchall()
    if floats:
        notes.append(f"ids of {floats:,} record{'' if floats == 1 else 's'} are whole floating-point numbers, read as integers (1001.0 as 1001)")
    return notes


def _stamps(number: int) -> str:
    return f"{number:,} stamp{'' if number == 1 else 's'}"


# ---------------------------------------------------------------- loading


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates what load_file notes unreadable records in."""
    connection.register("no_unreadable", _UNREADABLE.empty_table())
    connection.execute("create table unreadable as select * from no_unreadable")


def load_file(connection: duckdb.DuckDBPyConnection, csv: CsvSettings, number: int, file: LogFile, directory: Path) -> Loaded:
    """Loads one file as it is, as table raw_<number>, by way of `directory`. Raises OpslaError when it cannot be read as a whole."""
    with held_still(file):
        if file.format == "csv":
            return _load_csv(connection, csv, number, file, directory)
        return _load_parquet(connection, number, file)


def _load(
    connection: duckdb.DuckDBPyConnection, settings: EventLogSettings, number: int, file: LogFile, directory: Path
) -> Loaded:
    """Loads one file as table raw_<number> and appends its readable records to `records`."""
    loaded = load_file(connection, settings.csv, number, file, directory)
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
    return loaded


def _load_csv(
    connection: duckdb.DuckDBPyConnection, csv: CsvSettings, number: int, file: LogFile, directory: Path
) -> Loaded:
    target = directory / "records.csv"
    copy = copy_records(file.path, csv, target)
    types = ", ".join(f"'c{index}': 'varchar'" for index in range(len(copy.header)))
    quote = literal(csv.quote)
    connection.execute(f"""
        create table raw_{number} as
        select *
        from read_csv(
            {path_literal(target)}, auto_detect = false, header = false, columns = {{{types}}},
            delim = {literal(csv.delimiter)}, quote = {quote}, escape = {quote}, new_line = '\\n',
            max_line_size = {max(_LINE_BYTES, 2 * copy.longest_bytes)}, strict_mode = true
        )
    """)
    target.unlink()
    _require_all_rows(connection, number, file, copy)
    _note_unreadable(connection, number, copy)
    columns = [RawColumn(name, f"c{index}") for index, name in enumerate(copy.header)]
    return Loaded(file, columns, copy.first_row, copy.records)


def _require_all_rows(connection: duckdb.DuckDBPyConnection, number: int, file: LogFile, copy: CsvCopy) -> None:
    """The walk over the bytes and DuckDB's reader count alike, or nothing is loaded."""
    (loaded,) = connection.execute(f"select count(*) from raw_{number}").fetchall()[0]
    if loaded != copy.copied_rows:
        raise OpslaError(
            f"{file.path}: has {copy.copied_rows} records, but {loaded} came out of reading it; nothing is loaded. "
            "Please report this with the file"
        )


def _note_unreadable(connection: duckdb.DuckDBPyConnection, number: int, copy: CsvCopy) -> None:
    rejected = [(number, item.row_number, item.reason, item.text) for item in copy.unreadable]
    blank = [(number, row_number, None, None) for row_number in copy.blank_rows]
    rows = [dict(zip(_UNREADABLE.names, row, strict=True)) for row in (*rejected, *blank)]
    found = pa.Table.from_pylist(rows, schema=_UNREADABLE)
    connection.register("found_unreadable", found)
    connection.execute("insert into unreadable select * from found_unreadable")
    connection.unregister("found_unreadable")


def _load_parquet(connection: duckdb.DuckDBPyConnection, number: int, file: LogFile) -> Loaded:
    path = path_literal(file.path)
    try:
        described = connection.execute(f"describe select * from read_parquet({path})").fetchall()
        cells = [f"{_as_text(_quoted(name), kind)} as c{index}" for index, (name, kind, *_) in enumerate(described)]
        cells += [f"{_is_text(_quoted(name))} as c{index}_is_text" for index, (name, kind, *_) in enumerate(described) if kind == _BYTES]
        connection.execute(f"create table raw_{number} as select {', '.join(cells)} from read_parquet({path})")
    except duckdb.Error as error:
        raise OpslaError(f"{file.path}: cannot be read as parquet: {error}") from error
    columns = [_parquet_column(name, f"c{index}", kind) for index, (name, kind, *_) in enumerate(described)]
    (rows,) = connection.execute(f"select count(*) from raw_{number}").fetchall()[0]
    return Loaded(file, columns, 1, rows)


def _parquet_column(name: str, sql: str, kind: str) -> RawColumn:
    return RawColumn(
        name, sql, is_stamp=_is_stamp(kind), is_floating=kind in _EXACT_UP_TO,
        is_text_sql=f"{sql}_is_text" if kind == _BYTES else None,
    )  # fmt: skip


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_stamp(kind: str) -> bool:
    """A DATE is none: it says no instant, and goes the way of the same text in a CSV file."""
    return kind.startswith("TIMESTAMP")


def _as_text(column: str, kind: str) -> str:
    """What the cell would say in a CSV file, so that CSV and parquet go the same way from here."""
    if _is_stamp(kind):
        return _stamp_as_text(column, kind)
    if kind in _EXACT_UP_TO:
        return _number_as_text(column, kind)
    if kind == _BYTES:
        return f"coalesce({_decoded(column)}, cast({column} as varchar))"
    return f"cast({column} as varchar)"


def _stamp_as_text(column: str, kind: str) -> str:
    """ISO text of a typed stamp. Digits below a microsecond are left off (%f): a cast of nanoseconds would round them up."""
    offset = "Z" if kind.startswith("TIMESTAMPTZ") or kind.endswith("WITH TIME ZONE") else ""
    return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%f{offset}')"


def _number_as_text(column: str, kind: str) -> str:
    """Text of a floating-point number, a whole one as an integer column would have it; NaN is pandas' word for a missing number."""
    is_exact = f"{column} = trunc({column}) and abs({column}) <= {_EXACT_UP_TO[kind]}"
    whole = f"cast(try_cast({column} as bigint) as varchar)"
    return f"case when {is_exact} then {whole} when not isnan({column}) then cast({column} as varchar) end"


def _decoded(column: str) -> str:
    """Text of bytes, which some writers leave unmarked; NULL for what is not UTF-8."""
    return f"try(decode({column}))"


def _is_text(column: str) -> str:
    return f"{column} is null or {_decoded(column)} is not null"


def _require_columns(settings: EventLogSettings, loaded: Loaded) -> None:
    path = loaded.file.path
    names = [column.name for column in loaded.columns]
    wanted = dict.fromkeys(settings.order_by, "order_by")
    wanted.update({column: f"columns.{field}" for field in settings.columns.mapped() for column in settings.columns.of(field)})
    for column, place in wanted.items():
        if column not in names:
            raise OpslaError(
                f"{path}: column {column!r} is missing, which sources.yml names ({settings.name}: {place}); "
                f"found the columns {', '.join(names)}"
            )
        if names.count(column) > 1:
            raise OpslaError(f"{path}: column {column!r} appears {names.count(column)} times; rename all but one")


# ---------------------------------------------------------------- judging


def _number(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings) -> None:
    """source_sequence: the place of a record among all records of its case, in the source's own order."""
    orders = [f"order_{n}.{part} nulls last" for n in range(len(settings.order_by)) for part in ("number", "text")]
    orders += ["file_number", "row_number desc" if settings.newest_first else "row_number"]
    connection.execute(f"""
        create table numbered as
        select
            *,
            row_number() over (
                partition by case_id
                order by {", ".join(orders)}
            ) as source_sequence
        from records
    """)
    connection.execute("drop table records")


def _judge_cases(connection: duckdb.DuckDBPyConnection, settings: EventLogSettings, desk: DeskSettings) -> None:
    """Table `judged`: rows with event id and intake, and the faults that only show beside other rows.

    Without an intake column a case came in with its first event; unless the record that says so was rejected: the next one came later.
    """
    first_event = "min(coalesce(event_ts, ingestion_ts)) filter (fault is null)"
    opening = "bool_or(fault is not null and status = 'INTAKE') and not bool_or(fault is null and status = 'INTAKE')"
    intake, is_opening_rejected = (
        ("arg_min(intake_ts, source_sequence) filter (fault is null)", "false") if settings.columns.intake_ts else (first_event, opening)
    )
    connection.execute(f"""
        create table judged as
        with identified as (
            {_identified(settings)}
        ),
        intakes as (
            select case_id, {intake} as case_intake_ts, {is_opening_rejected} as is_opening_rejected
            from identified
            group by case_id
        ),
        dated as (
            select
                identified.* exclude (intake_ts),
                case_intake_ts as intake_ts,
                is_opening_rejected,
                cast(timezone({literal(desk.timezone)}, timezone('UTC', case_intake_ts)) as date) as intake_date
            from identified
            left join intakes using (case_id)
        )
        select
            * exclude (fault, is_opening_rejected),
            case
                when fault is not null then fault
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

    The place is padded, so that event ids of a case sort as its records do: ties are broken by event id downstream.
    """
    if settings.columns.event_id is None:
        return "select * replace (case_id || '#' || printf('%04d', source_sequence) as event_id) from numbered"
    return """
            select * replace (
                case
                    when fault is not null then fault
                    when row_number() over (
                        partition by fault is null, event_id
                        order by file_number, row_number
                    ) > 1 then struct_pack(
                        field := 'event_id', reason := 'an earlier record has the same event id ' || event_id
                    )
                end as fault
            )
            from numbered
    """


# ---------------------------------------------------------------- writing


def _write_events(connection: duckdb.DuckDBPyConnection, directory: Path) -> None:
    """EVENTS_FILE: one row a used record with what it says of its case, by intake date, so that a day is read fast."""
    connection.execute(f"""
        copy (
            with used as (
                select * replace (coalesce(ingestion_ts, event_ts) as ingestion_ts)
                from judged
                where fault is null
            )
            select
                event_id, case_id, intake_date, intake_ts, status, source_status, event_ts, ingestion_ts,
                source_sequence, team, agent, tier, case_type, priority, category, brand, region, channel, customer, tags,
                resolved_ts, closed_ts, is_sla_met,
                file_number, row_number,
                md5(cast(to_json(struct_pack(
                    a := event_id, b := case_id, c := status, d := source_status, e := event_ts, f := ingestion_ts,
                    g := source_sequence, h := team, i := agent, j := tier, k := case_type, l := priority, m := brand,
                    n := region, o := channel, p := customer, q := tags
                )) as varchar)) as event_digest
            from used
            order by intake_date, case_id, source_sequence
        ) to {literal(str(directory / EVENTS_FILE))} (format parquet, compression zstd)
    """)


def _write_rejected(
    connection: duckdb.DuckDBPyConnection, settings: EventLogSettings, loaded: Sequence[Loaded], directory: Path
) -> None:
    """REJECTED_FILE: the columns of REJECTED_ROWS, in the order of files and records."""
    rejected = " union all ".join(_rejected_of(number, item) for number, item in enumerate(loaded))
    connection.execute(f"""
        copy (
            select {literal(settings.name)} as source, * exclude (file_number)
            from ({rejected})
            order by file_number, row_number
        ) to {literal(str(directory / REJECTED_FILE))} (format parquet, compression zstd)
    """)


def _rejected_of(number: int, loaded: Loaded) -> str:
    record = ", ".join(f"{literal(column.name)}, raw_{number}.{column.sql}" for column in loaded.columns)
    file = literal(str(loaded.file.path))
    return f"""
        select
            judged.file_number, {file} as file, judged.row_number, judged.case_id, judged.fault.field as field,
            judged.fault.reason as reason, cast(json_object({record}) as varchar) as record
        from judged
        inner join raw_{number} on raw_{number}.rowid + {loaded.first_row} = judged.row_number
        where judged.file_number = {number} and judged.fault is not null
        union all
        select
            file_number, {file} as file, row_number, cast(null as varchar) as case_id, '{WHOLE_RECORD}' as field,
            reason, cast(json_object('text', text) as varchar) as record
        from unreadable
        where file_number = {number} and reason is not null
    """


def _count(
    connection: duckdb.DuckDBPyConnection, settings: EventLogSettings, directory: Path, rows: int
) -> SourceCounts:
    used, cases, used_cases = connection.execute("""
        select
            count(*) filter (fault is null),
            count(distinct case_id),
            count(distinct case_id) filter (fault is null)
        from judged
    """).fetchall()[0]
    path = path_literal(directory / REJECTED_FILE)
    (rejected,) = connection.execute(f"select count(*) from read_parquet({path})").fetchall()[0]
    if used + rejected != rows:
        raise OpslaError(
            f"source {settings.name}: {rows} records were read, but {used} are used and {rejected} rejected; "
            "nothing is loaded. Please report this with the files"
        )
    return SourceCounts(rows, used, rejected, cases, used_cases)
