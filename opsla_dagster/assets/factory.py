"""The one factory: a catalog entry and its rows become a Dagster asset with its checks.

Belongs here: what every asset has in common: scope, write, verdict, metadata. Does not belong here: any one table.
"""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pyarrow as pa

from opsla_dagster.assets.mixtures import refuse_unloaded_dates
from opsla_dagster.assets.recording import record_made, record_plan
from opsla_dagster.assets.scope import Scope, scope_of
from opsla_dagster.catalog import TABLES, Area, Kind, Table
from opsla_dagster.checks.gates import check_gates
from opsla_dagster.checks.invariants import check_invariant, severity_of
from opsla_dagster.checks.outcome import Outcome
from opsla_dagster.checks.schema import SCHEMA_CHECK, check_schema
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.warehouse.lineage import column_lineage
from opsla_dagster.warehouse.parts import parts_of, parts_to_load
from opsla_dagster.warehouse.sql import SQL_DIRECTORY, check_path, header_comment, load_sql, sql_path, sql_version
from opsla_dagster.warehouse.write import Rows, Verdict, accept, replace_snapshot, replace_view, replace_window
from opsla_dagster.window import Dates, Window

_EXAMPLES, _EXAMPLE_CHARACTERS = 5, 200
OWNER = "team:support-operations"
#: Told of every table as it is done: its name and rows. The CLI's progress bar listens here.
on_table_done: ContextVar[Callable[[str, int], None] | None] = ContextVar("on_table_done", default=None)

#: Rows made in Python for a window (partitioned tables) or as a whole (snapshots).
MakeRows = Callable[[Scope, Window | None], pa.Table]


@dataclass(frozen=True)
class PythonTable:
    """How a table without a SQL file is made: its rows, what comes before, and what is asked before a row is written."""

    rows: MakeRows
    deps: Sequence[str] = ()
    before: Callable[[Scope], None] | None = None
    #: Reads what was loaded of ticket systems: it comes after their loads.
    reads_accounts: bool = False
    #: Rows that stop the run are kept all the same: they are what has to be looked at.
    keeps_refused_rows: bool = False


@dataclass(frozen=True)
class TableAsset:
    """One table of the asset graph: its area, what it is made from, and the invariants that guard it (assets/graph.py derives them)."""

    name: str
    area: Area
    deps: Sequence[str]
    checks: Sequence[str]
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


class _RefusedError(Exception):
    """A blocking check failed: the write is to be rolled back."""


