-- Clocks that were met or breached and whose last stretch does not end at the elapsed time that they were judged by, or that have not exactly one such stretch.
-- What the backlog shows of a clock the second before it stops, and the verdict, are one count of the same seconds.
-- A failure means that elapsed times of the backlog, debt and error budgets contradict the verdicts; look first at running_seconds_before and
-- open_seconds_at_start of sql/staging/backlog/backlog_clocks.sql.
with last_spans as (
    select
        case_id,
        policy,
        metric,
        cycle,
        calendar,
        state,
        stopped_at,
        running_seconds_before,
        open_seconds_at_start
    from staging.backlog_clocks
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and outcome in ('met', 'breached')
),

judged_clocks as (
    select
        stretches.case_id,
        stretches.policy,
        stretches.metric,
        stretches.cycle,
        cast(null as varchar) as outcome,
        cast(null as bigint) as elapsed_seconds,
        1 as last_spans,
        stretches.running_seconds_before
        + case
            when stretches.state = 'paused' then 0
            when hours.is_open then hours.open_seconds_before + (epoch_us(stretches.stopped_at) - epoch_us(hours.segment_start_at)) // 1000000 - stretches.open_seconds_at_start
            else hours.open_seconds_before - stretches.open_seconds_at_start
        end as backlog_elapsed_seconds
    from last_spans as stretches
    left join staging.business_time as hours
        on
            stretches.calendar = hours.calendar
            and cast(stretches.stopped_at as date) = hours.utc_date
            and stretches.stopped_at >= hours.segment_start_at
            and stretches.stopped_at < hours.segment_end_at

    union all

    select
        case_id,
        policy,
        metric,
        cycle,
        outcome,
        elapsed_seconds,
        0 as last_spans,
        cast(null as bigint) as backlog_elapsed_seconds
    from staging.sla_clocks
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and outcome in ('met', 'breached')
)

select
    case_id,
    policy,
    metric,
    cycle,
    max(outcome) as outcome,
    sum(last_spans) as last_spans,
    max(backlog_elapsed_seconds) as backlog_elapsed_seconds,
    max(elapsed_seconds) as elapsed_seconds
from judged_clocks
group by case_id, policy, metric, cycle
having
    max(outcome) is not null
    and (sum(last_spans) <> 1 or max(backlog_elapsed_seconds) is distinct from max(elapsed_seconds))
