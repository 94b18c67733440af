"""What the house rules look at: the repository's files, parsed once.

Belongs here: finding and parsing. Does not belong here: any rule; those are the test files beside this one, one a subject.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import sqlglot
from sqlglot import exp

from opsla_dagster.assets.graph import TABLE_ASSETS

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "opsla_dagster"
SQL = REPOSITORY / "sql"

MODULE_FILES = sorted(PACKAGE.rglob("*.py"))
#: The SELECTs that tables are made of, those that check them, and those that BI tools start from.
DASHBOARD_FILES = sorted(SQL.glob("dashboards/*.sql"))
TABLE_FILES = sorted(set(SQL.glob("*/*/*.sql")) - set(SQL.glob("checks/*/*.sql")))
CHECK_FILES = sorted(path for path in SQL.glob("checks/*/*.sql"))
SQL_FILES = [*TABLE_FILES, *CHECK_FILES, *DASHBOARD_FILES]
CONFIG_FILES = sorted([*REPOSITORY.glob("config/*.yml"), *REPOSITORY.glob("examples/*/*.yml")])
MARKDOWN_FILES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])

def named(path: Path) -> str:
    """How a test calls the file."""
    return str(path.relative_to(REPOSITORY))


def table_of(path: Path) -> str:
    """The table that a file of sql/ is about: sql/mart/attainment/sla_daily.sql and sql/checks/mart.sla_daily/... -> mart.sla_daily."""
    return path.parent.name if path in CHECK_FILES else f"{path.parents[1].name}.{path.stem}"


@cache
def module_tree(path: Path) -> ast.Module:
    """A Python file, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def statements(sql: str) -> list[exp.Expr | None]:
    """What a text says, parsed: which takes longer than any rule."""
    return sqlglot.parse(sql, dialect="duckdb")


def parsed(sql: str) -> exp.Query:
    """A SELECT, parsed."""
    (select,) = statements(sql)
    assert isinstance(select, exp.Query)
    return select


def header_of(path: Path) -> str:
    """The comment lines that open a SQL or YAML file, as one text."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("--", "#")):
            break
        lines.append(line.lstrip("-# "))
    return " ".join(lines)


def upstream(table: str) -> set[str]:
    """Every table that is made before `table`."""
    found: set[str] = set()
    waiting = list(TABLE_ASSETS[table].deps)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += TABLE_ASSETS[name].deps
    return found
