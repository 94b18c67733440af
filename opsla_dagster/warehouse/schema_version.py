"""The schema version of a warehouse, and the upgrade of an older one (docs/decisions/0031-schema-version-and-upgrades.md).

Belongs here: which version a DuckDB file is of, what of it is not as the catalog has it, and bringing it there without losing what
was loaded. Does not belong here: making tables anew; the next run does that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from opsla_dagster import __version__
from opsla_dagster.catalog import TABLES, Kind, Table
from opsla_dagster.errors import OpslaError
from opsla_dagster.warehouse.relations import HERE, relations

#: Raised by one in the first change after a release that alters a table's columns or what a source's rows mean. Every loaded date is
#: made anew after that.
SCHEMA_VERSION = 2
#: One row: the schema version of the file, and the opsla that brought it there. No asset: it describes the file, not the desk.
VERSION_TABLE = "ops.schema_version"
#: Tables of earlier versions that are gone or have another name; an upgrade removes them. Tables that it does not know may be somebody's own.
RETIRED = ("staging.case_owners", "ops.source_looks", "staging.sla_runs", "staging.sla_promises", "staging.sla_promise_calendars")
#: Those of them whose rows go on under another name: nothing else remembers them.
_RENAMED = {"ops.source_looks": "ops.source_watermarks"}
#: Layers that hold what was loaded, and what of it was made: kept. The others are made from them.
_KEPT_LAYERS = ("raw", "ops")
#: The one release that wrote no version.
_FIRST = (1, "0.1.0")


@dataclass(frozen=True)
class _Held:
    """What a file has: its tables with (name, type) of their columns in order, its views, and the version written in it."""

    tables: dict[str, list[tuple[str, str]]]
    views: set[str]
    schema_version: int
    opsla_version: str

    @property
    def is_published_copy(self) -> bool:
        """Nothing was loaded into it, and its views are tables: its version alone tells what they are."""
        return bool(self.tables) and not any(name.startswith(("raw.", "staging.")) for name in self.tables)


@dataclass(frozen=True)
class Upgrade:
    """What an older file needs: tables with other columns than the catalog's, and retired ones; `opsla_version` made it."""

    opsla_version: str
    tables: tuple[str, ...]

    def told(self, home: Path) -> str:
        """What happens to the home, in one line."""
        return (
            f"{home}: was made by {_told_apart(self.opsla_version)}; it is upgraded to {__version__}: what is loaded is made anew and published, "
            "and the history of runs stays."
        )


