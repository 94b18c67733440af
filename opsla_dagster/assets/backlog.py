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
from opsla_dagster.warehouse.lineage import tables_read_by
from opsla_dagster.warehouse.sql import in_dates, sql_path
from opsla_dagster.window import Window

_SPANS, _CLOCKS = "staging.backlog_spans", "staging.backlog_clocks"
#: What is not known yet while a stretch lasts: a state does not change by what ends it.
_ENDS = ("ended_at", "ended_date", "ended_with", "stopped_at", "outcome", "clock_due_at")
#: Of the case itself, beside its stretches: as long as it has not ended.
_CASE = "'case', cases.case_id, cases.intake_ts, cases.case_type, cases.region, cases.brand, cases.channel, cases.customer"
#: A change of it makes every loaded date anew: fingerprints of two kinds would not cancel each other.
FINGERPRINTS_SQL = """
    with local_dates as (
        select local_date, min(segment_start_at) as starts_at
        from staging.business_time
        where calendar = 'desk'
        group by local_date
    ),
    utc_dates as (
        select parts.utc_date, parts.first_date, parts.last_date, second.starts_at as second_from_at, last.starts_at as last_from_at
        from (
            select utc_date, min(local_date) as first_date, max(local_date) as last_date
            from staging.business_time
            where calendar = 'desk'
            group by utc_date
        ) as parts
        inner join local_dates as last on parts.last_date = last.local_date
        left join local_dates as second on parts.first_date + 1 = second.local_date
    ),
    spans as (
        select intake_date, case_id, started_date, ended_date, began_with, hash({span_state}) as state, hash('start', {span_state}, {span_start}) as start, hash('end', {span_state}, {span_end}) as finish
        from staging.backlog_spans
        where {inside} and is_open
    ),
    cases as (
        select case_id, ended_at, hash({case}) as state
        from (select * from staging.case_milestones where {inside}) as cases
    ),
    clocks as (
        select
            clocks.intake_date,
            {started_date} as started_date,
            {stopped_date} as stopped_date,
            hash({clock_state}) as state,
            hash('stop', {clock_state}, clocks.stopped_at) as finish
        from (select * from staging.backlog_clocks where {inside}) as clocks
        left join utc_dates as starts on clocks.started_at::date = starts.utc_date
        left join utc_dates as stops on clocks.stopped_at::date = stops.utc_date
    ),
    -- Fingerprints cancel each other pair by pair, so those of one date are taken together before they are told twice.
    span_starts as (
        select intake_date, started_date, bit_xor(state) as state, bit_xor(start) as start from spans group by all
    ),
    span_ends as (
        select intake_date, ended_date, bit_xor(state) as state, bit_xor(finish) as finish from spans where ended_date is not null group by all
    ),
    clock_stops as (
        select intake_date, stopped_date, bit_xor(state) as state, bit_xor(finish) as finish from clocks where stopped_date is not null group by all
    ),
    facts as (
        select intake_date, started_date as fact_date, xor(state, start) as digest from span_starts
        union all
        select intake_date, started_date + 1, start from span_starts
        union all
        select intake_date, ended_date, xor(state, finish) from span_ends
        union all
        select intake_date, ended_date + 1, finish from span_ends
        union all
        select spans.intake_date, spans.started_date, cases.state
        from spans
        inner join cases on spans.case_id = cases.case_id
        where spans.began_with = 'opened'
        union all
        select spans.intake_date, spans.ended_date + 1, cases.state
        from (select * from staging.backlog_spans where {inside} and ended_with is distinct from 'changed') as spans
        inner join cases on spans.case_id = cases.case_id and spans.ended_at = cases.ended_at
        union all
        select intake_date, started_date, bit_xor(state) from clocks group by all
        union all
        select intake_date, stopped_date, xor(state, finish) from clock_stops
        union all
        select intake_date, stopped_date + 1, finish from clock_stops
    )
    select intake_date, fact_date::date as fact_date, (bit_xor(digest) >> 1)::bigint as fact_digest
    from facts
    group by all
    order by all
"""


def _local_date(instant: str, dates: str) -> str:
    """The desk's date of an instant, from the row of utc_dates that has it; outside the horizon its UTC date."""
    return (
        f"case when {dates}.utc_date is null then {instant}::date when {instant} >= {dates}.last_from_at then {dates}.last_date "
        f"when {instant} >= {dates}.second_from_at then {dates}.first_date + 1 else {dates}.first_date end"
    )


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
        case=_CASE,
        started_date=_local_date("clocks.started_at", "starts"),
        stopped_date=_local_date("clocks.stopped_at", "stops"),
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

    read = sorted(tables_read_by(sql_path(table)) - {"mart.snapshot_instants"})
    return PythonTable(rows, deps=["mart.desk_now", *read])


BACKLOG = {
    "mart.clock_now": _now("mart.clock_snapshot"),
    "mart.backlog_now": _now("mart.backlog_snapshot"),
    "staging.backlog_facts": PythonTable(_backlog_facts, deps=[_SPANS, _CLOCKS, "staging.case_milestones", "staging.business_time"]),
}
