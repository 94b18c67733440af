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
#: Clocks with a verdict that stopped, as was known, before the cut.
_CLOSED = """
    staging.sla_clocks
    where
        stopped_at < $cut_at
        and intake_date <= $cut_at::date + 1
        and outcome in ('met', 'breached')
        and not is_superseded
"""
_SAMPLED_CLOCKS = f"""
    with counted as (
        select metric, count(*) as all_clocks, count(*) filter (where stopped_at >= {_EARLIEST}) as late_clocks, count(*) over () as metrics
        from {_CLOSED}
        group by metric
    ),
    closed as (
        select metric, late_clocks >= wanted as is_long, wanted, case when late_clocks >= wanted then late_clocks else all_clocks end as clocks
        from (select *, greatest($clocks // metrics, {MIN_SAMPLED_CLOCKS}) as wanted from counted)
    )
    select
        clocks.case_id, clocks.intake_date, clocks.policy, clocks.metric, clocks.cycle, clocks.calendar, clocks.started_at, clocks.stopped_at, clocks.outcome,
        clocks.end_event_id
    from (select * from {_CLOSED}) as clocks
    inner join closed on clocks.metric = closed.metric
    where
        (clocks.stopped_at >= {_EARLIEST} or not closed.is_long)
        and hash(clocks.case_id) % 1000000 < closed.wanted * 1000000 // closed.clocks
"""
#: What of a stop was received only after the cut was not known then.
_KNOWN_CLOCKS = """
    select clocks.* exclude (end_event_id)
    from risk_sampled_clocks as clocks
    left join staging.events_clean as events on clocks.end_event_id = events.event_id and clocks.intake_date = events.intake_date
    where events.event_id is null or events.ingestion_ts < $cut_at
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
        where events.canonical_ts > clocks.started_at and events.canonical_ts < clocks.stopped_at
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
        case_id, intake_date, policy, metric, cycle, calendar, stopped_at, outcome,
        date_trunc('second', drawn_at) + interval 1 second as predicted_at
    from drawn
    where drawn_at is not null
    group by all
    having predicted_at < stopped_at
"""
#: F at an instant of a table's `calendar`.
_OPEN_SECONDS = "(at_{0}.open_seconds_before + case when at_{0}.is_open then (epoch_us(rows.{0}) - epoch_us(at_{0}.segment_start_at)) // 1000000 else 0 end)"
_AT = """
    inner join staging.business_time as at_{0}
        on rows.calendar = at_{0}.calendar and cast(rows.{0} as date) = at_{0}.utc_date
        and rows.{0} >= at_{0}.segment_start_at and rows.{0} < at_{0}.segment_end_at
"""
#: What became of the clock, beside the features of its instants: rows that nobody could have known are left out.
_EXAMPLES = f"""
    select
        features.*,
        rows.stopped_at,
        rows.outcome = 'breached' as is_breached,
        ({_OPEN_SECONDS.format("stopped_at")} - {_OPEN_SECONDS.format("predicted_at")}) / 60.0 as remaining_business_minutes
    from risk_instants as rows
    inner join ({{features}}) as features using (case_id, policy, metric, cycle, predicted_at)
    {_AT.format("stopped_at")} {_AT.format("predicted_at")}
    where features.is_received and features.is_promise_in_force
    order by features.metric, rows.stopped_at, features.case_id, features.policy, features.cycle, features.predicted_at
"""

#: All of it: a change makes models anew.
SQL_TEXT = "\n".join((_SAMPLED_CLOCKS, _KNOWN_CLOCKS, _DRAWN_INSTANTS, _EXAMPLES))


@cache
def features_sql(instants: str) -> str:
    """The SELECT of mart.risk_features about the clocks and instants of the relation `instants`."""
    sql = "\n".join(line for line in load_sql(sql_path("mart.risk_features")).splitlines() if not line.lstrip().startswith("--"))
    return re.sub(r"\bmart\.risk_instants\b", instants, sql)


def examples(connection: duckdb.DuckDBPyConnection, cut_at: datetime, clocks: int = SAMPLED_CLOCKS) -> pa.Table:
    """Features of clocks that had stopped, as was known, before `cut_at` (naive UTC), with what became of them; in the order of their stops, by metric.

    One row a clock and drawn instant: the columns of mart.risk_features, `stopped_at`, `is_breached`, and `remaining_business_minutes` from the instant to
    the stop, waits included.
    """
    connection.execute(f"create or replace temp table risk_sampled_clocks as {_SAMPLED_CLOCKS}", {"cut_at": cut_at, "clocks": clocks})
    connection.execute(f"create or replace temp table risk_clocks as {_KNOWN_CLOCKS}", {"cut_at": cut_at})
    connection.execute(f"create or replace temp table risk_instants as {_DRAWN_INSTANTS}")
    return examples_at(connection)


def examples_at(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """The same of the temporary table `risk_instants`: case_id, intake_date, policy, metric, cycle, calendar, stopped_at, outcome, predicted_at."""
    return connection.sql(_EXAMPLES.format(features=features_sql("risk_instants"))).to_arrow_table()
