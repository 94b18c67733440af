-- One row is one stretch of a clock in one state and by one calendar: running, paused, or before its policy counts (policy_switch).
-- Half-open, disjoint and gap-free from the clock's start to its stop; a running clock's last span has no end and no seconds yet.
-- Every second is attributed once: before the policy counts to policy_switch; else to a holiday, else to closed hours, else to a pause,
-- else the clock ran. Seconds are differences of F, the open seconds of the calendar up to an instant, and of its like for
-- holidays (docs/decisions/0005-business-time-F.md). Where the calendar changed while the clock ran and each second counts by the calendar in
-- force then, spans are cut at the change (docs/decisions/0023-schedules-that-change.md).
with runs as (
    select *
    from staging.sla_clock_windows
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and (stopped_at is null or stopped_at >= started_at)
),

-- A metric of a case stands still in a pausing status, and between the parts of a cycle that goes on after a reopen.
metric_pauses as (
    select
        spans.case_id,
        rules.metric,
        cast(null as varchar) as reopen,
        cast(null as bigint) as cycle,
        spans.started_at as paused_from,
        spans.ended_at as paused_to,
        spans.event_id
    from staging.status_spans as spans
    inner join staging.sla_metric_rules as rules on spans.status = rules.signal
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
        and rules.role = 'pause'

    union all

    select
        case_id,
        metric,
        reopen,
        cycle,
        stopped_at as paused_from,
        lead(started_at) over (partition by case_id, metric, cycle order by part) as paused_to,
        end_event_id as event_id
    from staging.sla_cycles
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and reopen = 'resume'
),

-- Clipped to the clock; an end that is not known yet sorts last.
clock_pauses as (
    select
        runs.case_id,
        runs.policy,
        runs.metric,
        runs.cycle,
        runs.started_at,
        runs.stopped_at,
        'paused' as state,
        case when pauses.paused_from < runs.counted_from_at then runs.counted_from_at else pauses.paused_from end as paused_from,
        coalesce(
            case when pauses.paused_to > runs.stopped_at then runs.stopped_at else pauses.paused_to end,
            runs.stopped_at,
            timestamp '9999-12-31 00:00:00'
        ) as paused_to,
        pauses.event_id
    from runs
    inner join metric_pauses as pauses
        on
            runs.case_id = pauses.case_id
            and runs.metric = pauses.metric
            and (
                pauses.reopen is null
                or (runs.reopen = pauses.reopen and runs.cycle = pauses.cycle and pauses.paused_to > pauses.paused_from)
            )
            and (runs.stopped_at is null or pauses.paused_from < runs.stopped_at)
            and (pauses.paused_to is null or pauses.paused_to > runs.counted_from_at)

    union all

    select
        case_id,
        policy,
        metric,
        cycle,
        started_at,
        stopped_at,
        'policy_switch' as state,
        started_at as paused_from,
        case when counted_from_at > stopped_at then stopped_at else counted_from_at end as paused_to,
        start_event_id as event_id
    from runs
    where counted_from_at > started_at
),

-- Pauses that touch or overlap are one.
ordered_pauses as (
    select
        *,
        max(paused_to) over (
            partition by case_id, policy, metric, cycle
            order by paused_from, paused_to, event_id nulls first
            rows between unbounded preceding and 1 preceding
        ) as paused_before_to,
        lag(state) over (
            partition by case_id, policy, metric, cycle
            order by paused_from, paused_to, event_id nulls first
        ) as state_before
    from clock_pauses
),

islands as (
    select
        *,
        sum(case when paused_from <= paused_before_to and state = state_before then 0 else 1 end) over (
            partition by case_id, policy, metric, cycle
            order by paused_from, paused_to, event_id nulls first
            rows between unbounded preceding and current row
        ) as island
    from ordered_pauses
),

pauses as (
    select
        case_id,
        policy,
        metric,
        cycle,
        island,
        state,
        max(started_at) as clock_started_at,
        max(stopped_at) as clock_stopped_at,
        min(paused_from) as paused_from,
        max(paused_to) as paused_to,
        min(event_id) as event_id
    from islands
    group by case_id, policy, metric, cycle, island, state
),

state_changes as (
    select
        case_id,
        policy,
        metric,
        cycle,
        clock_stopped_at,
        island,
        state,
        paused_from as changed_at,
        event_id,
        2 as change_order
    from pauses

    union all

    select
        case_id,
        policy,
        metric,
        cycle,
        clock_stopped_at,
        island,
        'running' as state,
        paused_to as changed_at,
        cast(null as varchar) as event_id,
        1 as change_order
    from pauses
    where paused_to < timestamp '9999-12-31 00:00:00'

    union all

    select
        case_id,
        policy,
        metric,
        cycle,
        clock_stopped_at,
        island,
        'running' as state,
        clock_started_at as changed_at,
        cast(null as varchar) as event_id,
        0 as change_order
    from pauses
    where island = 1
),

-- Those that run without length are left out below.
clock_segments as (
    select
        case_id,
        policy,
        metric,
        cycle,
        state,
        changed_at as started_at,
        coalesce(
            lead(changed_at) over (partition by case_id, policy, metric, cycle order by changed_at, change_order, island), clock_stopped_at
        ) as stopped_at,
        event_id
    from state_changes
),

