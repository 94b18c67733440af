"""The published copy of single cases: what `explain`, the desk at any instant and a what-if read beside the marts.

The marts are small and copied whole. Cases are as long as the desk's history, so their copy is a DuckDB file a half-year of intake dates, named for
what these dates were made from: one that is there already is right, and of one with a few changed dates the file before is taken over and these
dates are replaced. So a refresh costs the same however long the history is. What has no dates is one more file. The marts name the files that
belong to them (`ops.published_cases`): who opens the marts finds the cases of the very same publication.

Belongs here: making the files, finding those that go with some marts, and attaching them. Does not belong here: when they are made (publish.py),
and any query.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from uuid import uuid4

import duckdb

from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.settings.home import Home
from opsla_dagster.warehouse.connection import table_names
from opsla_dagster.warehouse.schema_version import VERSION_TABLE
from opsla_dagster.warehouse.sql import literal

#: One row in the published marts: the name of the publication, and when it was made (UTC).
PUBLICATION_TABLE = "ops.publication"
#: In the published marts: the files with their cases.
CASES_TABLE = "ops.published_cases"
#: Read by explain, by the desk at an instant, and by policy-diff. What the desk's sources do not feed is not there.
COPIED = (
    "ops.source_watermarks", "raw.applied_targets", "raw.attribute_changes", "raw.rejected_rows", "raw.source_partitions",
    "staging.business_time", "staging.sla_metric_rules", "staging.case_dimensions",
    "staging.case_milestones", "staging.ownership_spans",
    "staging.ownership_stints", "staging.case_sla_policies", "staging.events_clean", "staging.messages_deduped",
    "staging.schedule_change_clocks", "staging.sla_clock_spans", "staging.sla_clocks", "staging.source_clock_comparison",
    "staging.status_spans",
)  # fmt: skip
#: What nobody reads there, a sixth of the copy: the summary of a case's events, which are there themselves, and what the seconds of stints are made of.
_LEFT_OUT = {
    "staging.case_milestones": frozenset({
        "assigned_ts", "investigation_ts", "escalated_ts", "review_qa_ts", "last_resolved_ts", "reopened_ts", "cancelled_ts", "closed_ts",
        "event_count", "is_triage_before_intake", "source_resolved_ts", "source_closed_ts", "source_is_sla_met",
    }),
    "staging.events_clean": frozenset({"event_ts", "ingestion_ts"}),  # canonical_ts is the one of them that counts
    "staging.ownership_spans": frozenset({
        "held_to_at", "is_team_new", "is_team_left", "calendar", "calendar_seconds", "business_seconds", "inactive_calendar_seconds",
        "inactive_business_seconds",
    }),
}  # fmt: skip
#: Of staging.events_deduped only what staging.events_clean does not have, and only where there is something to tell.
EVENT_COPIES = "staging.event_copies"
_EVENT_COPIES = "select intake_date, case_id, event_id, copies from staging.events_deduped where copies > 1"
#: What each date of the copy was made from.
_MADE_FROM = "ops.refreshed_partitions"
#: From this share of its dates on, a new file is written: as fast, and without the holes that replaced rows leave.
_REPLACED_AT_MOST = 0.3
#: A replaced date has the groups of rows that held it written anew: about what a day has, not DuckDB's 122,880.
_ROWS_A_GROUP = 16_384
#: How much of a file's name says the half-year and the shape of its tables: `2025-07-1a2b3c4d-`.
_STEM = 17


def copy_cases(connection: duckdb.DuckDBPyConnection, home: Home) -> list[Path]:
    """Writes the cases of the open warehouse to files of the home that are not there yet; returns all there are to be, which nobody reads until some marts name them.

    Raises duckdb.Error and OSError where one cannot be written.
    """
    half_years = copy_half_years(connection, home)
    return [_write_undated(connection, home.case_copies, _selects(connection)), *half_years]


def copy_half_years(connection: duckdb.DuckDBPyConnection, home: Home) -> list[Path]:
    """Of `copy_cases` those files that rest on dates."""
    home.case_copies.mkdir(parents=True, exist_ok=True)
    selects = _selects(connection)
    shape = _digest(str([(table, _shape(connection, select)) for table, select in selects.items()]), str(connection.execute(f"from {VERSION_TABLE}").fetchall()))[:8]
    before = {file.name[:_STEM]: file for file in published_cases(home)}
    files = []
    for first_date, made_from in connection.execute(_HALF_YEARS).fetchall():
        stem = f"{first_date:%Y-%m}-{shape}-"
        file = home.case_copies / f"{stem}{_digest(made_from)[:16]}.duckdb"
        if not file.exists():
            _write_half_year(connection, file, selects, first_date, before.get(stem))
        files.append(file)
    return files


def record_cases(connection: duckdb.DuckDBPyConnection, schema: str, files: Sequence[Path]) -> None:
    """The table of the marts, attached as `schema`, that says which files have their cases."""
    connection.execute(f"create table {schema}.{CASES_TABLE} as select unnest($files) as file_name", {"files": [file.name for file in files]})


def published_cases(home: Home) -> list[Path]:
    """The files with the cases of the marts that are published now; none before there are any."""
    if not home.marts_database.exists():
        return []
    try:
        with duckdb.connect(str(home.marts_database), read_only=True) as connection:
            return cases_of(connection, home)
    except duckdb.Error:
        return []


def cases_of(marts: duckdb.DuckDBPyConnection, home: Home) -> list[Path]:
    """The files with the cases that were published with these marts; none where they name none, or one of them is gone."""
    try:
        found = marts.execute(f"select file_name from {CASES_TABLE} order by file_name").fetchall()
    except duckdb.CatalogException:
        return []
    files = [home.case_copies / Path(name).name for (name,) in found]
    return files if all(file.exists() for file in files) else []


def attach_cases(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], name: str) -> dict[str, str]:
    """Attaches DuckDB files that have parts of the same tables, as `name` and a number; returns the SELECT of each table over all of them."""
    for number, file in enumerate(files):
        connection.execute(f"attach {literal(str(file))} as {name}_{number} (read_only)")
    found = connection.execute(
        "select database_name, schema_name || '.' || table_name from duckdb_tables() where list_contains($names, database_name) "
        "union all select database_name, schema_name || '.' || view_name from duckdb_views() where list_contains($names, database_name) and not internal "
        "order by all",
        {"names": [f"{name}_{number}" for number in range(len(files))]},
    ).fetchall()
    parts: dict[str, list[str]] = {}
    for database, table in found:
        parts.setdefault(table, []).append(f"select * from {database}.{table}")
    return {table: " union all ".join(selects) for table, selects in parts.items()}


def forget_other_copies(home: Home, kept: Sequence[Path]) -> None:
    """Removes the files that only earlier publications name, and those that never came to be; who has one open can go on reading it."""
    for path in set(home.case_copies.iterdir()) - set(kept):
        path.unlink(missing_ok=True)


def _selects(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What each table of the copy holds; those that the warehouse has."""
    held = table_names(connection)
    selects = {table: f"select {', '.join(_columns(table))} from {table}" for table in COPIED if table in held}
    if "staging.events_deduped" in held:
        selects[EVENT_COPIES] = _EVENT_COPIES
    return selects | {_MADE_FROM: f"select * from {_MADE_FROM}"}


