"""The SQL files: finding them, and binding the parameters they ask for.

Belongs here: what every SQL file has in common. Does not belong here: SQL, and what it reads (lineage.py).
"""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from functools import cache
from pathlib import Path

import duckdb

from opsla_dagster import shipped
from opsla_dagster.catalog import AREA_OF
from opsla_dagster.errors import OpslaError
from opsla_dagster.window import Dates

#: The check file of a table that holds its rates; each of them is a check of its own.
GATES = "gates"

Parameters = dict[str, date | datetime]

#: Text -> the statement, of the latest ones: all SQL files together are half as many, and take 13 MB.
_PARSED: dict[str, duckdb.Statement] = {}
_PARSED_AT_MOST = 250

_PARAMETER = re.compile(r"\$(\w+)")
_COMMENT = re.compile(r"--.*")
#: How every SQL file says which dates it is about (tests/conventions hold them to it).
_IN_WINDOW = re.compile(r"(?P<column>[\w.]+) >= \$start_date\s+and (?P=column) < \$end_date\b")


def sql_path(table: str) -> Path:
    """`staging.case_milestones` -> sql/staging/events/case_milestones.sql: layer, area, table."""
    schema, name = table.split(".")
    return shipped.SQL / schema / AREA_OF[table].name / f"{name}.sql"


def check_path(table: str, check: str) -> Path:
    """The SELECT that finds the rows that break `check` of `table`."""
    return shipped.SQL / "checks" / table / f"{check}.sql"


@cache
def checks_of(table: str) -> tuple[str, ...]:
    """The checks of `table` that are files of their own, by name."""
    return tuple(sorted(path.stem for path in (shipped.SQL / "checks" / table).glob("*.sql") if path.stem != GATES))


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


def literal(text: str) -> str:
    """The text as a string inside SQL."""
    return "'" + text.replace("'", "''") + "'"


def path_literal(path: Path) -> str:
    """SQL string literal of a path for DuckDB's readers, which would take `*`, `?` and `[` for a pattern."""
    return literal("".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path)))


def in_dates(column: str, dates: Dates) -> str:
    """The SQL condition that `column` is one of `dates`; ranges, so that DuckDB skips what lies in the gaps."""
    ranges = [f"({column} >= date '{window.start}' and {column} < date '{window.end}')" for window in dates.windows]
    return f"({' or '.join(ranges)})"


def for_dates(sql: str, dates: Dates | None) -> str:
    """The statement for a set of dates with gaps: its filter on $start_date and $end_date leaves the gaps out.

    What a statement says with either of them alone (all of the weeks before) stays with the first and the last date.
    """
    if dates is None or len(dates.windows) == 1:
        return sql
    return _IN_WINDOW.sub(lambda found: in_dates(found["column"], dates), sql)


def bind(sql: str, dates: Dates | None, as_of_at: datetime | None = None) -> Parameters:
    """The parameters among `$start_date`, `$end_date` and `$as_of_at` that `sql` names (DuckDB refuses unused ones)."""
    offered: Parameters = {} if dates is None else {"start_date": dates.start, "end_date": dates.end}
    offered |= {} if as_of_at is None else {"as_of_at": as_of_at}
    if not offered:
        return {}
    wanted = set(_PARAMETER.findall(_COMMENT.sub("", sql)))
    return {name: value for name, value in offered.items() if name in wanted}


def parsed(connection: duckdb.DuckDBPyConnection, text: str) -> duckdb.Statement:
    """The one statement of `text`, to be executed on any connection. Parsing a long SELECT takes up to a fifth of the time that making a small table by it takes, so each text is parsed once."""
    statement = _PARSED.get(text)
    if statement is None:
        (statement,) = connection.extract_statements(text)
        if len(_PARSED) >= _PARSED_AT_MOST:
            _PARSED.clear()
        _PARSED[text] = statement
    return statement
