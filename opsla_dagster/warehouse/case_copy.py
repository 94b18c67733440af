"""The published copy of single cases: what `explain`, the desk at any instant and a what-if read beside the marts.

The marts are small and copied whole. Cases are as long as the desk's history, so their copy is taken over from the last publication and only
the intake dates that were made anew since then are replaced. Each copy is a file of its own name, which the marts published with it name: who
opens the marts finds the cases of the very same publication.

Belongs here: making the file, and finding the one that goes with some marts. Does not belong here: when it is made (publish.py), and any query.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import duckdb

from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.settings.home import Home
from opsla_dagster.warehouse.connection import table_names
from opsla_dagster.warehouse.schema_version import VERSION_TABLE
from opsla_dagster.warehouse.sql import literal

#: One row in the published marts: the name of the file with their cases, and when both were published (UTC).
PUBLICATION_TABLE = "ops.publication"
#: Read by explain, by the desk at an instant, and by policy-diff. What the desk's sources do not feed is not there.
COPIED = (
    "ops.source_watermarks", "raw.applied_targets", "raw.attribute_changes", "raw.rejected_rows", "raw.source_partitions",
    "staging.business_time", "staging.sla_metric_rules", "staging.case_dimensions",
    "staging.case_milestones", "staging.ownership_spans",
    "staging.ownership_stints", "staging.case_sla_policies", "staging.events_clean", "staging.messages_deduped",
    "staging.schedule_change_clocks", "staging.sla_clock_spans", "staging.sla_clocks", "staging.source_clock_comparison",
    "staging.status_spans",
)  # fmt: skip
#: Of staging.events_deduped only what staging.events_clean does not have, and only where there is something to tell.
EVENT_COPIES = "staging.event_copies"
_EVENT_COPIES = "select intake_date, case_id, event_id, copies from staging.events_deduped where copies > 1"
#: What each date of the copy was made from.
_MADE_FROM = "ops.refreshed_partitions"
#: From this share of the dates on, a new file is written: as fast, and without the holes that replaced rows leave.
_REPLACED_AT_MOST = 0.3
#: A replaced date has the groups of rows that held it written anew: about what a day has, not DuckDB's 122,880.
_ROWS_A_GROUP = 16_384


def copy_cases(connection: duckdb.DuckDBPyConnection, home: Home, publication: str) -> Path:
    """Writes the cases of the open warehouse to a new file of the home, which nobody reads until some marts name it; returns its path.

    Raises duckdb.Error and OSError where it cannot be written.
    """
    home.case_copies.mkdir(parents=True, exist_ok=True)
    target = home.case_copies / f"{publication}.duckdb"
    with suppress(FileNotFoundError):
        target.unlink()
    selects = _selects(connection)
    previous = published_cases(home)
    is_reused = previous is not None and _is_reusable(connection, previous, selects)
    try:
        if is_reused and previous is not None:
            _copy_file(previous, target)
        connection.execute(f"attach {literal(str(target))} as cases (row_group_size {_ROWS_A_GROUP})")
        try:
            if is_reused:
                _replace_changed_dates(connection, selects)
            else:
                _write_all(connection, selects)
        finally:
            connection.execute("detach cases")
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return target


def published_cases(home: Home) -> Path | None:
    """The file with the cases of the marts that are published now; None before there is one."""
    if not home.marts_database.exists():
        return None
    try:
        with duckdb.connect(str(home.marts_database), read_only=True) as connection:
            return cases_of(connection, home)
    except duckdb.Error:
        return None


def cases_of(marts: duckdb.DuckDBPyConnection, home: Home) -> Path | None:
    """The file with the cases that were published with these marts; None where they name none, or it is gone."""
    try:
        found = marts.execute(f"select publication from {PUBLICATION_TABLE}").fetchone()
    except duckdb.CatalogException:
        return None
    path = home.case_copies / f"{Path(str(found[0])).name}.duckdb" if found else None
    return path if path is not None and path.exists() else None


def forget_other_copies(home: Home, kept: Path) -> None:
    """Removes the copies of earlier publications, and of those that never came to be; who has one open can go on reading it."""
    for path in set(home.case_copies.iterdir()) - {kept}:
        path.unlink(missing_ok=True)


def _selects(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What each table of the copy holds; those that the warehouse has."""
    held = table_names(connection)
    selects = {table: f"select * from {table}" for table in COPIED if table in held}
    if "staging.events_deduped" in held:
        selects[EVENT_COPIES] = _EVENT_COPIES
    return selects | {_MADE_FROM: f"select * from {_MADE_FROM}", VERSION_TABLE: f"select * from {VERSION_TABLE}"}


def _is_dated(table: str) -> bool:
    return table == EVENT_COPIES or (table in TABLES and TABLES[table].kind is Kind.PARTITIONED and table != _MADE_FROM)


def _is_reusable(connection: duckdb.DuckDBPyConnection, previous: Path, selects: dict[str, str]) -> bool:
    """Whether the earlier copy has these very tables, by the same version, and most of its dates are as they were."""
    try:
        connection.execute(f"attach {literal(str(previous))} as cases (read_only)")
    except duckdb.Error:
        return False
    try:
        if any(_shape(connection, f"from cases.{table}") != _shape(connection, select) for table, select in selects.items()):
            return False
        changed, held = connection.execute(
            f"select (select count(*) from ({_CHANGED_DATES})), (select count(distinct intake_date) from {_MADE_FROM})"
        ).fetchone() or (0, 0)
        is_same_version = connection.execute(f"(from cases.{VERSION_TABLE} except from {VERSION_TABLE}) limit 1").fetchone() is None
        return is_same_version and changed <= held * _REPLACED_AT_MOST
    finally:
        connection.execute("detach cases")


def _shape(connection: duckdb.DuckDBPyConnection, select: str) -> list[tuple[str, str]]:
    try:
        return [(row[0], row[1]) for row in connection.execute(f"describe {select}").fetchall()]
    except duckdb.CatalogException:
        return []


#: Dates that were made anew since the copy, or that only one of the two has.
_CHANGED_DATES = f"""
    select distinct coalesce(made.intake_date, copied.intake_date) as intake_date
    from {_MADE_FROM} as made
    full join cases.{_MADE_FROM} as copied on made.source = copied.source and made.intake_date = copied.intake_date
    where (made.digest, made.as_of_at, made.cases, made.events) is distinct from (copied.digest, copied.as_of_at, copied.cases, copied.events)
"""


def _replace_changed_dates(connection: duckdb.DuckDBPyConnection, selects: dict[str, str]) -> None:
    dates = [row[0] for row in connection.execute(f"{_CHANGED_DATES} order by intake_date").fetchall()]
    connection.execute("begin")
    for table, select in selects.items():
        if not _is_dated(table):
            connection.execute(f"create or replace table cases.{table} as {select}")
        elif dates:
            listed = ", ".join(f"date '{day}'" for day in dates)
            connection.execute(f"delete from cases.{table} where intake_date in ({listed})")
            connection.execute(f"insert into cases.{table} from ({select}) as made where intake_date in ({listed})")
    connection.execute("commit")


def _write_all(connection: duckdb.DuckDBPyConnection, selects: dict[str, str]) -> None:
    for schema in sorted({table.split(".")[0] for table in selects}):
        connection.execute(f"create schema cases.{schema}")
    for table, select in selects.items():
        connection.execute(f"create table cases.{table} as {select}")


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
