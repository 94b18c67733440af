"""All SQL of the default run, beside merely rewriting the tables it makes.

The floor of any SQL is to read rows and write as many: the same table, cut into the same parts, through the same
`replace_window`, from `select * from <itself>`. A view is computed into a table, and its floor is that table copied. Each
write ends with a checkpoint: left to DuckDB, the write-ahead log of one table would be written down in the time of another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.desk import LINES, Scale, bare, desk_settings, settled_at, window_of, write_bare
from benchmarks.measure import NOTHING, Asked, Cost, Figure, Work, alone, cheapest, compared, cost_of
from opsla_dagster.assets.factory import TableAsset
from opsla_dagster.assets.scope import Scope
from opsla_dagster.catalog import Kind
from opsla_dagster.warehouse.parts import parts_of
from opsla_dagster.warehouse.write import replace_window

FULL = Scale(cases=300_000, days=180, rounds=3)
QUICK = Scale(cases=20_000, days=10, rounds=1)
ASKED = Asked(at_most=2.5)
#: Tables cheaper than this many seconds are left out of the table-by-table rows.
WORTH_A_ROW = 0.1


@dataclass(frozen=True)
class _Costs:
    sql: Cost
    rewriting: Cost


def measure(place: Path, *, quick: bool) -> list[Figure]:
    scale = QUICK if quick else FULL
    settings = desk_settings(place, scale.cases)
    window = window_of(settings, scale.days)
    with bare(settings, window, settled_at(window)) as scope:
        scope.connection.execute("create schema if not exists computed")
        scope.connection.execute("create schema if not exists rewritten")
        loading = NOTHING
        for line in LINES:
            cost = cost_of(_writing(line, scope))
            loading += cost if line.python else NOTHING
        rounds = [{line.name: _costs(line, scope) for line in LINES if line.python is None} for _ in range(scale.rounds)]
    by_table = {
        name: _Costs(
            cheapest([round_[name].sql for round_ in rounds]), cheapest([round_[name].rewriting for round_ in rounds])
        )
        for name in rounds[0]
    }
    sql, rewriting = NOTHING, NOTHING
    for costs in by_table.values():
        sql, rewriting = sql + costs.sql, rewriting + costs.rewriting
    return [
        alone(f"generate and load {scale.cases * scale.days // 180:,} cases", loading),
        compared("all SQL", sql, "rewriting the same tables", rewriting, ASKED),
        *(
            compared(f"  {name}", costs.sql, "rewriting it", costs.rewriting)
            for name, costs in sorted(by_table.items(), key=lambda item: -item[1].sql.wall)
            if costs.sql.wall >= WORTH_A_ROW
        ),
    ]


def _costs(line: TableAsset, scope: Scope) -> _Costs:
    if line.table.kind is Kind.BY_DAY:  # a date that follows from nothing else than before would not be made again
        scope.connection.execute(f"drop table {line.name}")
    if line.table.kind is not Kind.PARTITIONED:
        is_view = line.table.kind is Kind.VIEW
        made = f"computed.{_stem(line)}" if is_view else line.name
        copy = f"create or replace table rewritten.{_stem(line)} as select * from {made}"
        work = _computing(line, scope) if is_view else _writing(line, scope)
        return _Costs(_durable(scope, work), _durable(scope, lambda: scope.connection.execute(copy)))
    scope.connection.execute(f"drop table {line.name}")
    scope.connection.execute(f"drop table if exists rewritten.{_stem(line)}")
    return _Costs(_durable(scope, _writing(line, scope)), _durable(scope, _rewriting(line, scope)))


def _durable(scope: Scope, work: Work) -> Cost:
    scope.connection.execute("checkpoint")

    def work_and_keep() -> None:
        work()
        scope.connection.execute("checkpoint")

    return cost_of(work_and_keep)


def _writing(line: TableAsset, scope: Scope) -> Work:
    return lambda: write_bare(line, scope)


def _computing(line: TableAsset, scope: Scope) -> Work:
    def compute() -> None:
        write_bare(line, scope)
        scope.connection.execute(f"create or replace table computed.{_stem(line)} as select * from {line.name}")

    return compute


def _rewriting(line: TableAsset, scope: Scope) -> Work:
    date = line.table.partition_column
    select = f"select * from {line.name} where {date} >= $start_date and {date} < $end_date"
    copy = replace(line.table, name=f"rewritten.{_stem(line)}")
    return lambda: replace_window(
        scope.connection, copy, scope.own_dates,
        [(part, select) for part in parts_of(scope.connection, scope.own_dates)],
    )


def _stem(line: TableAsset) -> str:
    return line.name.split(".")[1]
