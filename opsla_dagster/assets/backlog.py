"""Rows of the area `backlog` that are made in Python: the fingerprints that tell which dates of the backlog have changed.

Belongs here: one entry a table. Does not belong here: comparing them (warehouse/changed_dates.py), and any figure.
"""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from opsla_dagster.assets.factory import PythonTable, window_of
from opsla_dagster.assets.scope import Scope
from opsla_dagster.catalog import TABLES
from opsla_dagster.warehouse.at_instant import parameters_at, sql_at
from opsla_dagster.warehouse.lineage import tables_read
from opsla_dagster.warehouse.sql import in_dates, load_sql, sql_path
from opsla_dagster.window import Window

_SPANS, _CLOCKS = "staging.backlog_spans", "staging.backlog_clocks"
#: What is not known yet while a stretch lasts: a state does not change by what ends it.
_ENDS = ("ended_at", "ended_date", "ended_with", "stopped_at", "outcome", "clock_due_at")
#: A change of it makes every loaded date anew: fingerprints of two kinds would not cancel each other.
FINGERPRINTS_SQL = """
    with local_dates as (
        select local_date, min(segment_start_at) as starts_at
        from staging.business_time
        where calendar = 'desk'
        group by local_date
    ),
    spans as (
        select *, hash({span_state}) as state, hash('start', {span_state}, {span_start}) as start, hash('end', {span_state}, {span_end}) as finish
        from staging.backlog_spans
        where {inside} and is_open
    ),
    clocks as (
        select
            clocks.intake_date,
            coalesce(starts.local_date, clocks.started_at::date) as started_date,
            case when clocks.stopped_at is not null then coalesce(stops.local_date, clocks.stopped_at::date) end as stopped_date,
            hash({clock_state}) as state,
            hash('stop', {clock_state}, clocks.stopped_at) as finish
        from (select * from staging.backlog_clocks where {inside}) as clocks
        asof left join local_dates as starts on clocks.started_at >= starts.starts_at
        asof left join local_dates as stops on coalesce(clocks.stopped_at, timestamp '9999-12-31') >= stops.starts_at
    ),
    facts as (
        select intake_date, started_date as fact_date, state as digest from spans
        union all
        select intake_date, ended_date, state from spans where ended_date is not null
        union all
        select intake_date, started_date, start from spans
        union all
        select intake_date, started_date + 1, start from spans
        union all
        select intake_date, ended_date, finish from spans where ended_date is not null
        union all
        select intake_date, ended_date + 1, finish from spans where ended_date is not null
        union all
        select intake_date, started_date, state from clocks
        union all
        select intake_date, stopped_date, state from clocks where stopped_date is not null
        union all
        select intake_date, stopped_date, finish from clocks where stopped_date is not null
        union all
        select intake_date, stopped_date + 1, finish from clocks where stopped_date is not null
    )
    select intake_date, fact_date::date as fact_date, (bit_xor(digest) >> 1)::bigint as fact_digest
    from facts
    group by all
    order by all
"""


def _columns(table: str, prefix: str, *, of_start: bool | None) -> str:
    """Columns of `table` as arguments of hash(): those of its state, or those that only tell how a stretch begins (`of_start`) or ends."""
    names = [column.name for column in TABLES[table].columns]
    begins, ends = ({"began_with", *(name for name in names if name.endswith("_kept_at_start"))},
                    {"ended_with", "ended_at", *(name for name in names if name.endswith("_kept_at_end"))})  # fmt: skip
    if of_start is None:
        chosen = [name for name in names if name not in {*begins, *ends, *_ENDS, "span_number"}]
    else:
        chosen = [name for name in names if name in (begins if of_start else ends)]
    return ", ".join(f"{prefix}{name}" for name in chosen)


def fingerprints_sql(window: Window) -> str:
    """The SELECT of staging.backlog_facts for intake dates."""
    return FINGERPRINTS_SQL.format(
        span_state=_columns(_SPANS, "", of_start=None),
        span_start=_columns(_SPANS, "", of_start=True),
        span_end=_columns(_SPANS, "", of_start=False),
        clock_state=_columns(_CLOCKS, "clocks.", of_start=None),
        inside=in_dates("intake_date", window),
    )


def _backlog_facts(scope: Scope, part: Window | None) -> pa.Table:
    return scope.connection.sql(fingerprints_sql(window_of(part))).to_arrow_table()


def _now(table: str) -> PythonTable:
    """Rows of `table`, which is told at the ends of dates, at now; none while nothing is loaded."""

    def rows(scope: Scope, part: Window | None) -> pa.Table:
        found = scope.connection.execute("select now_at from mart.desk_now").fetchall()
        sql = sql_at(table)
        at = found[0][0] if found else datetime(1970, 1, 1)
        return scope.connection.sql(sql, params=parameters_at(sql, at, scope.settings.sources.desk.timezone)).to_arrow_table()

    read = sorted(tables_read(load_sql(sql_path(table))) - {"mart.snapshot_instants"})
    return PythonTable(rows, deps=["mart.desk_now", *read])


BACKLOG = {
    "mart.clock_now": _now("mart.clock_snapshot"),
    "mart.backlog_now": _now("mart.backlog_snapshot"),
    "staging.backlog_facts": PythonTable(_backlog_facts, deps=[_SPANS, _CLOCKS, "staging.business_time"]),
}
