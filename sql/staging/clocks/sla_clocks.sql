-- One row is one case, policy, metric and cycle: a clock, judged.
-- elapsed = the open seconds in which it ran; exactly at the target is met, a second more is breached. What ended otherwise than by its
-- stop, by another policy too, is unknown with its reason, early and late alike. An open clock is running and carries no figure, so that
-- rows do not depend on as_of. due_at is the first instant at which the time run reaches the target: for a clock stopped before, as if it
-- had gone on; NULL while a pause keeps it from being known (docs/decisions/0006-clock-outcomes.md).
with runs as (
    select *
    from staging.sla_clock_windows
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

spans as (
    select *
    from staging.sla_clock_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

spans_with_running_before as (
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
    where not is_only_span
),

-- The target is reached in the first span by whose end enough has run; what is known of it counts in that span's calendar.
spans_with_reach as (
    select
        spans.*,
        case
            when
                spans.state = 'running'
                and (spans.stopped_at is null or spans.running_seconds_before + spans.running_seconds >= runs.target_seconds)
                then spans.started_at
        end as reached_from_at,
        spans.open_seconds_at_start + runs.target_seconds - spans.running_seconds_before as open_seconds_at_target
    from spans_with_running_before as spans
    inner join runs
        on
            spans.case_id = runs.case_id
            and spans.policy = runs.policy
            and spans.metric = runs.metric
            and spans.cycle = runs.cycle
),

clock_sums as (
    select
        case_id,
        policy,
        metric,
        cycle,
        sum(running_seconds) as running_seconds,
        sum(paused_seconds) as paused_seconds,
        bool_or(open_seconds_at_start is null or (stopped_at is not null and open_seconds_at_stop is null)) as is_outside_horizon,
        max_by(open_seconds_at_stop, started_at) filter (where open_seconds_at_stop is not null) as open_seconds_at_stop,
        coalesce(
            min_by(calendar, reached_from_at) filter (where calendar is not null),
            max_by(calendar, started_at) filter (where calendar is not null)
        ) as calendar_at_due,
        min_by(open_seconds_at_target, reached_from_at) filter (where open_seconds_at_target is not null)
            as open_seconds_when_reached
    from spans_with_reach
    group by case_id, policy, metric, cycle
),

-- Most clocks ran in one stretch: nothing to add up.
clock_totals as (
    select
        runs.*,
        coalesce(only_spans.running_seconds, clock_sums.running_seconds) as running_seconds,
        coalesce(only_spans.paused_seconds, clock_sums.paused_seconds) as paused_seconds,
        coalesce(only_spans.calendar, clock_sums.calendar_at_due) as calendar_at_due,
        case
            when only_spans.case_id is not null
                then only_spans.open_seconds_at_start is null or (only_spans.stopped_at is not null and only_spans.open_seconds_at_stop is null)
            else clock_sums.is_outside_horizon
        end as is_outside_horizon,
        coalesce(only_spans.open_seconds_at_stop, clock_sums.open_seconds_at_stop) as open_seconds_at_stop,
        case
            when only_spans.case_id is null then clock_sums.open_seconds_when_reached
            when only_spans.stopped_at is null or only_spans.running_seconds >= runs.target_seconds
                then only_spans.open_seconds_at_start + runs.target_seconds
        end as open_seconds_when_reached
    from runs
    left join spans as only_spans
        on
            only_spans.is_only_span
            and runs.case_id = only_spans.case_id
            and runs.policy = only_spans.policy
            and runs.metric = only_spans.metric
            and runs.cycle = only_spans.cycle
    left join clock_sums
        on
            runs.case_id = clock_sums.case_id
            and runs.policy = clock_sums.policy
            and runs.metric = clock_sums.metric
            and runs.cycle = clock_sums.cycle
),

measured_clocks as (
    select
        *,
        case
            when stopped_at < started_at then 'stopped_before_start'
            when is_outside_horizon then 'outside_calendar_horizon'
        end as reason_uncountable,
        case
            when open_seconds_when_reached is not null then open_seconds_when_reached
            when stopped_at is not null then open_seconds_at_stop + target_seconds - running_seconds
        end as open_seconds_at_due
    from clock_totals
),

judged_clocks as (
    select
        *,
        case
            when reason_uncountable is not null then 'unknown'
            when stopped_at is null then 'running'
            when not is_stopped_by_event then 'unknown'
            when running_seconds > target_seconds then 'breached'
            else 'met'
        end as outcome
    from measured_clocks
)

select
    judged_clocks.source,
    judged_clocks.case_id,
    judged_clocks.intake_date,
    judged_clocks.policy,
    judged_clocks.metric,
    judged_clocks.cycle,
    judged_clocks.calendar,
    judged_clocks.started_at,
    judged_clocks.stopped_at,
    cast(case when judged_clocks.outcome in ('met', 'breached') then judged_clocks.running_seconds end as bigint) as elapsed_seconds,
    cast(case when judged_clocks.outcome in ('met', 'breached') then judged_clocks.paused_seconds end as bigint) as paused_seconds,
    judged_clocks.target_seconds,
    cast(
        case
            when judged_clocks.outcome in ('met', 'breached', 'running')
                then hours.segment_start_at + (judged_clocks.open_seconds_at_due - hours.open_seconds_before) * interval 1 second
        end as timestamp
    ) as due_at,
    cast(case when judged_clocks.outcome in ('met', 'breached') then judged_clocks.target_seconds - judged_clocks.running_seconds end as bigint)
        as early_seconds,
    judged_clocks.outcome,
    case when judged_clocks.outcome = 'unknown' then coalesce(judged_clocks.reason_uncountable, judged_clocks.reason) end as reason,
    judged_clocks.is_stopped_by_event,
    judged_clocks.stopped_at is null as is_open,
    judged_clocks.is_superseded,
    judged_clocks.is_source_promise,
    judged_clocks.start_event_id,
    judged_clocks.end_event_id
from judged_clocks
left join staging.business_hours_dim as hours
    on
        judged_clocks.calendar_at_due = hours.calendar
        and (judged_clocks.open_seconds_at_due - 1) // 3600 = hours.open_hour_number
        and judged_clocks.open_seconds_at_due > hours.open_seconds_before
        and judged_clocks.open_seconds_at_due
        <= hours.open_seconds_before
        + (epoch_us(hours.segment_end_at) - epoch_us(hours.segment_start_at)) // 1000000
