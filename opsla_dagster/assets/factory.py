"""The one factory: a catalog entry and its rows become a Dagster asset with its checks.

Belongs here: what every asset has in common: scope, write, verdict, metadata. Does not belong here: any one table.
"""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import dagster as dg
import duckdb
import pyarrow as pa

from opsla_dagster import shipped
from opsla_dagster.assets.made_dates import unpublished_dates as unpublished_intake_dates
from opsla_dagster.assets.mixtures import refuse_unloaded_dates
from opsla_dagster.assets.preview import preview
from opsla_dagster.assets.recording import record_made, record_plan
from opsla_dagster.assets.retrying import WAITS_SECONDS, failing_plainly
from opsla_dagster.assets.rules import settings_fingerprint
from opsla_dagster.assets.scope import Scope, scope_of
from opsla_dagster.catalog import HEADLINE_TABLES, TABLES, Area, Kind, Table
from opsla_dagster.checks.gates import check_gates
from opsla_dagster.checks.invariants import check_invariant, severity_of
from opsla_dagster.checks.outcome import Outcome
from opsla_dagster.checks.schema import ROWS_CHECKED, SCHEMA_CHECK, check_schema
from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.two_at_a_time import FIRST_TAG
from opsla_dagster.settings import Settings
from opsla_dagster.settings.home import READING_SHARE, memory_bound
from opsla_dagster.warehouse.changed_dates import (
    changed_dates,
    current,
    refuse_older_inputs,
    remember,
    unpublished_dates,
    whole_history,
)
from opsla_dagster.warehouse.connection import Warehouse, on_one_thread, relation_names, with_memory
from opsla_dagster.warehouse.exhaustion import is_of_company, is_of_memory
from opsla_dagster.warehouse.lineage import column_lineage
from opsla_dagster.warehouse.loads import record_loads
from opsla_dagster.warehouse.parts import parts_by_open_cases, parts_of, parts_to_load
from opsla_dagster.warehouse.sql import check_path, header_comment, in_dates, load_sql, sql_path, sql_version
from opsla_dagster.warehouse.write import (
    Rows,
    Verdict,
    accept,
    add_rows,
    ensure_table,
    replace_view,
    replace_whole,
    replace_window,
)
from opsla_dagster.window import Dates, Window, dates_of, ranges_of

_EXAMPLES, _EXAMPLE_CHARACTERS = 5, 200
#: Held while a table asks a source for anything: that has one connection, and a share of the memory.
_READING = threading.Lock()
#: Metadata of a materialisation: rows of the whole table, of the one date, and of all that the run wrote of it.
TABLE_ROWS, PARTITION_ROWS, ROWS_WRITTEN = "dagster/row_count", "dagster/partition_row_count", "rows_written"
OWNER = "team:support-operations"
#: Told of every table as it is done, by the thread that made it: its name and rows, and where they are. The CLI listens here.
on_table_done: ContextVar[Callable[[str, int, Warehouse], None] | None] = ContextVar("on_table_done", default=None)

T = TypeVar("T")
#: Rows made in Python for a window (partitioned tables) or as a whole.
MakeRows = Callable[[Scope, Window | None], pa.Table | pa.RecordBatchReader]


@dataclass(frozen=True)
class PythonTable:
    """How a table without a SQL file is made: its rows, what comes before, and what is asked before a row is written."""

    rows: MakeRows
    deps: Sequence[str] = ()
    before: Callable[[Scope], None] | None = None
    #: Reads what was loaded of ticket systems: it comes after their loads.
    reads_accounts: bool = False
    #: Reads log files: it comes after them.
    reads_files: bool = False
    #: What is told of them as it is made.
    observe: Callable[[Scope], Iterable[dg.AssetObservation]] | None = None
    #: Rows that stop the run are kept all the same: they are what has to be looked at.
    keeps_refused_rows: bool = False


@dataclass(frozen=True)
class TableAsset:
    """One table of the asset graph: its area, what it is made from, and the invariants that guard it (assets/graph.py derives them)."""

    name: str
    area: Area
    deps: Sequence[str]
    checks: Sequence[str]
    #: What it reads of areas that no enabled source feeds: it is there, and has no rows.
    empty: Sequence[str] = ()
    #: Where the rows are made in Python; without it the table's SQL file makes them.
    python: PythonTable | None = None

    @property
    def table(self) -> Table:
        return TABLES[self.name]


