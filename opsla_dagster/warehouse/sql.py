"""The SQL files: finding them, and binding the parameters they ask for.

Belongs here: what every SQL file has in common. Does not belong here: SQL, and what it reads (lineage.py).
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from functools import cache
from pathlib import Path

import duckdb

from opsla_dagster.catalog import AREA_OF
from opsla_dagster.errors import OpslaError
from opsla_dagster.window import Window

SQL_DIRECTORY = Path(__file__).resolve().parents[2] / "sql"
#: The check file of a table that holds its rates; each of them is a check of its own.
GATES = "gates"

Parameters = dict[str, date | datetime]


def sql_path(table: str) -> Path:
    """`staging.case_milestones` -> sql/staging/events/case_milestones.sql: layer, area, table."""
    schema, name = table.split(".")
    return SQL_DIRECTORY / schema / AREA_OF[table].name / f"{name}.sql"


def check_path(table: str, check: str) -> Path:
    """The SELECT that finds the rows that break `check` of `table`."""
    return SQL_DIRECTORY / "checks" / table / f"{check}.sql"


@cache
def checks_of(table: str) -> tuple[str, ...]:
    """The checks of `table` that are files of their own, by name."""
    return tuple(sorted(path.stem for path in (SQL_DIRECTORY / "checks" / table).glob("*.sql") if path.stem != GATES))


@cache
def load_sql(path: Path) -> str:
    """The one SELECT in the file, without the closing semicolon."""
    try:
        return path.read_text(encoding="utf-8").strip().removesuffix(";")
    except FileNotFoundError as error:
        raise OpslaError(f"{path}: no such SQL file") from error


def header_comment(path: Path) -> str:
    """The comment lines that open a SQL file, as one text."""
    lines = []
    for line in load_sql(path).splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)


def sql_version(path: Path) -> str:
    """Changes when the SQL does: the code version that Dagster shows beside an asset."""
    return hashlib.sha256(load_sql(path).encode()).hexdigest()[:12]


def bind(sql: str, window: Window | None, as_of_at: datetime | None = None) -> Parameters:
    """The parameters among `$start_date`, `$end_date` and `$as_of_at` that `sql` names (DuckDB refuses unused ones)."""
    offered: Parameters = {} if window is None else {"start_date": window.start, "end_date": window.end}
    offered |= {} if as_of_at is None else {"as_of_at": as_of_at}
    if not offered:
        return {}
    wanted = duckdb.extract_statements(sql)[0].named_parameters
    return {name: value for name, value in offered.items() if name in wanted}
