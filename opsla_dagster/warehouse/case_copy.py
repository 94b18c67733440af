"""The published copy of single cases: what `explain`, the desk at any instant and a what-if read beside the marts.

The marts are small and copied whole, table by table. Cases are as long as the desk's history, so what is copied of them is the file of the warehouse,
byte by byte: a tenth of what it takes to write its tables again, or less. That file, the base, stays as long as few intake dates have changed since; beside
it lies a second one with the dates that have and with what has no dates. So a refresh costs the same however long the history is. The marts name the
files that belong to them (`ops.published_cases`): who opens the marts finds the cases of the very same publication.

Belongs here: making the files, finding those that go with some marts, and reading them as one. Does not belong here: when they are made (publish.py),
and any query.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import uuid4

import duckdb

from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.settings.home import Home
from opsla_dagster.warehouse import file_copy
from opsla_dagster.warehouse.connection import table_names
from opsla_dagster.warehouse.schema_version import VERSION_TABLE
from opsla_dagster.warehouse.sql import literal
from opsla_dagster.warehouse.write import all_or_nothing

#: One row in the published marts: the name of the publication, and when it was made (UTC).
PUBLICATION_TABLE = "ops.publication"
#: In the published marts: the files with their cases.
CASES_TABLE = "ops.published_cases"
#: Read by explain, by the desk at an instant, and by policy-diff. What the desk's sources do not feed is not there.
COPIED = (
    "ops.source_watermarks", "raw.applied_targets", "raw.attribute_changes", "raw.rejected_rows", "raw.source_partitions",
    "staging.backlog_clocks", "staging.backlog_spans", "staging.business_time", "staging.case_dimensions", "staging.case_milestones",
    "staging.case_sla_policies", "staging.events_clean", "staging.events_deduped", "staging.messages_deduped", "staging.ownership_spans",
    "staging.ownership_stints", "staging.schedule_change_clocks", "staging.sla_clock_spans", "staging.sla_clocks", "staging.sla_metric_rules",
    "staging.sla_policies", "staging.source_clock_comparison", "staging.status_spans",
)  # fmt: skip
#: What each date was made from.
_MADE_FROM = "ops.refreshed_partitions"
#: In the second file: the dates that are not read from the base.
_REPLACED = "ops.replaced_dates"
#: A new base costs what the warehouse is long, a second file what it holds: up to this share of the dates, and half a year.
_REPLACED_AT_MOST, _DAYS_AT_MOST = 0.3, 184
#: A replaced date has the groups of rows that held it written anew: about what a day has, not DuckDB's 122,880.
_ROWS_A_GROUP = 16_384
_BASE, _SINCE = "base", "since"


@contextmanager
def copied_cases(connection: duckdb.DuckDBPyConnection, home: Home) -> Iterator[list[Path]]:
    """The files with the cases of the open warehouse; they are whole once this is left, and nobody reads them until some marts name them.

    Meanwhile the warehouse may be read, and not written. Raises duckdb.Error and OSError where one cannot be written.
    """
    home.case_copies.mkdir(parents=True, exist_ok=True)
    shape = _shape(connection)
    published = published_cases(home)
    if published is not None:
        forget_other_copies(home, published)  # of runs that were killed, or had no room: there has to be room for another one
    before = [file for file in published or () if f"-{shape}-" in file.name]
    changed = _changed_dates(connection, before)
    if changed is not None:
        yield [before[0], _write_since(connection, home.case_copies / f"{_SINCE}-{shape}-{uuid4().hex}.duckdb", before[1:], changed)]
        return
    with _copying_base(connection, home, home.case_copies / f"{_BASE}-{shape}-{uuid4().hex}.duckdb") as base:
        yield [base]


def record_cases(connection: duckdb.DuckDBPyConnection, schema: str, files: Sequence[Path]) -> None:
    """The table of the marts, attached as `schema`, that says which files have their cases."""
    connection.execute(f"create table {schema}.{CASES_TABLE} as select unnest($files) as file_name", {"files": [file.name for file in files]})


def published_cases(home: Home) -> list[Path] | None:
    """The files with the cases of the marts that are published now; none before there are any. None where nobody can tell: the marts are damaged, or another program has opened them to write."""
    if not home.marts_database.exists():
        return []
    try:
        with duckdb.connect(str(home.marts_database), read_only=True) as connection:
            return cases_of(connection, home)
    except duckdb.Error:
        return None


def cases_of(marts: duckdb.DuckDBPyConnection, home: Home) -> list[Path]:
    """The files with the cases that were published with these marts, the base first; none where they name none, or one of them is gone."""
    try:
        found = marts.execute(f"select file_name from {CASES_TABLE} order by file_name").fetchall()
    except duckdb.CatalogException:
        return []
    files = [home.case_copies / Path(name).name for (name,) in found]
    is_whole = bool(files) and files[0].name.startswith(_BASE) and all(file.exists() for file in files)
    return files if is_whole else []


def attach_cases(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], name: str) -> dict[str, str]:
    """Attaches the files of a publication (or a warehouse alone) as `name` and a number; returns the SELECT of each table of cases over them."""
    if not files:
        return {}
    for number, file in enumerate(files):
        connection.execute(f"attach {literal(str(file))} as {name}_{number} (read_only)")
    found = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = $base order by all", {"base": f"{name}_0"}
    ).fetchall()
    held = [table for (table,) in found if table in (*COPIED, _MADE_FROM)]
    if len(files) == 1:
        return {table: f"select * from {name}_0.{table}" for table in held}
    return {table: _select(table, f"{name}_0", f"{name}_1") for table in held}


def forget_other_copies(home: Home, kept: Sequence[Path]) -> None:
    """Removes the files that only earlier publications name, and those that never came to be; who has one open can go on reading it."""
    for path in set(home.case_copies.iterdir()) - set(kept):
        if not path.is_dir():  # a disk of its own has a lost+found
            path.unlink(missing_ok=True)


def _select(table: str, base: str, since: str) -> str:
    """A table over the two files, attached under these names."""
    if not _is_dated(table):
        return f"select * from {since}.{table}"
    return f"select * from {base}.{table} where intake_date not in (select intake_date from {since}.{_REPLACED}) union all select * from {since}.{table}"


def _is_dated(table: str) -> bool:
    return TABLES[table].kind is Kind.PARTITIONED


def _copied_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [*sorted(table_names(connection).intersection(COPIED)), _MADE_FROM]


def _shape(connection: duckdb.DuckDBPyConnection) -> str:
    """Tells files apart whose tables have other columns, or are of another opsla."""
    columns = [(table, connection.execute(f"describe {table}").fetchall()) for table in _copied_tables(connection)]
    version = connection.execute(f"from {VERSION_TABLE}").fetchall()
    return hashlib.sha256(str((columns, version)).encode()).hexdigest()[:8]


@contextmanager
def _copying_base(connection: duckdb.DuckDBPyConnection, home: Home, file: Path) -> Iterator[Path]:
    """The warehouse's file, copied meanwhile. It says all there is once nothing is left in the log beside it."""
    connection.execute("checkpoint")
    log = _log_of(home.warehouse)
    if log.exists() and log.stat().st_size:
        raise OSError(f"{log} still has rows that {home.warehouse.name} has not")
    aside = file.with_suffix(".writing")
    command = [sys.executable, "-I", "-S", file_copy.__file__, str(home.warehouse), str(aside)]
    try:
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as copying:
            try:
                yield file
                _, told = copying.communicate()
            except BaseException:
                copying.kill()
                raise
        if copying.returncode:
            raise OSError(f"{aside}: {' '.join(told.decode(errors='replace').strip().splitlines()[-1:])}")
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)


