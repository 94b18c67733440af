"""Quality gates: rates of a table's mess against the bounds of quality_gates.yml.

sql/checks/<table>/gates.sql is one SELECT of one row, a column a rate; beside a rate that a few rows move by chance stands
<rate>_sample, how many rows it is measured on. Belongs here: comparing them. Does not belong here: the rates' SQL and the bounds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

import dagster as dg
import duckdb

from opsla_dagster.checks.chance import chance_of_at_least, chance_of_at_most
from opsla_dagster.checks.outcome import LOOK_FIRST, Figure, Outcome, about
from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted
from opsla_dagster.settings.quality_gates import MIN_SAMPLE, Bounds
from opsla_dagster.warehouse.sql import GATES, bind, check_path, for_dates, load_sql, parsed
from opsla_dagster.window import Dates

REJECTED_ROWS = "raw.rejected_rows"
_SAMPLE_REASONS = 5
_SAMPLE = "_sample"
_PERCENT = "pct_"
#: A rate is beyond a bound when a source exactly at the bound would show as much in fewer than so many runs.
_BY_CHANCE = 0.01


def refuse_unknown_rates(table: str, gates: Iterable[str]) -> None:
    """Raises OpslaError for a gate on what the table's SQL does not measure, and for a table without such SQL."""
    _refuse_unknown(table, gates, _columns_of(_rates_sql(table)))


def _rates_sql(table: str) -> str:
    path = check_path(table, GATES)
    if not path.exists():
        measured = sorted(found.parent.name for found in path.parents[1].glob("*/gates.sql"))
        raise OpslaError(f"quality_gates.yml: {table}: no rates of this table are measured; known: {', '.join(measured)}")
    return load_sql(path)


def _columns_of(select: str) -> list[str]:
    """The names of the columns of a SELECT whose tables need not be there: of an expression its alias, of a column its own."""
    with duckdb.connect() as connection:
        [(tree,)] = connection.execute("select json_serialize_sql($select)", {"select": select}).fetchall()
    selected = json.loads(tree)["statements"][0]["node"]["select_list"]
    return [column["alias"] or column["column_names"][-1] for column in selected]


def _refuse_unknown(table: str, gates: Iterable[str], columns: Iterable[str]) -> None:
    known = [name for name in columns if not name.endswith(_SAMPLE)]
    unknown = sorted(set(gates) - set(known))
    if unknown:
        raise OpslaError(
            f"quality_gates.yml: {table}: no such rate: {', '.join(unknown)}; sql/checks/{table}/gates.sql has {', '.join(known)}"
        )


def check_gates(
    connection: duckdb.DuckDBPyConnection, table: str, gates: dict[str, Bounds], window: Dates | None, min_sample: int = MIN_SAMPLE
) -> list[Outcome]:
    """One outcome a gate; a rate that the source does not know (NULL), or of too few rows to judge, passes and says so."""
    sql = for_dates(_rates_sql(table), window)
    cursor = connection.execute(parsed(connection, sql), bind(sql, window))
    names = [column[0] for column in cursor.description or ()]
    _refuse_unknown(table, gates, names)
    found = cursor.fetchone() or ()
    rates = {name: None if rate is None else float(rate) for name, rate in zip(names, found, strict=True)}
    outcomes = [
        _judge(table, name, rates[name], rates.get(f"{name}{_SAMPLE}"), bounds, bounds.min_sample or min_sample, window)
        for name, bounds in gates.items()
    ]
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


def _judge(
    table: str, name: str, rate: float | None, sample: float | None, bounds: Bounds, min_sample: int, window: Dates | None
) -> Outcome:  # fmt: skip
    check, warn = f"gate_{name}", dg.AssetCheckSeverity.WARN
    if rate is None:
        return Outcome(
            check, passed=True, severity=warn, figures={"measured": False},
            description=f"Not measured: the source does not say {name} of {about(window)} ({_allowed(bounds)}).",
        )  # fmt: skip
    rows = {} if sample is None else {"sample_rows": int(sample)}
    figures: dict[str, Figure] = {"rate": rate, **rows, **bounds.figures()}
    how_many = "" if sample is None else f" ({counted(int(sample), 'row')})"
    found = f"{name} is {rate:.4g} in {about(window)}{how_many}; {_allowed(bounds)}"
    undecided = ""
    for level, severity in (("error", dg.AssetCheckSeverity.ERROR), ("warn", warn)):
        bound = bounds.beyond(rate, level)
        if bound is None:
            continue
        doubt = _doubt(name, rate, sample, bound, min_sample)
        if not doubt:
            look = f"{LOOK_FIRST}the latest rows of {table}; the bounds are in quality_gates.yml."
            return Outcome(check, passed=False, severity=severity, figures=figures, description=f"{found}.{look}")
        undecided = f"Too few rows to judge: {found}, {doubt}."
    if undecided:
        return Outcome(check, passed=True, severity=warn, figures={**figures, "judged": False}, description=undecided)
    return Outcome(check, passed=True, severity=warn, figures=figures, description=f"{found}.")


def _allowed(bounds: Bounds) -> str:
    """The bounds in words: `warns above 0.02, stops the run above 0.05`."""
    consequences = {"warn": "warns", "error": "stops the run"}
    parts = [name.split("_") for name in bounds.figures()]
    return ", ".join(f"{consequences[what]} {side} {bounds.figures()[f'{what}_{side}']:g}" for what, side in parts)


def _doubt(name: str, rate: float, sample: float | None, bound: float, min_sample: int) -> str:
    """Why a rate beyond its bound may be chance; empty where it is not."""
    if sample is None or bound == 0:
        return ""  # counted, not sampled: one is one too many
    rows = int(sample)
    if rows < min_sample:
        return f"and fewer than {min_sample} rows (min_sample) are not judged"
    if not name.startswith(_PERCENT) or bound >= 100:
        return ""
    hits, share = round(rate * rows / 100), bound / 100
    chance = chance_of_at_least(hits, rows, share) if rate > bound else chance_of_at_most(hits, rows, share)
    if chance < _BY_CHANCE:
        return ""
    return f"and by chance alone a source exactly at {bound:g}% shows as much in {100 * chance:.2g}% of runs of this size"