def window_of(part: Window | None) -> Window:
    """The part that rows made in Python are asked for. Raises OpslaError for a table that is not partitioned."""
    if part is None:
        raise OpslaError("this table is partitioned: its rows are made for a window")
    return part


class _RefusedError(OpslaError):
    """A blocking check failed: the write is to be rolled back."""


def build_asset(
    line: TableAsset,
    settings: Settings,
    partitions: dg.DailyPartitionsDefinition,
    loads: Sequence[dg.AssetKey] = (),
    files: Sequence[dg.AssetKey] = (),
) -> dg.AssetsDefinition:
    """The Dagster asset of one line, with its checks yielded by the asset itself; `loads` are those of ticket systems, `files` log files.

    Checks of a partitioned table are partitioned like it. Those of the others can be run without making the table anew.
    """
    table = line.table
    gates = settings.quality_gates.gates.get(table.name, {})
    dates = partitions if table.kind is Kind.PARTITIONED else None

    @dg.multi_asset(
        name="__".join(table.asset_key),
        specs=[_asset_spec(line, _external(line, loads, files))],
        check_specs=list(_check_specs(line, list(gates), dates)),
        partitions_def=dates,
        backfill_policy=dg.BackfillPolicy.single_run() if dates else None,
        can_subset=dates is None,  # the Dagster UI cannot run a check of one date alone
        required_resource_keys={"warehouse", "desk"},
        op_tags={FIRST_TAG: "true"} if table.name in HEADLINE_TABLES else None,
    )
    def table_asset(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        outcomes: list[Outcome] = []
        warehouse: Warehouse = context.resources.warehouse
        started = time.perf_counter()
        try:
            # First: who waits for a source is not at work, and keeps nobody from being alone.
            reading = _READING if _asks_sources(line) else nullcontext()
            with reading, failing_plainly(context, WAITS_SECONDS, warehouse, but=_RefusedError):
                scope = scope_of(context, settings, table)
                if context.selected_asset_keys:
                    record_plan(context, scope.dates)
                    rows = beside_or_alone(warehouse, lambda: make_table(line, scope, outcomes))
                    counted = beside_or_alone(warehouse, lambda: _row_counts(line, scope, rows))
                    shown = beside_or_alone(warehouse, lambda: preview(scope.connection, table, scope.dates))
                    observed = list(line.python.observe(scope)) if line.python and line.python.observe else []
                else:
                    selected = {key.name for key in context.selected_asset_check_keys}
                    judged_again = beside_or_alone(warehouse, lambda: list(judge_again(line, scope, selected)))
        except _RefusedError as refusal:
            yield from (outcome.to_dagster(table.asset_key) for outcome in outcomes)
            raise dg.Failure(str(refusal), allow_retries=False) from None
        if not context.selected_asset_keys:
            yield from (outcome.to_dagster(table.asset_key) for outcome in judged_again)
            return
        listener = on_table_done.get()
        if listener is not None:
            listener(table.name, rows, warehouse)
        metadata, by_date = _told_of_run(scope, rows, counted, shown, time.perf_counter() - started)
        for observation in observed:
            context.log_event(observation)
        record_made(context, scope.dates, metadata, by_date)
        # Verdicts after the materialization: Dagster takes those from before it for verdicts on older rows.
        yield dg.MaterializeResult(
            asset_key=table.asset_key,
            metadata=metadata,
            check_results=[outcome.to_dagster(table.asset_key) for outcome in outcomes],
        )

    return table_asset


def _told_of_run(
    scope: Scope, rows: int, counted: "_Counted", shown: dict[str, Any], seconds: float
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The metadata of the materialization, and what each date (ISO) of the run adds. `shown`, the preview, is told once: of a range with its last date."""
    metadata: dict[str, Any] = {
        **counted.of_table,
        ROWS_WRITTEN: rows,
        "window": str(scope.dates) if scope.dates else "everything loaded",
        "as_of_at": f"{scope.as_of_at.isoformat()}Z",
        "seconds": round(seconds, 3),
    }
    if scope.dates is None:
        return {**metadata, **shown}, {}
    by_date: dict[str, dict[str, Any]] = {day.isoformat(): {PARTITION_ROWS: counted.by_date.get(day.isoformat(), 0)} for day in scope.dates.dates()}
    by_date[scope.dates.last.isoformat()].update(shown)
    return metadata, by_date


def _external(line: TableAsset, loads: Sequence[dg.AssetKey], files: Sequence[dg.AssetKey]) -> list[dg.AssetKey]:
    """What the table is made from beside other tables."""
    if line.python is None:
        return []
    return [*(loads if line.python.reads_accounts else ()), *(files if line.python.reads_files else ())]


def _asset_spec(line: TableAsset, external: Sequence[dg.AssetKey]) -> dg.AssetSpec:
    table = line.table
    return dg.AssetSpec(
        key=table.asset_key,
        deps=[*(dg.AssetKey(dep.split(".")) for dep in line.deps), *external],
        group_name=line.area.name,
        tags={"layer": table.schema},
        kinds={"duckdb", "python" if line.python else "sql"} | ({"view"} if table.kind is Kind.VIEW else set()),
        owners=[OWNER],
        description=f"{table.grain} {table.description}",
        metadata=_definition_metadata(line),
        code_version=None if line.python else sql_version(sql_path(table.name)),
    )


def checks_of(line: TableAsset, settings: Settings) -> list[str]:
    """The names of the table's checks, in the order in which they judge."""
    return [SCHEMA_CHECK, *(f"gate_{gate}" for gate in settings.quality_gates.gates.get(line.name, {})), *line.checks]


def judge_again(line: TableAsset, scope: Scope, selected: AbstractSet[str]) -> Iterator[Outcome]:
    """The verdicts of the `selected` checks on the rows that the table holds already, of the scope's dates if it has any, as of when they were loaded.

    Raises OpslaError where there is no such table.
    """
    if line.name not in relation_names(scope.connection):
        raise OpslaError(f"{line.name}: there is no such table yet, so its checks have nothing to look at; materialise it first")
    loaded = scope.connection.execute("select max(as_of_at) from raw.source_partitions").fetchone()
    as_of_at = loaded[0] if loaded and loaded[0] else scope.as_of_at
    dates = whole_history(scope.connection, line.table) if line.table.kind is Kind.BY_DAY else scope.dates
    for outcome in _outcomes(line, replace(scope, as_of_at=as_of_at, dates=dates)):
        if outcome.check in selected:
            yield outcome


@dataclass(frozen=True)
class _Counted:
    """Rows for the catalog: of the table as a whole where counting is cheap, and of each date of the run that has any."""

    of_table: dict[str, int]
    by_date: dict[str, int]


def _row_counts(line: TableAsset, scope: Scope, rows: int) -> _Counted:
    """`rows` are those written. A view with dates is counted in the run's window only: it is as long as the desk's history."""
    table, connection = line.table, scope.connection
    if table.kind is Kind.PARTITIONED:
        total = connection.execute(f"select count(*) from {table.name}").fetchone()
        counted = connection.execute(
            f"select {table.partition_column}, count(*) from {table.name} where {in_dates(table.partition_column, scope.own_dates)} group by all"
        ).fetchall()
        return _Counted({TABLE_ROWS: total[0] if total else 0}, {day.isoformat(): day_rows for day, day_rows in counted})
    if table.kind is Kind.BY_DAY:
        total = connection.execute(f"select count(*) from {table.name}").fetchone()
        return _Counted({TABLE_ROWS: total[0] if total else 0}, {})
    if table.is_by_date and scope.run_dates is not None:
        return _Counted({}, {})
    return _Counted({TABLE_ROWS: rows}, {})


def beside_or_alone(warehouse: Warehouse, work: Callable[[], T]) -> T:
    """What `work` returns; it is done once more, and alone, where it failed because of what was done at the same time, or for want of memory: then on one thread."""
    try:
        return work()
    except (OpslaError, duckdb.Error) as error:
        lacks_memory = is_of_memory(error)
        if not lacks_memory and not (warehouse.had_company and is_of_company(error)):
            raise
    with warehouse.alone(), on_one_thread(warehouse.connection()) if lacks_memory else nullcontext():
        return work()


def make_table(line: TableAsset, scope: Scope, outcomes: list[Outcome]) -> int:
    """Writes the table's rows for `scope` and returns how many there are; `outcomes` receives the checks' verdicts, instead of those of an attempt before.

    Write and checks are one transaction: whatever is raised, the table is as it was before, unless it keeps refused rows.
    """
    outcomes.clear()
    if line.table.kind is Kind.BY_DAY:
        return _replace_changed_dates(line, scope, outcomes)
    if line.python and line.python.keeps_refused_rows:
        rows = write_table(line, scope)
        _judge(line, scope, outcomes)
        return rows
    return write_table(line, scope, lambda: _judge(line, scope, outcomes))


def write_table(line: TableAsset, scope: Scope, verdict: Verdict = accept) -> int:
    """Makes the rows of one table, in the scope's window where it is partitioned, and returns how many there are."""
    table = line.table
    for name in line.empty:
        ensure_table(scope.connection, TABLES[name])
    if line.python and line.python.before:
        line.python.before(scope)
    match table.kind:
        case Kind.PARTITIONED:
            if line.python is None:
                refuse_unloaded_dates(scope)
            with _beside_sources(scope) if _asks_sources(line) else nullcontext():
                return replace_window(scope.connection, table, scope.own_dates, _parts(line, scope), _recording_loads(line, scope, verdict))
        case Kind.BY_DAY:
            return _replace_changed_dates(line, scope, None)
        case Kind.FULL_REFRESH:
            rows: Rows = line.python.rows(scope, None) if line.python else load_sql(sql_path(table.name))
            return replace_whole(scope.connection, table, rows, verdict)
        case Kind.KEPT:
            if line.python is None:
                raise OpslaError(f"{table.name}: rows that are kept are made in Python, which knows what there is already")
            return add_rows(scope.connection, table, line.python.rows(scope, None), verdict)
        case Kind.VIEW:
            return replace_view(scope.connection, table, load_sql(sql_path(table.name)), verdict, scope.run_dates)


def _replace_changed_dates(line: TableAsset, scope: Scope, outcomes: list[Outcome] | None) -> int:
    """The dates of a table kept by the desk's dates that follow from something else than when they were made; remembered with their rows.

    Those are judged that are made, and those that were made before and never published; unless there are no `outcomes` to receive the verdicts.
    """
    table, connection = line.table, scope.connection
    state = current(connection)
    digests = state.digests(table.name)
    judged_too = unpublished_dates(connection, table)
    dates = changed_dates(connection, table, digests)
    refuse_older_inputs(connection, table, dates, state)

    def judged_and_remembered() -> int | None:
        if outcomes is not None:
            _judge(line, replace(scope, dates=dates_of([*dates.windows, *ranges_of(judged_too)])), outcomes)
        remember(connection, table, dates, digests)
        return None

    sql = load_sql(sql_path(table.name))
    return replace_window(connection, table, dates, ((part, sql) for part in parts_by_open_cases(connection, dates)), judged_and_remembered)


def _recording_loads(line: TableAsset, scope: Scope, verdict: Verdict) -> Verdict:
    """The verdict, and then, within the same transaction, of which load the rows are."""

    def judged_and_recorded() -> int | None:
        judged = verdict()
        record_loads(scope.connection, line.table, scope.own_dates, line.deps, settings_fingerprint(scope.settings))
        return judged

    return judged_and_recorded


def _asks_sources(line: TableAsset) -> bool:
    """Whether anything of the table comes from a source, or is asked of one: its rows, or what is made sure of before."""
    return line.python is not None and (line.table.schema == "raw" or line.python.before is not None or line.python.observe is not None)


def _beside_sources(scope: Scope) -> AbstractContextManager[None]:
    """A source whose rows are written has a DuckDB of its own: both together keep to the limit."""
    return with_memory(scope.connection, memory_bound(1 - READING_SHARE)["memory_limit"], memory_bound()["memory_limit"])


def _parts(line: TableAsset, scope: Scope) -> Iterable[tuple[Dates, Rows]]:
    """The dates in parts that fit into memory, each with its rows."""
    if line.python:
        for window in parts_to_load(scope.connection, scope.own_dates):
            yield window, line.python.rows(scope, window)
    else:
        for part in parts_of(scope.connection, scope.own_dates):
            yield part, load_sql(sql_path(line.name))


def _judge(line: TableAsset, scope: Scope, outcomes: list[Outcome]) -> int:
    """Runs every check on the rows just written and returns how many those are; raises when one of them forbids to keep them."""
    outcomes += _outcomes(line, scope)
    failed = [outcome for outcome in outcomes if outcome.stops_the_run]
    if failed:
        if line.python and line.python.keeps_refused_rows:
            kept = f"All of them are in the table: `opsla export --format csv --table {line.name}`"
        else:
            kept = "The new rows were not kept and the table is as it was before; the check's sample in the Dagster UI (opsla dev) has more rows."
        raise _RefusedError(f"{line.name}: {'; '.join(_told(outcome) for outcome in failed)}. {kept}")
    return int(str(next(outcome.figures[ROWS_CHECKED] for outcome in outcomes if outcome.check == SCHEMA_CHECK)))


def _outcomes(line: TableAsset, scope: Scope) -> list[Outcome]:
    """Every check's verdict on the rows of the run's window; of a table without dates, on all of them."""
    table, connection = line.table, scope.connection
    window = _judged_dates(table, scope) if table.kind is Kind.VIEW else scope.dates
    outcomes = [check_schema(connection, table, window)]
    judged = scope.settings.quality_gates
    gates = judged.gates.get(table.name, {})
    if gates:
        outcomes += check_gates(connection, table.name, gates, window, judged.min_sample)
    return outcomes + [check_invariant(connection, table.name, check, window, scope.as_of_at) for check in line.checks]


def _judged_dates(table: Table, scope: Scope) -> Dates | None:
    """Of which dates a view's rows are judged: those of the run, and those that a check has kept from being published before.

    A date whose tables are made is not made again for a view; a verdict on it must not be forgotten with the run that found it.
    """
    if scope.run_dates is None or not table.is_by_date:
        return scope.run_dates
    before = unpublished_intake_dates(scope.connection, scope.settings.home.marts_database)
    return dates_of([*scope.run_dates.windows, *ranges_of(before)])


def _told(outcome: Outcome) -> str:
    """What failed, by which figures, and the first rows of the sample."""
    figures = ", ".join(f"{name} {value}" for name, value in outcome.figures.items())
    lines = outcome.sample.splitlines()
    shown = [" ".join(line.split())[:_EXAMPLE_CHARACTERS] for line in lines[1 : 1 + _EXAMPLES]]
    example = f", for example: {' | '.join(shown)}" if shown else ""
    return f"{outcome.check} failed ({figures}){example}"


def _check_specs(
    line: TableAsset, gates: Sequence[str], dates: dg.DailyPartitionsDefinition | None
) -> Iterator[dg.AssetCheckSpec]:
    key = dg.AssetKey(line.table.asset_key)
    yield dg.AssetCheckSpec(
        SCHEMA_CHECK,
        asset=key,
        blocking=True,
        partitions_def=dates,
        description="Columns, nulls, values, bounds and key as the dictionary has them (Pandera). A failure means that the "
        f"source changed or that the table's query is wrong; look first at the sample, then at {_origin(line)}.",
    )
    for gate in gates:
        yield dg.AssetCheckSpec(
            f"gate_{gate}",
            asset=key,
            blocking=True,
            partitions_def=dates,
            description=f"{gate} of the run's rows must lie within the bounds of quality_gates.yml. A failure means that more of "
            f"the source's rows are odd than is tolerated; look first at the latest rows of {line.name}.",
        )
    for check in line.checks:
        yield dg.AssetCheckSpec(
            check,
            asset=key,
            blocking=severity_of(check) is dg.AssetCheckSeverity.ERROR,
            partitions_def=dates,
            description=header_comment(check_path(line.name, check)),
        )


def _origin(line: TableAsset) -> str:
    return "the source's mapping" if line.python else str(sql_path(line.name).relative_to(shipped.SQL.parent))


def _definition_metadata(line: TableAsset) -> dict[str, object]:
    """What is true of the table whenever it is made; kept on the definition, where it costs nothing a run."""
    table = line.table
    metadata: dict[str, object] = {
        "dagster/relation_identifier": table.name,
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(
                    column.name,
                    column.type,
                    description=column.description,
                    constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=table.key == (column.name,)),
                )
                for column in table.columns
            ]
        ),
        "key": ", ".join(table.key),
    }
    if line.python is None:
        metadata["dagster/column_lineage"] = column_lineage(table.name)
        metadata["dagster/code_references"] = dg.CodeReferencesMetadataValue(
            code_references=[dg.LocalFileCodeReference(file_path=str(sql_path(table.name)))]
        )
    return metadata