def refuse_newer(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raises OpslaError where a later opsla than this one made the file."""
    _refuse_newer(_held(connection), path)


def needed_upgrade(connection: duckdb.DuckDBPyConnection) -> Upgrade | None:
    """What the file needs to be as the catalog has it; None where it is, and where it holds nothing yet."""
    return _needed(_held(connection))


def require_current(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raises OpslaError where the file is of a later opsla, or of an earlier one and not upgraded yet."""
    held = _held(connection)
    _refuse_newer(held, path)
    if _needed(held) is not None:
        raise OpslaError(
            f"{path}: is of {_told_apart(held.opsla_version)}, and this is opsla {__version__}; run `opsla refresh`: it upgrades this home, "
            "makes what is loaded anew and publishes it"
        )


def _told_apart(opsla_version: str) -> str:
    """Between two releases a change of the tables has no version of its own."""
    return f"an earlier state of opsla {opsla_version}" if opsla_version == __version__ else f"opsla {opsla_version}"


def upgrade(connection: duckdb.DuckDBPyConnection, path: Path) -> Upgrade | None:
    """Brings a writable file to the catalog's schema, all or nothing, and says what it changed; None where nothing was to do.

    Rows of raw and ops, and of tables that nothing can make anew, stay, in the catalog's columns; a column they did not have is NULL until their dates are made anew. Derived
    tables with other columns are removed: the next run makes them. Raises OpslaError for a file of a later opsla, which stays as it is.
    """
    held = _held(connection)
    _refuse_newer(held, path)
    needed = _needed(held)
    if needed is None and VERSION_TABLE in held.tables and held.schema_version == SCHEMA_VERSION:
        return None
    connection.begin()
    try:
        for name in needed.tables if needed else ():
            _bring_up(connection, name, held)
        connection.execute(f"create or replace table {VERSION_TABLE} (schema_version integer, opsla_version varchar)")
        connection.execute(f"insert into {VERSION_TABLE} values (?, ?)", [SCHEMA_VERSION, __version__])
        connection.commit()
    except duckdb.Error as error:
        connection.rollback()
        raise OpslaError(f"{path}: could not be upgraded from opsla {held.opsla_version}, and is as it was: {error}") from error
    return needed


def _refuse_newer(held: _Held, path: Path) -> None:
    if held.schema_version > SCHEMA_VERSION:
        raise OpslaError(
            f"{path}: is of opsla {held.opsla_version} (schema version {held.schema_version}), and this is opsla {__version__}, which "
            f"knows versions up to {SCHEMA_VERSION}. Install opsla {held.opsla_version} or later, or name another home (OPSLA_HOME)."
        )


def _needed(held: _Held) -> Upgrade | None:
    if held.is_published_copy:
        return Upgrade(held.opsla_version, ()) if held.schema_version < SCHEMA_VERSION else None
    present = {*held.tables, *held.views}
    other = [name for name in present if name in RETIRED or (name in TABLES and _is_other(name, held))]
    is_older = VERSION_TABLE in held.tables and held.schema_version < SCHEMA_VERSION
    return Upgrade(held.opsla_version, tuple(sorted(other))) if other or is_older else None


def _is_other(name: str, held: _Held) -> bool:
    """Whether a table or view is not what the catalog says."""
    table = TABLES[name]
    if name in held.views:
        return table.kind is not Kind.VIEW
    if table.kind is Kind.VIEW:
        return True
    return held.tables[name] != [(column.name, column.type) for column in table.columns]


def _bring_up(connection: duckdb.DuckDBPyConnection, name: str, held: _Held) -> None:
    renamed = _RENAMED.get(name)
    if renamed is not None and renamed not in held.tables:
        connection.execute(f"create table {renamed} as select {_columns_of(renamed, name, held)} from {name}")
    if name in held.views:
        connection.execute(f"drop view {name}")
    elif name in RETIRED or not _is_kept(TABLES[name]):
        connection.execute(f"drop table {name}")
    else:
        connection.execute(f"create or replace table {name} as select {_columns_of(name, name, held)} from {name}")


def _is_kept(table: Table) -> bool:
    """Whether its rows stay: what was loaded, and what was told at the time, nothing makes anew."""
    return table.kind is Kind.KEPT or (table.schema in _KEPT_LAYERS and table.kind is not Kind.VIEW)


def _columns_of(table: str, old: str, held: _Held) -> str:
    """The columns of `table` as the catalog has them, read from the `old` one."""
    known = {column for column, _ in held.tables[old]}
    return ", ".join(
        f"cast({column.name if column.name in known else 'null'} as {column.type}) as {column.name}" for column in TABLES[table].columns
    )


def _held(connection: duckdb.DuckDBPyConnection) -> _Held:
    found = relations(connection)
    tables: dict[str, list[tuple[str, str]]] = {name: [] for name, kind in found if kind == "table"}
    views = {name for name, kind in found if kind == "view"}
    for name, column, data_type in connection.execute(
        f"select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() where {HERE} order by column_index"
    ).fetchall():
        if name in tables:
            tables[name].append((column, data_type))
    written = connection.execute(f"select schema_version, opsla_version from {VERSION_TABLE}").fetchone() if VERSION_TABLE in tables else None
    number, made_by = written or _FIRST
    return _Held(tables, views, int(number), str(made_by))
