"""The asset graph: every table of the catalog with what it is made from, derived from its SQL and its checks.

Belongs here: deriving, and which areas a configuration feeds. Does not belong here: what any one table is (catalog/, sql/), and rows made in
Python (the modules beside this one, one an area).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from opsla_dagster.assets.backlog import BACKLOG
from opsla_dagster.assets.calendars import CALENDARS
from opsla_dagster.assets.clocks import CLOCKS
from opsla_dagster.assets.events import EVENTS
from opsla_dagster.assets.factory import TableAsset
from opsla_dagster.assets.forecast import FORECAST
from opsla_dagster.assets.links import LINKS
from opsla_dagster.assets.operations import OPERATIONS
from opsla_dagster.assets.risk import RISK
from opsla_dagster.assets.scenarios import SCENARIOS
from opsla_dagster.assets.sources import SOURCES
from opsla_dagster.assets.staffing import STAFFING
from opsla_dagster.assets.worklist import WORKLIST
from opsla_dagster.catalog import AREA_OF, TABLES, Kind
from opsla_dagster.settings import Settings
from opsla_dagster.sources.filled import active_tables, empty_tables
from opsla_dagster.warehouse.changed_dates import COMPARED_TABLES
from opsla_dagster.warehouse.lineage import tables_read_by
from opsla_dagster.warehouse.sql import GATES, check_path, checks_of, sql_path

#: The tables whose rows are made in Python, by name; a SQL file makes each of the others.
PYTHON_TABLES = {**CALENDARS, **SOURCES, **EVENTS, **CLOCKS, **SCENARIOS, **BACKLOG, **FORECAST, **LINKS, **RISK, **WORKLIST, **STAFFING, **OPERATIONS}


def _table_asset(name: str) -> TableAsset:
    python = PYTHON_TABLES.get(name)
    read = set(python.deps) if python else tables_read_by(sql_path(name))
    if TABLES[name].kind is Kind.BY_DAY:
        read |= {*COMPARED_TABLES}
    checks = checks_of(name)
    for check in (*checks, GATES):
        path = check_path(name, check)
        read |= tables_read_by(path) if path.exists() else set()
    return TableAsset(name, AREA_OF[name], sorted(read - {name}), checks, python=python)


#: Every table there can be, by name.
TABLE_ASSETS = {name: _table_asset(name) for name in TABLES}


def table_assets(settings: Settings) -> list[TableAsset]:
    """The tables of the areas that the enabled sources feed, each made from those of them; of what else it reads empty tables stand there."""
    fed = {table.name for table in active_tables(settings.sources)}
    empty = {table.name for table in empty_tables(settings.sources)}
    return [
        replace(line, deps=[dep for dep in line.deps if dep in fed], empty=[dep for dep in line.deps if dep in empty])
        for name, line in TABLE_ASSETS.items()
        if name in fed
    ]


def upstream(lines: Mapping[str, TableAsset], *names: str) -> dict[str, list[str]]:
    """Those of the tables `names` that are among `lines`, and everything among them that these are made from, directly or not: each with what it is made from."""
    found: dict[str, list[str]] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in lines and name not in found:
            found[name] = sorted(dep for dep in lines[name].deps if dep in lines)
            waiting += found[name]
    return found
