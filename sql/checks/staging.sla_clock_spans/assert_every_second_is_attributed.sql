-- Clocks whose spans do not cover them, second by second, from start to stop, each second once.
-- A failure means that time is lost or counted twice; look first at sql/staging/clocks/sla_clock_spans.sql.
with attributed as (
    select
        case_id,
        policy,
        metric,
        cycle,
        min(started_at) as started_at,
        max(stopped_at) as stopped_at,
        count(*) = count(running_seconds) as is_counted,
        sum(
            running_seconds + paused_seconds + closed_hours_seconds + holiday_seconds + policy_switch_seconds
        ) as seconds,
        min(closed_hours_seconds) as least_closed_hours_seconds
    from staging.sla_clock_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id, policy, metric, cycle
),

runs as (
    select
        case_id,
        policy,
        metric,
        cycle,
        started_at,
        stopped_at,
        epoch_us(stopped_at) // 1000000 - epoch_us(started_at) // 1000000 as seconds
    from staging.sla_clock_windows
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and stopped_at >= started_at
)

select
    runs.case_id,
    runs.policy,
    runs.metric,
    runs.cycle,
    runs.seconds,
    attributed.seconds as attributed_seconds
from runs
left join attributed
    on
        runs.case_id = attributed.case_id
        and runs.policy = attributed.policy
        and runs.metric = attributed.metric
        and runs.cycle = attributed.cycle
where
    attributed.case_id is null
    or attributed.started_at <> runs.started_at
    or attributed.stopped_at <> runs.stopped_at
    or (attributed.is_counted and attributed.seconds is distinct from runs.seconds)
    or attributed.least_closed_hours_seconds < 0
