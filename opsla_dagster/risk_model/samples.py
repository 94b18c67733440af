"""Which clocks of the past train a model, at which instants of their lives, and what became of them.

Instants are drawn without looking at how a clock ended: at its start, at its first events, and at shares of its target, kept where it was still
open. Drawn from within a life they would show fast clocks more often than they are met. Belongs here: the SELECTs. Does not belong here: the
features (sql/mart/risk/risk_features.sql), and what is learnt from them.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache

import duckdb
import pyarrow as pa

from opsla_dagster.risk_model.parameters import MIN_SAMPLED_CLOCKS, SAMPLED_CLOCKS, TRAINING_DAYS
from opsla_dagster.warehouse.sql import load_sql, sql_path

#: Of a desk with a long history the latest year trains; of one with few clocks all there are.
_EARLIEST = f"$cut_at - interval {TRAINING_DAYS} day"
#: Clocks whose outcome was known before the cut: stopped with a verdict, or past their target, whether or not they have stopped since. Of those that
#: broke it is known from the instant at which they fell due: told by their stops, a month's clocks would be its fast ones, and the slow ones of a month before.
_KNOWN = """
    (
        select
            clocks.case_id, clocks.intake_date, clocks.policy, clocks.metric, clocks.cycle, clocks.calendar, clocks.started_at,
            case when clocks.outcome in ('met', 'breached') and clocks.stopped_at < $cut_at then clocks.stopped_at end as stopped_at,
            coalesce(overdue.due_at, clocks.stopped_at) as known_at,
            case when overdue.due_at is not null then 'breached' else clocks.outcome end as outcome,
            clocks.end_event_id
        from staging.sla_clocks as clocks
        left join (
            select case_id, intake_date, policy, metric, cycle, min(due_at) as due_at
            from staging.backlog_clocks
            where started_at < $cut_at and due_at < $cut_at and (stopped_at is null or due_at < stopped_at)
            group by all
        ) as overdue using (case_id, intake_date, policy, metric, cycle)
        where
            not clocks.is_superseded
            and clocks.intake_date <= $cut_at::date + 1
            and (
                (clocks.stopped_at < $cut_at and clocks.outcome in ('met', 'breached'))
                or (overdue.due_at is not null and (clocks.stopped_at is null or clocks.stopped_at >= $cut_at))
            )
    )