state_spans as (
    select
        runs.source,
        runs.case_id,
        runs.intake_date,
        runs.policy,
        runs.metric,
        runs.cycle,
        runs.calendar,
        runs.is_calendar_changed and runs.schedule_change = 'in_force' as is_by_calendar_in_force,
        runs.is_source_promise,
        coalesce(clock_segments.state, 'running') as state,
        clock_segments.state is null as is_only_span,
        case when clock_segments.state is null then runs.started_at else clock_segments.started_at end as started_at,
        case when clock_segments.state is null then runs.stopped_at else clock_segments.stopped_at end as stopped_at,
        case when clock_segments.event_id is null and clock_segments.started_at is null then runs.start_event_id else clock_segments.event_id end
            as event_id
    from runs
    left join clock_segments
        on
            runs.case_id = clock_segments.case_id
            and runs.policy = clock_segments.policy
            and runs.metric = clock_segments.metric
            and runs.cycle = clock_segments.cycle
            and (
                clock_segments.state <> 'running'
                or clock_segments.stopped_at is null
                or clock_segments.started_at < clock_segments.stopped_at
            )
),

calendar_spans as (
    select
        source,
        case_id,
        intake_date,
        policy,
        metric,
        cycle,
        calendar,
        state,
        is_only_span,
        started_at,
        stopped_at,
        event_id
    from state_spans
    where not is_by_calendar_in_force

    union all

    select
        spans.source,
        spans.case_id,
        spans.intake_date,
        spans.policy,
        spans.metric,
        spans.cycle,
        calendars.calendar,
        spans.state,
        false as is_only_span,
        case when calendars.calendar_from_at > spans.started_at then calendars.calendar_from_at else spans.started_at end as started_at,
        case when calendars.calendar_to_at < spans.stopped_at or spans.stopped_at is null then calendars.calendar_to_at else spans.stopped_at end
            as stopped_at,
        spans.event_id
    from state_spans as spans
    inner join staging.case_sla_calendars as calendars
        on
            spans.case_id = calendars.case_id
            and spans.metric = calendars.metric
            and spans.is_source_promise = calendars.is_source_promise
    where
        spans.is_by_calendar_in_force
        and calendars.intake_date >= $start_date
        and calendars.intake_date < $end_date
        and (spans.stopped_at is null or calendars.calendar_from_at < spans.stopped_at)
        and (calendars.calendar_to_at is null or calendars.calendar_to_at > spans.started_at)
),

counted_spans as (
    select
        calendar_spans.*,
        epoch_us(calendar_spans.stopped_at) // 1000000 - epoch_us(calendar_spans.started_at) // 1000000 as wall_seconds,
        start_time.open_seconds_before
        + case
            when start_time.is_open
                then (epoch_us(calendar_spans.started_at) - epoch_us(start_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_start,
        start_time.holiday_seconds_before
        + case
            when start_time.kind = 'holiday'
                then (epoch_us(calendar_spans.started_at) - epoch_us(start_time.segment_start_at)) // 1000000
            else 0
        end as holiday_seconds_at_start,
        stop_time.open_seconds_before
        + case
            when stop_time.is_open
                then (epoch_us(calendar_spans.stopped_at) - epoch_us(stop_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_stop,
        stop_time.holiday_seconds_before
        + case
            when stop_time.kind = 'holiday'
                then (epoch_us(calendar_spans.stopped_at) - epoch_us(stop_time.segment_start_at)) // 1000000
            else 0
        end as holiday_seconds_at_stop
    from calendar_spans
    left join staging.business_time as start_time
        on
            calendar_spans.calendar = start_time.calendar
            and cast(calendar_spans.started_at as date) = start_time.utc_date
            and calendar_spans.started_at >= start_time.segment_start_at
            and calendar_spans.started_at < start_time.segment_end_at
    left join staging.business_time as stop_time
        on
            calendar_spans.calendar = stop_time.calendar
            and cast(calendar_spans.stopped_at as date) = stop_time.utc_date
            and calendar_spans.stopped_at >= stop_time.segment_start_at
            and calendar_spans.stopped_at < stop_time.segment_end_at
),

attributed_spans as (
    select
        *,
        open_seconds_at_stop - open_seconds_at_start as open_seconds,
        holiday_seconds_at_stop - holiday_seconds_at_start as holiday_seconds
    from counted_spans
)

select
    source,
    case_id,
    intake_date,
    policy,
    metric,
    cycle,
    state,
    is_only_span,
    calendar,
    started_at,
    stopped_at,
    event_id,
    cast(open_seconds_at_start as bigint) as open_seconds_at_start,
    cast(open_seconds_at_stop as bigint) as open_seconds_at_stop,
    cast(case when state = 'running' then open_seconds when open_seconds is not null then 0 end as bigint) as running_seconds,
    cast(case when state = 'paused' then open_seconds when open_seconds is not null then 0 end as bigint) as paused_seconds,
    cast(
        case when state <> 'policy_switch' then wall_seconds - open_seconds - holiday_seconds when open_seconds is not null then 0 end
        as bigint
    ) as closed_hours_seconds,
    cast(case when state <> 'policy_switch' then holiday_seconds when open_seconds is not null then 0 end as bigint)
        as holiday_seconds,
    cast(case when state = 'policy_switch' then wall_seconds when open_seconds is not null then 0 end as bigint)
        as policy_switch_seconds
from attributed_spans