def _log_of(database: Path) -> Path:
    """DuckDB's log beside a file: what is not in the file yet."""
    return database.with_name(f"{database.name}.wal")


def _changed_dates(connection: duckdb.DuckDBPyConnection, before: Sequence[Path]) -> list[date] | None:
    """Dates that are not as the files before have them, or that only one of the two has; None where a new base is due."""
    if not before:
        return None
    try:
        with _attached(connection, before, "read_only") as copies:
            copied = f"select * from {copies[0]}.{_MADE_FROM}" if len(copies) == 1 else _select(_MADE_FROM, *copies)
            changed = {day for (day,) in connection.execute(_CHANGED_DATES.format(copied=copied)).fetchall()}
            replaced = {day for (day,) in connection.execute(f"from {copies[1]}.{_REPLACED}").fetchall()} if len(copies) > 1 else set()
    except (duckdb.IOException, duckdb.SerializationException, duckdb.CatalogException):  # damaged
        return None
    held = connection.execute(f"select count(distinct intake_date) from {_MADE_FROM}").fetchone() or (0,)
    return sorted(changed) if len(changed | replaced) <= min(held[0] * _REPLACED_AT_MOST, _DAYS_AT_MOST) else None


_CHANGED_DATES = f"""
    select distinct coalesce(made.intake_date, copied.intake_date)
    from {_MADE_FROM} as made
    full join ({{copied}}) as copied on made.source = copied.source and made.intake_date = copied.intake_date
    where
        (made.fingerprint, made.digest, made.as_of_at, made.cases, made.events)
        is distinct from (copied.fingerprint, copied.digest, copied.as_of_at, copied.cases, copied.events)
"""