"""
_SAMPLED_CLOCKS = f"""
    with known as (select * from {_KNOWN}),
    counted as (
        select metric, count(*) as all_clocks, count(*) filter (where known_at >= {_EARLIEST}) as late_clocks, count(*) over () as metrics
        from known
        group by metric
    ),
    wanted as (
        select metric, late_clocks >= wanted as is_long, wanted, case when late_clocks >= wanted then late_clocks else all_clocks end as clocks
        from (select *, greatest($clocks // metrics, {MIN_SAMPLED_CLOCKS}) as wanted from counted)
    )
    select clocks.*
    from known as clocks
    inner join wanted on clocks.metric = wanted.metric
    where
        (clocks.known_at >= {_EARLIEST} or not wanted.is_long)
        and hash(clocks.case_id) % 1000000 < wanted.wanted * 1000000 // wanted.clocks
"""
#: What of a stop was received only after the cut was not known then.
_KNOWN_CLOCKS = """
    select clocks.* exclude (end_event_id)
    from risk_sampled_clocks as clocks
    left join staging.events_clean as events on clocks.end_event_id = events.event_id and clocks.intake_date = events.intake_date
    where clocks.stopped_at is null or events.event_id is null or events.ingestion_ts < $cut_at
"""


def _draw(number: int) -> str:
    """A number from 0 to 1 that belongs to the case; another one for each `number`."""
    return f"(hash(clocks.case_id, clocks.cycle, {number}) % 1000000 / 1000000.0)"


#: The instants at which a clock's past is looked at, as drawn before anybody knew its end.
_DRAWN_INSTANTS = f"""
    with dues as (
        select clocks.case_id, clocks.policy, clocks.metric, clocks.cycle, min(stretches.due_at) as first_due_at
        from risk_clocks as clocks
        inner join staging.backlog_clocks as stretches
            on clocks.case_id = stretches.case_id and clocks.intake_date = stretches.intake_date and clocks.policy = stretches.policy
            and clocks.metric = stretches.metric and clocks.cycle = stretches.cycle and clocks.started_at = stretches.started_at
        group by all
    ),
    starts as (
        select clocks.case_id, clocks.policy, clocks.metric, clocks.cycle, max(events.ingestion_ts) as received_at
        from risk_clocks as clocks
        inner join staging.events_clean as events on clocks.case_id = events.case_id and clocks.intake_date = events.intake_date
        where events.canonical_ts <= clocks.started_at
        group by all
    ),
    events as (
        select
            clocks.case_id, clocks.policy, clocks.metric, clocks.cycle, greatest(events.canonical_ts, events.ingestion_ts) as known_at,
            row_number() over (
                partition by clocks.case_id, clocks.policy, clocks.metric, clocks.cycle
                order by events.canonical_ts, events.source_sequence, events.event_id
            ) as event_number
        from risk_clocks as clocks
        inner join staging.events_clean as events on clocks.case_id = events.case_id and clocks.intake_date = events.intake_date
        where events.canonical_ts > clocks.started_at and events.canonical_ts < coalesce(clocks.stopped_at, clocks.known_at)
    ),
    drawn as (
        select clocks.*, greatest(clocks.started_at, starts.received_at) as drawn_at
        from risk_clocks as clocks left join starts using (case_id, policy, metric, cycle)
        union all
        select clocks.*, clocks.started_at + (epoch_us(dues.first_due_at) - epoch_us(clocks.started_at)) / 1e6 * {_draw(1)} * interval 1 second
        from risk_clocks as clocks inner join dues using (case_id, policy, metric, cycle)
        union all
        select clocks.*, clocks.started_at + (epoch_us(dues.first_due_at) - epoch_us(clocks.started_at)) / 1e6 * 2.5 * {_draw(2)} * interval 1 second
        from risk_clocks as clocks inner join dues using (case_id, policy, metric, cycle)
        union all
        select clocks.*, events.known_at
        from risk_clocks as clocks inner join events using (case_id, policy, metric, cycle)
        where events.event_number in (1 + floor(3 * {_draw(3)}), 4 + floor(4 * {_draw(4)}))
    )
    select
        case_id, intake_date, policy, metric, cycle, calendar, stopped_at, known_at, outcome,
        date_trunc('second', drawn_at) + interval 1 second as predicted_at
    from drawn
    where drawn_at is not null
    group by all
    having predicted_at < coalesce(stopped_at, known_at)
"""
#: F at an instant of a table's `calendar`.
_OPEN_SECONDS = "(at_{0}.open_seconds_before + case when at_{0}.is_open then (epoch_us(rows.{0}) - epoch_us(at_{0}.segment_start_at)) // 1000000 else 0 end)"
_AT = """
    {1} join staging.business_time as at_{0}
        on rows.calendar = at_{0}.calendar and cast(rows.{0} as date) = at_{0}.utc_date
        and rows.{0} >= at_{0}.segment_start_at and rows.{0} < at_{0}.segment_end_at
"""
#: What became of the clock, beside the features of its instants: rows that nobody could have known are left out.
_EXAMPLES = f"""
    select
        features.*,
        rows.stopped_at,
        rows.known_at,
        rows.outcome = 'breached' as is_breached,
        ({_OPEN_SECONDS.format("stopped_at")} - {_OPEN_SECONDS.format("predicted_at")}) / 60.0 as remaining_business_minutes
    from risk_instants as rows
    inner join ({{features}}) as features using (case_id, policy, metric, cycle, predicted_at)
    {_AT.format("stopped_at", "left")} {_AT.format("predicted_at", "inner")}
    where features.is_received and features.is_promise_in_force and (rows.stopped_at is null or at_stopped_at.segment_start_at is not null)
    order by features.metric, rows.known_at, features.case_id, features.policy, features.cycle, features.predicted_at
"""

#: All of it: a change makes models anew.
SQL_TEXT = "\n".join((_SAMPLED_CLOCKS, _KNOWN_CLOCKS, _DRAWN_INSTANTS, _EXAMPLES))


@cache
def features_sql(instants: str) -> str:
    """The SELECT of mart.risk_features about the clocks and instants of the relation `instants`."""
    sql = "\n".join(line for line in load_sql(sql_path("mart.risk_features")).splitlines() if not line.lstrip().startswith("--"))
    return re.sub(r"\bmart\.risk_instants\b", instants, sql)


def examples(connection: duckdb.DuckDBPyConnection, cut_at: datetime, clocks: int = SAMPLED_CLOCKS) -> pa.Table:
    """Features of clocks whose outcome was known before `cut_at` (naive UTC), with what became of them; in the order in which it became known, by metric.

    One row a clock and drawn instant: the columns of mart.risk_features, `stopped_at` (NULL: past its target, and not stopped by then), `known_at`, `is_breached`,
    and `remaining_business_minutes` from the instant to the stop, waits included (NULL where it has not stopped).
    """
    connection.execute(f"create or replace temp table risk_sampled_clocks as {_SAMPLED_CLOCKS}", {"cut_at": cut_at, "clocks": clocks})
    connection.execute(f"create or replace temp table risk_clocks as {_KNOWN_CLOCKS}", {"cut_at": cut_at})
    connection.execute(f"create or replace temp table risk_instants as {_DRAWN_INSTANTS}")
    return examples_at(connection)


def examples_at(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """The same of the temporary table `risk_instants`: case_id, intake_date, policy, metric, cycle, calendar, stopped_at, known_at, outcome, predicted_at."""
    return connection.sql(_EXAMPLES.format(features=features_sql("risk_instants"))).to_arrow_table()