def _columns(table: str) -> list[str]:
    left_out = _LEFT_OUT.get(table, frozenset())
    return [column.name for column in TABLES[table].columns if column.name not in left_out]


def _is_dated(table: str) -> bool:
    return table == EVENT_COPIES or (table in TABLES and TABLES[table].kind is Kind.PARTITIONED)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


#: What each half-year of intake dates was made from. (Of shorter times each would be looked for in tables that have the dates of a part, half a year
#: of the demo, in no order: six months cost half as much again as the half-year.)
_HALF_YEARS = f"""
    select
        cast(date_trunc('year', intake_date) + case when month(intake_date) > 6 then interval 6 month else interval 0 month end as date) as first_date,
        string_agg(source || ' ' || intake_date || ' ' || digest || ' ' || as_of_at || ' ' || cases || ' ' || events, ';' order by intake_date, source)
    from {_MADE_FROM}
    group by first_date
    order by first_date
"""


def _write_undated(connection: duckdb.DuckDBPyConnection, directory: Path, selects: dict[str, str]) -> Path:
    """What has no dates, under a name of its own; of what has dates it tells the columns."""
    file = directory / f"all-{uuid4().hex}.duckdb"
    with _writing(connection, file) as copy:
        _write_tables(connection, copy, {table: f"from ({select}) where false" if _is_dated(table) else select for table, select in selects.items()})
    return file


