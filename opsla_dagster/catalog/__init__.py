"""The dictionary: every column once, every table once; Pandera schemas, Dagster metadata and docs derive from it.

Belongs here: areas, and the grain, key, columns and rules of their tables. Does not belong here: how a table is computed (sql/) or when
(assets/).
"""

from opsla_dagster.catalog import (
    agreement,
    attainment,
    backlog,
    calendars,
    clocks,
    drivers,
    events,
    facts,
    flow,
    forecast,
    links,
    operations,
    ownership,
    risk,
    satisfaction,
    scenarios,
    sources,
    staffing,
    worklist,
)
from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.model import Column, Kind, Rule, Table

#: In the order in which they read each other: none reads one that stands behind it.
AREAS: tuple[Area, ...] = (
    calendars.AREA, sources.AREA, events.AREA, clocks.AREA, flow.AREA, drivers.AREA, scenarios.AREA, attainment.AREA, backlog.AREA, forecast.AREA,
    links.AREA, ownership.AREA, agreement.AREA, facts.AREA, satisfaction.AREA, risk.AREA, worklist.AREA, staffing.AREA, operations.AREA,
)
#: The asset that is no table: the copy of the marts for readers.
PUBLISHED = ("ops", "published_marts")
#: What answers the first question, which promises were kept. A run makes them, and what they are made from, before everything else.
HEADLINE_TABLES = ("mart.sla_overview", "mart.promise_durations", "mart.unknown_clocks", "mart.open_clocks", "mart.sla_daily", "mart.sla_overall")
TABLES = {table.name: table for area in AREAS for table in area.tables}
AREA_OF = {table.name: area for area in AREAS for table in area.tables}

__all__ = ["AREAS", "AREA_OF", "HEADLINE_TABLES", "PUBLISHED", "TABLES", "Area", "Column", "Kind", "Rule", "Table"]
