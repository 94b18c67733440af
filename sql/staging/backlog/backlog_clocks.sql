-- One row is one stretch of a clock in one state, running or paused: what it had run before, and when it falls due.
-- The stretches of staging.sla_clock_spans in which the promise was in force, each with what has to be known to judge the clock at an instant
-- within it: elapsed = running_seconds_before, and where it runs F(instant) - F(started_at). due_at is what was known in the stretch: the first
-- instant at which the clock reaches its target if it runs on, the instant at which it did once it has, NULL while a pause keeps it from
-- being known. What came later does not move it. The last stretch of a clock that has stopped has the verdict as well (docs/decisions/0039-backlog-snapshot.md).
with clocks as (
    select
        source,
        case_id,
        intake_date,
        policy,
        metric,
        cycle,
        is_source_promise,
        target_seconds,
        stopped_at,
        due_at,
        outcome
    from staging.sla_clocks
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

spans_of_several as (
    select
        case_id,
        policy,
        metric,
        cycle,
        state,
        calendar,
        started_at,
        stopped_at,
        open_seconds_at_start,
        cast(
            coalesce(
                sum(running_seconds) over (
                    partition by case_id, policy, metric, cycle
                    order by started_at, stopped_at nulls last
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as bigint
        ) as running_seconds_before
    from staging.sla_clock_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and state <> 'policy_switch'
        and not is_only_span
),

only_spans as (
    select
        case_id,
        policy,
        metric,
        cycle,
        state,
        calendar,
        started_at,
        stopped_at,
        open_seconds_at_start,
        cast(0 as bigint) as running_seconds_before
    from staging.sla_clock_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and state <> 'policy_switch'
        and is_only_span
),

promised_of_several as (
    select
        clocks.source,
        spans.case_id,
        clocks.intake_date,
        spans.policy,
        spans.metric,
        spans.cycle,
        clocks.is_source_promise,
        spans.calendar,
        spans.state,
        spans.started_at,
        spans.stopped_at,
        spans.running_seconds_before,
        spans.open_seconds_at_start,
        clocks.target_seconds,
        clocks.due_at as clock_due_at,
        clocks.outcome,
        coalesce(spans.stopped_at = clocks.stopped_at, false) as is_last,
        case
            when spans.state = 'running' and spans.running_seconds_before < clocks.target_seconds
                then spans.open_seconds_at_start + clocks.target_seconds - spans.running_seconds_before
        end as open_seconds_at_due
    from spans_of_several as spans
    inner join clocks
        on
            spans.case_id = clocks.case_id
            and spans.policy = clocks.policy
            and spans.metric = clocks.metric
            and spans.cycle = clocks.cycle
),

promised_only as (
    select
        clocks.source,
        spans.case_id,
        clocks.intake_date,
        spans.policy,
        spans.metric,
        spans.cycle,
        clocks.is_source_promise,
        spans.calendar,
        spans.state,
        spans.started_at,
        spans.stopped_at,
        spans.running_seconds_before,
        spans.open_seconds_at_start,
        clocks.target_seconds,
        clocks.due_at as clock_due_at,
        clocks.outcome,
        coalesce(spans.stopped_at = clocks.stopped_at, false) as is_last,
        case
            when clocks.due_at is null and spans.state = 'running' and spans.running_seconds_before < clocks.target_seconds
                then spans.open_seconds_at_start + clocks.target_seconds - spans.running_seconds_before
        end as open_seconds_at_due
    from only_spans as spans
    inner join clocks
        on
            spans.case_id = clocks.case_id
            and spans.policy = clocks.policy
            and spans.metric = clocks.metric
            and spans.cycle = clocks.cycle
),

several_with_own_due as (
    select
        spans.*,
        hours.segment_start_at + (spans.open_seconds_at_due - hours.open_seconds_before) * interval 1 second as own_due_at
    from promised_of_several as spans
    left join staging.business_hours_dim as hours
        on
            spans.calendar = hours.calendar
            and (spans.open_seconds_at_due - 1) // 3600 = hours.open_hour_number
            and spans.open_seconds_at_due > hours.open_seconds_before
            and spans.open_seconds_at_due <= hours.open_seconds_before + (epoch_us(hours.segment_end_at) - epoch_us(hours.segment_start_at)) // 1000000
),

-- Of a clock that ran in one stretch it is the same instant.
only_with_own_due as (
    select
        spans.*,
        coalesce(spans.clock_due_at, hours.segment_start_at + (spans.open_seconds_at_due - hours.open_seconds_before) * interval 1 second) as own_due_at
    from promised_only as spans
    left join staging.business_hours_dim as hours
        on
            spans.calendar = hours.calendar
            and (spans.open_seconds_at_due - 1) // 3600 = hours.open_hour_number
            and spans.open_seconds_at_due > hours.open_seconds_before
            and spans.open_seconds_at_due <= hours.open_seconds_before + (epoch_us(hours.segment_end_at) - epoch_us(hours.segment_start_at)) // 1000000
),

-- Once the target is reached, the instant at which it was.
spans_with_due as (
    select
        *,
        last_value(own_due_at ignore nulls) over (
            partition by case_id, policy, metric, cycle
            order by started_at, stopped_at nulls last
            rows between unbounded preceding and current row
        ) as reached_at
    from several_with_own_due

    union all

    select
        *,
        own_due_at as reached_at
    from only_with_own_due
)

select
    source,
    case_id,
    intake_date,
    policy,
    metric,
    cycle,
    is_source_promise,
    calendar,
    state,
    started_at,
    stopped_at,
    running_seconds_before,
    open_seconds_at_start,
    target_seconds,
    cast(case when running_seconds_before >= target_seconds then reached_at when state = 'running' then own_due_at end as timestamp) as due_at,
    case when is_last then outcome end as outcome,
    case when is_last then clock_due_at end as clock_due_at
from spans_with_due