def _write_since(connection: duckdb.DuckDBPyConnection, file: Path, before: Sequence[Path], changed: Sequence[date]) -> Path:
    """The second file: as `before` (at most one file) has it, with the dates that have changed since, and what has no dates. Aside, then renamed: it is whole."""
    aside = file.with_suffix(".writing")
    try:
        for each in before:
            file_copy.copy_file(str(each), str(aside))
        with _attached(connection, [aside], f"row_group_size {_ROWS_A_GROUP}") as (since,):
            statements = [*(() if before else _created(connection, since)), *_replaced(connection, since, changed)]
            with all_or_nothing(connection):  # a file that an aborted transaction has seen could not be detached
                for statement in statements:
                    connection.execute(statement)
        aside.replace(file)
    finally:
        for left in (aside, _log_of(aside)):
            left.unlink(missing_ok=True)
    return file


def _created(connection: duckdb.DuckDBPyConnection, since: str) -> Iterator[str]:
    tables = _copied_tables(connection)
    yield from (f"create schema {since}.{schema}" for schema in sorted({table.split(".")[0] for table in tables}))
    yield f"create table {since}.{_REPLACED} (intake_date date)"
    yield from (f"create table {since}.{table} as from {table} limit 0" for table in tables)


def _replaced(connection: duckdb.DuckDBPyConnection, since: str, changed: Sequence[date]) -> Iterator[str]:
    inside = f"where intake_date in ({', '.join(f'date {literal(str(day))}' for day in changed)})" if changed else "where false"
    yield f"delete from {since}.{_REPLACED} {inside}"
    yield from (f"insert into {since}.{_REPLACED} values (date {literal(str(day))})" for day in changed)
    for table in _copied_tables(connection):
        which = inside if _is_dated(table) else ""
        if not _is_dated(table) or changed:
            yield f"delete from {since}.{table} {which}"
            yield f"insert into {since}.{table} from {table} {which}"


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], option: str) -> Iterator[list[str]]:
    """The files, attached under names that no other ones ever have: a transaction that has seen two files of one name is broken."""
    names: list[str] = []
    try:
        for file in files:
            name = f"cases_{uuid4().hex}"
            connection.execute(f"attach {literal(str(file))} as {name} ({option})")
            names.append(name)
        yield names
    finally:
        for name in names:
            connection.execute(f"detach {name}")
