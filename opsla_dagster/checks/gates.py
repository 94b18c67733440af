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

from opsla_dagster.checks.outcome import Figure, Outcome, about
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.quality_gates import Bounds
from opsla_dagster.warehouse.sql import GATES, bind, check_path, load_sql
from opsla_dagster.window import Window

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
    connection: duckdb.DuckDBPyConnection, table: str, gates: dict[str, Bounds], window: Window | None
) -> list[Outcome]:
    """One outcome a gate; a rate that the source does not know (NULL) passes and says so."""
    refuse_unknown_rates(table, gates)
    sql = load_sql(check_path(table, GATES))
    cursor = connection.execute(sql, bind(sql, window))
    names = [column[0] for column in cursor.description or ()]
    found = cursor.fetchone() or ()
    rates = {name: None if rate is None else float(rate) for name, rate in zip(names, found, strict=True)}
    outcomes = [_judge(table, name, rates[name], bounds, window) for name, bounds in gates.items()]
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


def _judge(table: str, name: str, rate: float | None, bounds: Bounds, window: Window | None) -> Outcome:
    figures: dict[str, Figure] = {"rate": rate, **bounds.figures()}
    check, warn, error = f"gate_{name}", dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
    if rate is None:
        return Outcome(
            check, passed=True, severity=warn, figures={"measured": False},
            description=f"Not measured: {about(window)} do not tell {name} ({_allowed(bounds)}).",
        )  # fmt: skip
    found = f"{name} is {rate:.6g} in {about(window)}; {_allowed(bounds)}."
    fails, warns = bounds.fails(rate), bounds.warns(rate)
    if fails or warns:
        found += f" Look first at the latest rows of {table}; the bounds are in quality_gates.yml."
    return Outcome(check, passed=not (fails or warns), severity=error if fails else warn, figures=figures, description=found)


def _allowed(bounds: Bounds) -> str:
    """The bounds in words: `warns above 0.02, stops the run above 0.05`."""
    consequences = {"warn": "warns", "error": "stops the run"}
    parts = [name.split("_") for name in bounds.figures()]
    return ", ".join(f"{consequences[what]} {side} {bounds.figures()[f'{what}_{side}']:g}" for what, side in parts)
