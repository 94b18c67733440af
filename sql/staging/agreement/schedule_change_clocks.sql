-- One row is one clock in whose life the calendar changed, with the time it took under either rule.
-- in_force: each second by the calendar of its instant. last: all of them by the one just before the end. Both over the same running
-- stretches, beside what the source itself measured for its own promise. An open clock has no figures, so that rows do not depend on
-- as_of; outside the calendars nothing is known (docs/decisions/0023-schedules-that-change.md).
with clocks as (
    select
        source,
        case_id,
        intake_date,
        policy,
        metric,
        cycle,
        schedule_change,
        calendar,
        is_source_promise,
        started_at,
        stopped_at
    from staging.sla_clock_windows
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and is_calendar_changed
),

running_spans as (
    select
        clocks.case_id,
        clocks.policy,
        clocks.metric,
        clocks.cycle,
        clocks.calendar as last_calendar,
        clocks.is_source_promise,
        spans.started_at,
        spans.stopped_at
    from clocks
    inner join staging.sla_clock_spans as spans
        on
            clocks.case_id = spans.case_id
            and clocks.policy = spans.policy
            and clocks.metric = spans.metric
            and clocks.cycle = spans.cycle
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
        and spans.state = 'running'
        and clocks.stopped_at is not null
),

rule_spans as (
    select
        case_id,
        policy,
        metric,
        cycle,
        'last' as schedule_rule,
        last_calendar as calendar,
        started_at,
        stopped_at
    from running_spans

    union all

    select
        spans.case_id,
        spans.policy,
        spans.metric,
        spans.cycle,
        'in_force' as schedule_rule,
        calendars.calendar,
        case when calendars.calendar_from_at > spans.started_at then calendars.calendar_from_at else spans.started_at end as started_at,
        case when calendars.calendar_to_at < spans.stopped_at then calendars.calendar_to_at else spans.stopped_at end as stopped_at
    from running_spans as spans
    inner join staging.case_sla_calendars as calendars
        on
            spans.case_id = calendars.case_id
            and spans.metric = calendars.metric
            and spans.is_source_promise = calendars.is_source_promise
    where
        calendars.intake_date >= $start_date
        and calendars.intake_date < $end_date
        and calendars.calendar_from_at < spans.stopped_at
        and (calendars.calendar_to_at is null or calendars.calendar_to_at > spans.started_at)
),

measured_spans as (
    select
        spans.case_id,
        spans.policy,
        spans.metric,
        spans.cycle,
        spans.schedule_rule,
        stop_time.open_seconds_before
        + case
            when stop_time.is_open then (epoch_us(spans.stopped_at) - epoch_us(stop_time.segment_start_at)) // 1000000
            else 0
        end
        - start_time.open_seconds_before
        - case
            when start_time.is_open then (epoch_us(spans.started_at) - epoch_us(start_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds
    from rule_spans as spans
    left join staging.business_time as start_time
        on
            spans.calendar = start_time.calendar
            and cast(spans.started_at as date) = start_time.utc_date
            and spans.started_at >= start_time.segment_start_at
            and spans.started_at < start_time.segment_end_at
    left join staging.business_time as stop_time
        on
            spans.calendar = stop_time.calendar
            and cast(spans.stopped_at as date) = stop_time.utc_date
            and spans.stopped_at >= stop_time.segment_start_at
            and spans.stopped_at < stop_time.segment_end_at
),

elapsed_by_rule as (
    select
        case_id,
        policy,
        metric,
        cycle,
        sum(case when schedule_rule = 'in_force' then open_seconds end) as in_force_elapsed_seconds,
        sum(case when schedule_rule = 'last' then open_seconds end) as last_elapsed_seconds,
        count(*) = count(open_seconds) as is_within_horizon
    from measured_spans
    group by case_id, policy, metric, cycle
),

verdicts as (
    select
        case_id,
        metric,
        coalesce(cycle, 1) as cycle,
        max(elapsed_seconds) as source_elapsed_seconds
    from raw.source_verdicts
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and elapsed_seconds is not null
    group by case_id, metric, coalesce(cycle, 1)
    having min(elapsed_seconds) = max(elapsed_seconds)
)

select
    clocks.source,
    clocks.case_id,
    clocks.intake_date,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.schedule_change,
    clocks.is_source_promise,
    clocks.started_at,
    clocks.stopped_at,
    cast(
        case
            when elapsed_by_rule.is_within_horizon then elapsed_by_rule.in_force_elapsed_seconds
            when clocks.stopped_at is not null and elapsed_by_rule.case_id is null then 0
        end as bigint
    ) as in_force_elapsed_seconds,
    cast(
        case
            when elapsed_by_rule.is_within_horizon then elapsed_by_rule.last_elapsed_seconds
            when clocks.stopped_at is not null and elapsed_by_rule.case_id is null then 0
        end as bigint
    ) as last_elapsed_seconds,
    cast(case when clocks.is_source_promise then verdicts.source_elapsed_seconds end as bigint) as source_elapsed_seconds
from clocks
left join elapsed_by_rule
    on
        clocks.case_id = elapsed_by_rule.case_id
        and clocks.policy = elapsed_by_rule.policy
        and clocks.metric = elapsed_by_rule.metric
        and clocks.cycle = elapsed_by_rule.cycle
left join verdicts
    on
        clocks.case_id = verdicts.case_id
        and clocks.metric = verdicts.metric
        and clocks.cycle = verdicts.cycle
