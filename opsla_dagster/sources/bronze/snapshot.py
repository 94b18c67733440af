"""Snapshots of an account: its records unfolded once a state, in a DuckDB file that nobody writes to again.

Belongs here: building such a file from SQL, keeping and pruning it. Does not belong here: what the SQL says.

Under <cache>/<account>/ lie the snapshots, one file a state of bronze and mapping. So nobody who reads holds the bronze file, and
every answer of one object comes from one state.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.home import memory_bound
from opsla_dagster.sources.bronze.files import has_table, reading
from opsla_dagster.sources.bronze.progress import Progress, progress_in
from opsla_dagster.status import TERMINAL_STATUSES
from opsla_dagster.warehouse.sql import literal, parsed

#: To be raised when the same records and mapping begin to give other rows, so that older snapshots are left aside.
CANONICAL_VERSION = 3
_SQL = Path(__file__).parent / "sql"
#: In the order in which they are built, behind a system's own.
_BUILD = (
    "first_dimensions", "signals", "stored_cases", "stored_changes", "stored_messages", "stored_events", "stored_targets", "stored_verdicts",
    "stored_facts", "stored_links", "stored_rejected_rows",
)
_KEPT = 2
_UNFINISHED = "unfinished-"
_ABANDONED_AFTER_SECONDS = 86_400

Variables = dict[str, str | date | datetime | None]


class Plan:
    """What a system adds to a snapshot: its tables in order, one SELECT a file, and what they refer to.

    `words` make small tables of its own, when they are needed: making one loads pandas. `kept` names those of its tables that are
    read from the snapshot later.
    """

    def __init__(
        self, directory: Path, selects: Sequence[str], landed: Sequence[str], macros: Sequence[str] = (),
        words: Mapping[str, Callable[[], pa.Table]] | None = None, kept: Sequence[str] = (),
    ) -> None:
        self.selects = [(name, directory / f"{name}.sql") for name in selects]
        self.landed = landed
        self.macros = macros
        self.words = words or {}
        self.kept = kept

    def text(self) -> str:
        """All of it, to tell one version from another."""
        files = [path for _, path in self.selects] + sorted(_SQL.rglob("*.sql"))
        words = [f"{name} {rows().to_pylist()}" for name, rows in self.words.items()]
        return "\n".join([*self.macros, *self.landed, *words, *self.kept, *(read_select(path) for path in files)])


def read_select(path: Path) -> str:
    """The one SELECT in the file."""
    return path.read_text(encoding="utf-8")


def read_path(name: str) -> Path:
    """The SELECT that answers `name` from a snapshot."""
    return _SQL / "read" / f"{name}.sql"


def state_of(account: str, path: Path, required: Iterable[str]) -> tuple[str, dict[str, Progress]]:
    """A name for what is stored of the account, and how far its resources have come.

    Raises OpslaError when nothing is, or the first load has not come to the end of a required resource.
    """
    if not path.exists():
        raise OpslaError(f"source {account}: nothing was loaded yet ({path} is missing); load it first")
    with reading(account, path) as connection:
        progress = progress_in(connection)
        unfinished = [name for name in required if name not in progress or not progress[name].is_complete]
        if unfinished:
            raise OpslaError(
                f"source {account}: its first load has not come to the end yet ({', '.join(unfinished)}); load it again, it goes on "
                "where it stopped"
            )
        loads = connection.execute("select load_id from bronze._dlt_loads where status = 0 order by load_id").fetchall()
    return hashlib.sha256(repr(loads).encode()).hexdigest()[:16], progress


def take_snapshot(
    account: str, bronze: Path, cache: Path, key: str, plan: Plan, variables: Variables,
    prepare: Callable[[duckdb.DuckDBPyConnection], None],
) -> Path:
    """The snapshot `key`, built now unless it is there. Raises OpslaError when it cannot be."""
    home = cache / account
    path = home / f"{key}.duckdb"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            aside = home / f"{_UNFINISHED}{uuid.uuid4().hex}.duckdb"
            try:
                _build(bronze, aside, plan, variables, prepare)
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)
                aside.with_suffix(".duckdb.wal").unlink(missing_ok=True)
        path.touch()
        _prune(home)
    except OSError as error:
        raise OpslaError(f"{home}: the cache of source {account} cannot be written: {error.strerror or error}") from error
    except duckdb.Error as error:
        raise OpslaError(f"{bronze}: what was loaded of {account} cannot be unfolded: {error}") from error
    return path


def _build(
    bronze: Path, path: Path, plan: Plan, variables: Variables, prepare: Callable[[duckdb.DuckDBPyConnection], None]
) -> None:
    """Tables of the system live in memory only; what the readers need is written."""
    with reading(bronze.stem, bronze):  # waits while somebody loads
        pass
    connection = duckdb.connect(config={"temp_directory": str(path.parent / "spill"), **memory_bound()})
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach {literal(str(bronze))} as account (read_only)")
        connection.execute(f"attach {literal(str(path))} as snapshot")
        set_variables(connection, variables)
        _define(connection, plan)
        for name, rows in plan.words.items():
            create_table(connection, name, rows())
        prepare(connection)
        for name, file in plan.selects:
            connection.execute(parsed(connection, f"create temp table {name} as {read_select(file)}"))
        for name in _BUILD:
            select = read_select(_SQL / "build" / f"{name}.sql")
            if not name.startswith("stored_"):
                connection.execute(parsed(connection, f"create temp table {name} as {select}"))
                continue
            connection.execute(parsed(connection, f"create table snapshot.{name} as {select}"))
            connection.execute(f"create temp view {name} as select * from snapshot.{name}")
        for name in plan.kept:
            connection.execute(f"create table snapshot.{name} as select * from {name}")
        connection.execute("checkpoint snapshot")
    finally:
        connection.close()


def _define(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """What the SELECTs refer to by name: the landed records, and a few words of their own."""
    for name in plan.landed:
        there = has_table(connection, name, "account")
        rows = f"account.bronze.{name}" if there else "(select '' as id, null::timestamp as updated_at, null::varchar as payload limit 0)"
        connection.execute(f"create temp view landed_{name} as select id, updated_at, cast(payload as json) as payload from {rows}")
    terminal = ", ".join(literal(status) for status in sorted(TERMINAL_STATUSES))
    for macro in (
        r"instant(stamp) as case when regexp_full_match(stamp, '\d{4}-\d\d-\d\dT.*') "
        "then cast(try_cast(stamp as timestamptz) as timestamp) end",
        "is_usable_instant(at_ts) as coalesce(at_ts >= timestamp '1970-01-01' and at_ts < timestamp '2100-01-01', false)",
        "local_date(at_ts) as cast((at_ts at time zone 'UTC') at time zone getvariable('zone') as date)",
        f"is_terminal(status) as status in ({terminal})",
        *plan.macros,
    ):
        connection.execute(f"create temp macro {macro}")


def set_variables(connection: duckdb.DuckDBPyConnection, variables: Variables) -> None:
    """What the SELECTs ask for by getvariable."""
    for name, value in variables.items():
        connection.execute(f"set variable {name} = $value", {"value": value})


def create_table(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    """A small table that the SELECTs refer to."""
    connection.register("given_rows", rows)
    connection.execute(f"create temp table {name} as select * from given_rows")
    connection.unregister("given_rows")


def open_snapshot(path: Path, account: str) -> duckdb.DuckDBPyConnection:
    """A read-only connection. Raises OpslaError."""
    try:
        connection = duckdb.connect(str(path), read_only=True)
        connection.execute("set TimeZone = 'UTC'")
        set_variables(connection, {"source": account})
    except duckdb.Error as error:
        raise OpslaError(f"{path}: a damaged cache ({error}); delete it and run again") from error
    return connection


def _prune(home: Path) -> None:
    """Keeps the newest: a longer run may still read the one before."""
    snapshots = sorted(home.glob("*.duckdb"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in [path for path in snapshots if not path.name.startswith(_UNFINISHED)][_KEPT:]:
        path.unlink(missing_ok=True)
    for path in home.glob(f"{_UNFINISHED}*"):  # of killed processes
        if time.time() - path.stat().st_mtime > _ABANDONED_AFTER_SECONDS:
            path.unlink(missing_ok=True)
