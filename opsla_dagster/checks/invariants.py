"""Invariants and drift: SELECTs that find the rows (or sums, or days) that should not be.

`assert_...` stops the run, `warn_...` and `drift_...` warn. Belongs here: running them. Does not belong here: their SQL.
"""

from __future__ import annotations

from datetime import datetime

import dagster as dg
import duckdb

from opsla_dagster.checks.outcome import Outcome, about
from opsla_dagster.warehouse.sql import bind, check_path, for_dates, header_comment, load_sql, parsed
from opsla_dagster.window import Dates

_SAMPLE_ROWS = 20


def check_invariant(
    connection: duckdb.DuckDBPyConnection, table: str, check: str, window: Dates | None, as_of_at: datetime
) -> Outcome:
    """Runs sql/checks/<table>/<check>.sql, which may ask as of when the run is; any row it returns is a failure."""
    sql = for_dates(load_sql(check_path(table, check)), window)
    parameters = bind(sql, window, as_of_at)
    found = connection.execute(parsed(connection, f"select count(*) from ({sql})"), parameters).fetchone()
    offending = found[0] if found else 0
    sample = ""
    if offending:
        rows = connection.execute(f"select * from ({sql}) order by all limit {_SAMPLE_ROWS}", parameters).df()
        sample = str(rows.to_string(index=False))
    return Outcome(
        check,
        passed=not offending,
        severity=severity_of(check),
        figures={"offending_rows": offending},
        sample=sample,
        description=_description(header_comment(check_path(table, check)), offending, window),
    )


def _description(header: str, offending: int, window: Dates | None) -> str:
    """What was looked for is the SQL file's own header, whose second half says what a failure means and where to look."""
    sought, failure, meaning = header.partition("A failure means")
    if not offending:
        return f"None found among {about(window)}: {sought.strip()}"
    return f"Found {offending:,} among {about(window)}, expected none: {sought.strip()} {failure}{meaning}".strip()


def severity_of(check: str) -> dg.AssetCheckSeverity:
    """An invariant stops the run; drift, and what leaves every row right, warns."""
    return dg.AssetCheckSeverity.ERROR if check.startswith("assert_") else dg.AssetCheckSeverity.WARN
