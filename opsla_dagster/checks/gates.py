"""Quality gates: rates of a table's mess against the bounds of quality_gates.yml.

sql/checks/<table>/gates.sql is one SELECT of one row, a column a rate. Belongs here: comparing them. Does not belong here:
the rates' SQL and the bounds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import dagster as dg
import duckdb
import sqlglot
from sqlglot import exp

from opsla_dagster.checks.outcome import Figure, Outcome
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.quality_gates import Bounds
from opsla_dagster.warehouse.sql import GATES, bind, check_path, for_dates, load_sql
from opsla_dagster.window import Dates

REJECTED_ROWS = "raw.rejected_rows"
_SAMPLE_REASONS = 5


def refuse_unknown_rates(table: str, gates: Iterable[str]) -> None:
    """Raises OpslaError for a gate on what the table's SQL does not measure, and for a table without such SQL."""
    path = check_path(table, GATES)
    if not path.exists():
        measured = sorted(found.parent.name for found in path.parents[1].glob("*/gates.sql"))
        raise OpslaError(f"quality_gates.yml: {table}: no rates of this table are measured; known: {', '.join(measured)}")
    known = sqlglot.parse_one(load_sql(path), dialect="duckdb", into=exp.Select).named_selects
    unknown = sorted(set(gates) - set(known))
    if unknown:
        raise OpslaError(
            f"quality_gates.yml: {table}: no such rate: {', '.join(unknown)}; sql/checks/{table}/gates.sql has {', '.join(known)}"
        )


def check_gates(
    connection: duckdb.DuckDBPyConnection, table: str, gates: dict[str, Bounds], window: Dates | None
) -> list[Outcome]:
    """One outcome a gate; a rate that the source does not know (NULL) passes and says so."""
    refuse_unknown_rates(table, gates)
    sql = for_dates(load_sql(check_path(table, GATES)), window)
    cursor = connection.execute(sql, bind(sql, window))
    names = [column[0] for column in cursor.description or ()]
    found = cursor.fetchone() or ()
    rates = {name: None if rate is None else float(rate) for name, rate in zip(names, found, strict=True)}
    outcomes = [_judge(name, rates[name], bounds) for name, bounds in gates.items()]
    if table != REJECTED_ROWS:
        return outcomes  # a rate has no rows of its own to show; every rejected row has
    return [replace(outcome, sample=_sample(connection)) if outcome.stops_the_run else outcome for outcome in outcomes]


def _sample(connection: duckdb.DuckDBPyConnection) -> str:
    """Why rows were rejected, most frequent first, each with one of them."""
    reasons = connection.execute(
        f"select count(*) as rows, reason, min(record) as example from {REJECTED_ROWS} "
        f"group by reason order by count(*) desc, reason limit {_SAMPLE_REASONS}"
    ).df()
    return str(reasons.to_string(index=False))


def _judge(name: str, rate: float | None, bounds: Bounds) -> Outcome:
    figures: dict[str, Figure] = {"rate": rate, **bounds.figures()}
    if rate is None:
        return Outcome(f"gate_{name}", passed=True, severity=dg.AssetCheckSeverity.WARN, figures={"measured": False})
    if bounds.fails(rate):
        return Outcome(f"gate_{name}", passed=False, severity=dg.AssetCheckSeverity.ERROR, figures=figures)
    return Outcome(f"gate_{name}", passed=not bounds.warns(rate), severity=dg.AssetCheckSeverity.WARN, figures=figures)