def _write_half_year(connection: duckdb.DuckDBPyConnection, file: Path, selects: dict[str, str], first_date: date, before: Path | None) -> None:
    """The dates of a half-year, where possible as `before` (an earlier file of them) has them."""
    inside = f"intake_date >= date '{first_date}' and intake_date < date '{first_date}' + interval 6 month"
    if before is not None and _is_mostly_as_before(connection, before, inside):
        with _writing(connection, file, before) as copy:
            _replace_changed_dates(connection, copy, selects, inside)
        return
    with _writing(connection, file) as copy:
        _write_tables(connection, copy, {table: f"from ({select}) where {inside}" for table, select in selects.items() if _is_dated(table)})


@contextmanager
def _writing(connection: duckdb.DuckDBPyConnection, file: Path, before: Path | None = None) -> Iterator[str]:
    """`file`, attached and as `before` has it, is written aside, then renamed: one that bears the name is whole."""
    aside = file.with_suffix(".writing")
    aside.unlink(missing_ok=True)
    try:
        if before is not None:
            _copy_file(before, aside)
        with _attached(connection, aside, f"row_group_size {_ROWS_A_GROUP}") as copy:
            yield copy
        aside.replace(file)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, file: Path, option: str) -> Iterator[str]:
    """The file, attached under a name that no other one ever has: a transaction of the run that has seen two files of one name is broken."""
    copy = f"cases_{uuid4().hex}"
    connection.execute(f"attach {literal(str(file))} as {copy} ({option})")
    try:
        yield copy
    finally:
        connection.execute(f"detach {copy}")


def _is_mostly_as_before(connection: duckdb.DuckDBPyConnection, before: Path, inside: str) -> bool:
    try:
        with _attached(connection, before, "read_only") as copy:
            changed, held = connection.execute(
                f"select (select count(*) from ({_changed_dates(copy, inside)})), (select count(distinct intake_date) from {_MADE_FROM} where {inside})"
            ).fetchone() or (0, 0)
    except (duckdb.IOException, duckdb.SerializationException, duckdb.CatalogException):  # damaged, or of another opsla
        return False
    return bool(changed <= held * _REPLACED_AT_MOST)


def _shape(connection: duckdb.DuckDBPyConnection, select: str) -> list[tuple[str, str]]:
    try:
        return [(row[0], row[1]) for row in connection.execute(f"describe {select}").fetchall()]
    except duckdb.CatalogException:
        return []


def _changed_dates(copy: str, inside: str) -> str:
    """Dates that were made anew since the copy, or that only one of the two has."""
    return f"""
        select distinct coalesce(made.intake_date, copied.intake_date) as intake_date
        from (from {_MADE_FROM} where {inside}) as made
        full join {copy}.{_MADE_FROM} as copied on made.source = copied.source and made.intake_date = copied.intake_date
        where (made.digest, made.as_of_at, made.cases, made.events) is distinct from (copied.digest, copied.as_of_at, copied.cases, copied.events)
    """


def _replace_changed_dates(connection: duckdb.DuckDBPyConnection, copy: str, selects: dict[str, str], inside: str) -> None:
    dates = [row[0] for row in connection.execute(f"{_changed_dates(copy, inside)} order by intake_date").fetchall()]
    listed = ", ".join(f"date '{day}'" for day in dates)
    connection.begin()
    try:
        for table, select in selects.items():
            if _is_dated(table):
                connection.execute(f"delete from {copy}.{table} where intake_date in ({listed})")
                connection.execute(f"insert into {copy}.{table} from ({select}) as made where intake_date in ({listed})")
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):  # a failed commit has rolled back already
            connection.rollback()  # in a transaction that was aborted nobody could detach the file, and the next one could not be attached
        raise


def _write_tables(connection: duckdb.DuckDBPyConnection, copy: str, selects: dict[str, str]) -> None:
    for schema in sorted({table.split(".")[0] for table in selects}):
        connection.execute(f"create schema {copy}.{schema}")
    for table, select in selects.items():
        connection.execute(f"create table {copy}.{table} as {select}")


def _copy_file(source: Path, target: Path) -> None:
    """A copy that shares the blocks where the file system can."""
    with source.open("rb") as read, target.open("wb") as written:
        left = os.fstat(read.fileno()).st_size
        while left:
            done = os.copy_file_range(read.fileno(), written.fileno(), left) if hasattr(os, "copy_file_range") else 0
            if not done:
                written.write(read.read(1 << 24))
                done = 1 << 24
            left = max(0, left - done)
