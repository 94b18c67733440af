"""The backlog at any instant: the SELECTs of the tables that tell it at the ends of dates, asked for another instant.

One text, one truth: the instant takes the place of mart.snapshot_instants, and the same SQL answers. Belongs here: that substitution. Does not belong here: what the figures mean (sql/), and what is shown of them (reporting/).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import duckdb

from opsla_dagster.warehouse.lineage import tables_read_by
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.window import ONE_DAY

#: The instant in the shape of mart.snapshot_instants: what lies within its second counts as well.
_INSTANT = (
    "(select cast($start_date as date) as snapshot_date, cast($at as timestamp) as snapshot_from_at, cast($at as timestamp) as snapshot_at, "
    "cast($at as timestamp) + interval 1 second as seen_before_at)"
)
#: The same in the shape of mart.desk_now, as far as it is read at an instant.
_NOW = "(select cast($at as timestamp) as now_at, cast($start_date as date) as now_date)"
#: Tables of now -> the table that tells the same at the ends of dates, or at an instant.
NOW_OF = {"mart.backlog_now": "mart.backlog_snapshot", "mart.clock_now": "mart.clock_snapshot"}

#: What is open at the instant began before it and has not ended: said where rows are read, so that files leave the others unread.
_OPEN_AT = {
    "mart.backlog_snapshot": ("staging.backlog_spans", "ended_at"),
    "mart.clock_snapshot": ("staging.backlog_clocks", "stopped_at"),
}
#: Read on the way: told at the instant, too.
_TOLD_AT = ("mart.clock_snapshot", "mart.burn_windows", "mart.due_clocks", "mart.pace_days")


#: Where a connection has tables that are elsewhere than under their own name: table -> what stands after FROM.
Places: TypeAlias = Mapping[str, str]
#: In the warehouse every table has its own name.
WAREHOUSE: Places = {}


def sql_at(table: str, places: Places = WAREHOUSE) -> str:
    """The SELECT of `table` (mart.backlog_snapshot, mart.queue_health, mart.clock_snapshot ...) at the instant $at; `parameters_at` binds it."""
    # Comments name tables too.
    sql = "\n".join(line for line in load_sql(sql_path(table)).splitlines() if not line.lstrip().startswith("--"))
    for read in sorted(tables_read_by(sql_path(table)), key=len, reverse=True):
        sql = re.sub(rf"\b{re.escape(read)}\b(?! as {re.escape(read)})", _place(read, places, table).replace("\\", r"\\"), sql)
    return sql


def _place(table: str, places: Places, reader: str) -> str:
    """What stands for `table` where `reader` reads it."""
    stretches, end = _OPEN_AT.get(reader, ("", ""))
    if table == stretches:
        return (
            f"(select * from {places.get(table, table)} where started_at < cast($at as timestamp) + interval 1 second "
            f"and ({end} is null or {end} >= cast($at as timestamp)))"
        )
    if table == "mart.snapshot_instants":
        return _INSTANT
    if table == "mart.desk_now":
        return _NOW
    if table in places:
        return places[table]
    if table in NOW_OF:
        return f"({sql_at(NOW_OF[table], places)})"
    if table in _TOLD_AT:
        return f"({sql_at(table, places)})"
    return table


def parameters_at(sql: str, at: datetime, zone: str) -> dict[str, Any]:
    """What `sql` asks for: the instant (naive UTC) and its local date in `zone`, the desk's."""
    local_date = at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    offered = {"at": at, "start_date": local_date, "end_date": local_date + ONE_DAY}
    wanted = duckdb.extract_statements(sql)[0].named_parameters
    return {name: value for name, value in offered.items() if name in wanted}