def build_asset(
    line: TableAsset, settings: Settings, partitions: dg.DailyPartitionsDefinition, loads: Sequence[dg.AssetKey] = ()
) -> dg.AssetsDefinition:
    """The Dagster asset of one line, with its checks yielded by the asset itself; `loads` are those of ticket systems."""
    table = line.table
    gates = settings.quality_gates.gates.get(table.name, {})
    partitioned = table.kind is Kind.PARTITIONED

    @dg.asset(
        key=table.asset_key,
        deps=[*(dg.AssetKey(dep.split(".")) for dep in line.deps), *(loads if line.python and line.python.reads_accounts else ())],
        partitions_def=partitions if partitioned else None,
        backfill_policy=dg.BackfillPolicy.single_run() if partitioned else None,
        check_specs=list(_check_specs(line, list(gates))),
        group_name=line.area.name,
        tags={"layer": table.schema},
        kinds={"duckdb", "python" if line.python else "sql"} | ({"view"} if table.kind is Kind.VIEW else set()),
        owners=[OWNER],
        description=f"{table.grain} {table.description}",
        metadata=_definition_metadata(line),
        code_version=None if line.python else sql_version(sql_path(table.name)),
        required_resource_keys={"warehouse", "desk"},
    )
    def table_asset(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        outcomes: list[Outcome] = []
        started = time.perf_counter()
        try:
            scope = scope_of(context, settings, table)
            record_plan(context, scope.dates)
            rows = make_table(line, scope, outcomes)
        except _RefusedError as refusal:
            yield from (outcome.to_dagster(table.asset_key) for outcome in outcomes)
            raise dg.Failure(str(refusal), allow_retries=False) from None
        except OpslaError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        listener = on_table_done.get()
        if listener is not None:
            listener(table.name, rows)
        metadata: dict[str, Any] = {
            "dagster/row_count": rows,
            "window": str(scope.dates) if scope.dates else "everything loaded",
            "as_of_at": f"{scope.as_of_at.isoformat()}Z",
            "seconds": round(time.perf_counter() - started, 3),
        }
        record_made(context, scope.dates, metadata)
        yield dg.MaterializeResult(
            metadata=metadata,
            check_results=[outcome.to_dagster(table.asset_key) for outcome in outcomes],
        )

    return table_asset


def make_table(line: TableAsset, scope: Scope, outcomes: list[Outcome]) -> int:
    """Writes the table's rows for `scope` and returns how many there are; `outcomes` receives the checks' verdicts.

    Write and checks are one transaction: whatever is raised, the table is as it was before, unless it keeps refused rows.
    """
    if line.python and line.python.keeps_refused_rows:
        rows = write_table(line, scope)
        _judge(line, scope, outcomes)
        return rows
    return write_table(line, scope, lambda: _judge(line, scope, outcomes))


def write_table(line: TableAsset, scope: Scope, verdict: Verdict = accept) -> int:
    """Makes the rows of one table, in the scope's window where it is partitioned, and returns how many there are."""
    table = line.table
    if line.python and line.python.before:
        line.python.before(scope)
    match table.kind:
        case Kind.PARTITIONED:
            if line.python is None:
                refuse_unloaded_dates(scope)
            return replace_window(scope.connection, table, scope.own_dates, _parts(line, scope), verdict)
        case Kind.SNAPSHOT | Kind.FULL_REFRESH:
            rows: Rows = line.python.rows(scope, None) if line.python else load_sql(sql_path(table.name))
            return replace_snapshot(scope.connection, table, rows, verdict)
        case Kind.VIEW:
            return replace_view(scope.connection, table, load_sql(sql_path(table.name)), verdict, scope.run_dates)


def _parts(line: TableAsset, scope: Scope) -> Iterable[tuple[Dates, Rows]]:
    """The dates in parts that fit into memory, each with its rows."""
    if line.python:
        for window in parts_to_load(scope.own_dates):
            yield window, line.python.rows(scope, window)
    else:
        for part in parts_of(scope.connection, scope.own_dates):
            yield part, load_sql(sql_path(line.name))


def _judge(line: TableAsset, scope: Scope, outcomes: list[Outcome]) -> None:
    """Runs every check on the rows just written; raises when one of them forbids to keep them."""
    table, connection = line.table, scope.connection
    window = scope.run_dates if table.kind is Kind.VIEW else scope.dates
    outcomes.append(check_schema(connection, table, window))
    gates = scope.settings.quality_gates.gates.get(table.name, {})
    if gates:
        outcomes += check_gates(connection, table.name, gates, window)
    outcomes += [check_invariant(connection, table.name, check, window, scope.as_of_at) for check in line.checks]
    failed = [outcome for outcome in outcomes if outcome.stops_the_run]
    if failed:
        if line.python and line.python.keeps_refused_rows:
            kept = f"All of them are in the table: opsla export --format csv --table {table.name}"
        else:
            kept = "The new rows were not kept, the table is as it was before; the check's sample in the Dagster UI (opsla dev) has more rows."
        raise _RefusedError(f"{table.name}: {'; '.join(_told(outcome) for outcome in failed)}. {kept}")


def _told(outcome: Outcome) -> str:
    """What failed, by which figures, and the first rows of the sample."""
    figures = ", ".join(f"{name} {value}" for name, value in outcome.figures.items())
    lines = outcome.sample.splitlines()
    shown = [" ".join(line.split())[:_EXAMPLE_CHARACTERS] for line in lines[1 : 1 + _EXAMPLES]]
    example = f", for example: {' | '.join(shown)}" if shown else ""
    return f"{outcome.check} failed ({figures}){example}"


def _check_specs(line: TableAsset, gates: Sequence[str]) -> Iterator[dg.AssetCheckSpec]:
    key = dg.AssetKey(line.table.asset_key)
    yield dg.AssetCheckSpec(
        SCHEMA_CHECK,
        asset=key,
        blocking=True,
        description="Columns, nulls, values, bounds and key as the dictionary has them (Pandera). A failure means that the "
        f"source changed or that the table's query is wrong; look first at the sample, then at {_origin(line)}.",
    )
    for gate in gates:
        yield dg.AssetCheckSpec(
            f"gate_{gate}",
            asset=key,
            blocking=True,
            description=f"Rate {gate} of the run's rows within the bounds of quality_gates.yml. A failure means that the source "
            f"brings more mess than is tolerated; look first at the latest rows of {line.name}.",
        )
    for check in line.checks:
        yield dg.AssetCheckSpec(
            check,
            asset=key,
            blocking=severity_of(check) is dg.AssetCheckSeverity.ERROR,
            description=header_comment(check_path(line.name, check)),
        )


def _origin(line: TableAsset) -> str:
    return "the source's mapping" if line.python else str(sql_path(line.name).relative_to(SQL_DIRECTORY.parent))


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
