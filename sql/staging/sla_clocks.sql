-- One row is one case, policy, metric and cycle: a clock, judged.
-- elapsed = the open seconds in which it ran; exactly at the target is met, a second more is breached. What ended without its stop
-- is judged at its end: breached when over the target by then, else unknown. An open clock is running and carries no figure, so that
-- rows do not depend on as_of. due_at is the first instant at which the time run reaches the target: for a clock stopped
-- before, as if it had gone on; NULL while a pause keeps it from being known (docs/decisions/0006-clock-outcomes.md).
with runs as (
    select *
    from staging.sla_runs
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

spans as (
    select
        case_id,
        policy,
        metric,
        cycle,
        state,
        started_at,
        stopped_at,
        open_seconds_at_start,
        open_seconds_at_stop,
        running_seconds,
        paused_seconds,
        closed_hours_seconds,
        holiday_seconds,
        policy_switch_seconds
    from staging.sla_clock_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

ordered as (
    select
        *,
        coalesce(
            sum(running_seconds) over (
                partition by case_id, policy, metric, cycle
                order by started_at, stopped_at nulls last
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as running_seconds_before
    from spans
),

totals as (
    select
        ordered.case_id,
        ordered.policy,
        ordered.metric,
        ordered.cycle,
        sum(ordered.running_seconds) as running_seconds,
        sum(ordered.paused_seconds) as paused_seconds,
        sum(ordered.closed_hours_seconds) as closed_hours_seconds,
        sum(ordered.holiday_seconds) as holiday_seconds,
        sum(ordered.policy_switch_seconds) as policy_switch_seconds,
        bool_or(ordered.open_seconds_at_start is null or (ordered.stopped_at is not null and ordered.open_seconds_at_stop is null))
            as is_outside_horizon,
        max(ordered.open_seconds_at_stop) as open_seconds_at_stop,
        min(
            case
                when
                    ordered.state = 'running'
                    and (
                        ordered.stopped_at is null
                        or ordered.running_seconds_before + ordered.running_seconds >= runs.target_seconds
                    )
                    then ordered.open_seconds_at_start + runs.target_seconds - ordered.running_seconds_before
            end
        ) as open_seconds_when_reached
    from ordered
    inner join runs
        on
            ordered.case_id = runs.case_id
            and ordered.policy = runs.policy
            and ordered.metric = runs.metric
            and ordered.cycle = runs.cycle
    group by ordered.case_id, ordered.policy, ordered.metric, ordered.cycle
),

measured as (
    select
        runs.*,
        totals.running_seconds,
        totals.paused_seconds,
        totals.closed_hours_seconds,
        totals.holiday_seconds,
        totals.policy_switch_seconds,
        case
            when runs.stopped_at < runs.started_at then 'stopped_before_start'
            when totals.is_outside_horizon then 'outside_calendar_horizon'
        end as reason_uncountable,
        case
            when totals.open_seconds_when_reached is not null then totals.open_seconds_when_reached
            when runs.stopped_at is not null
                then totals.open_seconds_at_stop + runs.target_seconds - totals.running_seconds
        end as open_seconds_at_due
    from runs
    left join totals
        on
            runs.case_id = totals.case_id
            and runs.policy = totals.policy
            and runs.metric = totals.metric
            and runs.cycle = totals.cycle
),

judged as (
    select
        *,
        case
            when reason_uncountable is not null then 'unknown'
            when stopped_at is null then 'running'
            when running_seconds > target_seconds then 'breached'
            when not is_stopped_by_event then 'unknown'
            else 'met'
        end as outcome
    from measured
)

select
    judged.source,
    judged.case_id,
    judged.intake_date,
    judged.policy,
    judged.metric,
    judged.cycle,
    judged.calendar,
    judged.started_at,
    judged.stopped_at,
    cast(case when judged.outcome in ('met', 'breached') then judged.running_seconds end as bigint) as elapsed_seconds,
    cast(case when judged.outcome in ('met', 'breached') then judged.paused_seconds end as bigint) as paused_seconds,
    judged.target_seconds,
    cast(
        case
            when judged.outcome in ('met', 'breached', 'running')
                then hours.segment_start_at + (judged.open_seconds_at_due - hours.open_seconds_before) * interval 1 second
        end as timestamp
    ) as due_at,
    cast(case when judged.outcome in ('met', 'breached') then judged.target_seconds - judged.running_seconds end as bigint)
        as early_seconds,
    judged.outcome,
    case when judged.outcome = 'unknown' then coalesce(judged.reason_uncountable, judged.reason) end as reason,
    judged.is_stopped_by_event,
    judged.stopped_at is null as is_open,
    judged.is_superseded,
    judged.is_source_promise,
    judged.start_event_id,
    judged.end_event_id
from judged
left join staging.business_hours_dim as hours
    on
        judged.calendar = hours.calendar
        and (judged.open_seconds_at_due - 1) // 3600 = hours.open_hour_number
        and judged.open_seconds_at_due > hours.open_seconds_before
        and judged.open_seconds_at_due
        <= hours.open_seconds_before
        + (epoch_us(hours.segment_end_at) - epoch_us(hours.segment_start_at)) // 1000000
