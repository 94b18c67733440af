-- One row is one clock: a case, a policy, a metric and a cycle, with what was promised, from when it counts and until when.
-- The promise in force when the cycle ends (or now) is judged: retroactive from the cycle's start, restart from when its policy came
-- into force. A policy that lost force to one that restarts has a clock of its own up to then, and so has the last one where none is in
-- force at the end. A source's promise that was withdrawn ends its clock: withdrawn, nobody judges it. calendar is the one just before the
-- end (or now); where several count within the clock, schedule_change says which (docs/decisions/0014-sla-engine.md,
-- 0023-schedules-that-change.md).
with cycles as (
    select *
    from staging.sla_cycles
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and is_last_part
),

promises as (
    select
        promises.*,
        promises.in_force_to_at is null and promises.in_force_from_at = cases.intake_ts as is_only
    from staging.case_sla_policies as promises
    inner join staging.case_milestones as cases on promises.case_id = cases.case_id
    where
        promises.intake_date >= $start_date
        and promises.intake_date < $end_date
        and cases.intake_date >= $start_date
        and cases.intake_date < $end_date
),

-- Most cases have one promise from intake on: nothing to compare.
constant as (
    select
        cycles.source,
        cycles.case_id,
        cycles.intake_date,
        promises.policy,
        cycles.metric,
        cycles.reopen,
        cycles.cycle,
        promises.calendar,
        promises.target_seconds,
        promises.schedule_change,
        promises.is_on_case_schedule,
        promises.is_source_promise,
        cycles.cycle_started_at as started_at,
        cycles.cycle_started_at as counted_from_at,
        cycles.stopped_at,
        false as is_superseded,
        cycles.is_stopped_by_event,
        cycles.reason,
        cycles.start_event_id,
        cycles.end_event_id
    from cycles
    inner join promises
        on cycles.case_id = promises.case_id and cycles.metric = promises.metric and cycles.reopen = promises.reopen
    where promises.is_only
),

-- In force at an instant of the cycle; a cycle without length has its start.
overlapping as (
    select
        cycles.source,
        cycles.case_id,
        cycles.intake_date,
        promises.policy,
        cycles.metric,
        cycles.reopen,
        cycles.cycle,
        promises.calendar,
        promises.target_seconds,
        promises.schedule_change,
        promises.is_on_case_schedule,
        promises.is_source_promise,
        promises.change,
        promises.in_force_from_at,
        promises.in_force_to_at,
        cycles.cycle_started_at,
        cycles.stopped_at,
        cycles.is_stopped_by_event,
        cycles.reason,
        cycles.start_event_id,
        cycles.end_event_id,
        promises.in_force_to_at is null or coalesce(promises.in_force_to_at >= cycles.stopped_at, false) as is_in_force_at_end
    from cycles
    inner join promises
        on cycles.case_id = promises.case_id and cycles.metric = promises.metric and cycles.reopen = promises.reopen
    where
        not promises.is_only
        and (promises.in_force_to_at is null or promises.in_force_to_at > cycles.cycle_started_at)
        and (
            cycles.stopped_at is null
            or promises.in_force_from_at < cycles.stopped_at
            or promises.in_force_from_at <= cycles.cycle_started_at
        )
),

numbered as (
    select
        *,
        row_number() over (
            partition by case_id, metric, reopen, cycle, is_source_promise order by in_force_from_at desc
        ) as number_from_last,
        lag(change) over (
            partition by case_id, metric, reopen, cycle, is_source_promise order by in_force_from_at desc
        ) as next_change
    from overlapping
),

-- A policy that lost force twice in a cycle has one clock: of its last stretch.
judged as (
    select
        *,
        row_number() over (
            partition by case_id, metric, reopen, cycle, is_source_promise, policy order by in_force_from_at desc
        ) as number_from_last_of_policy
    from numbered
    where number_from_last = 1 or next_change = 'restart'
),

chosen as (
    select
        *,
        is_source_promise and not is_in_force_at_end as is_withdrawn,
        number_from_last > 1 or (not is_source_promise and not is_in_force_at_end) as is_superseded,
        case
            when change = 'restart' and in_force_from_at > cycle_started_at then in_force_from_at
            else cycle_started_at
        end as counted_from_at
    from judged
    where number_from_last_of_policy = 1
),

-- A part that had stopped before its promise was withdrawn is how that clock ended: the next part began under no promise.
last_promised_parts as (
    select
        chosen.case_id,
        chosen.metric,
        chosen.reopen,
        chosen.cycle,
        parts.stopped_at,
        parts.is_stopped_by_event,
        parts.reason,
        parts.end_event_id,
        row_number() over (
            partition by chosen.case_id, chosen.metric, chosen.reopen, chosen.cycle order by parts.part desc
        ) as number_from_last
    from chosen
    inner join staging.sla_cycles as parts
        on
            chosen.case_id = parts.case_id
            and chosen.metric = parts.metric
            and chosen.reopen = parts.reopen
            and chosen.cycle = parts.cycle
    where
        chosen.is_withdrawn
        and parts.intake_date >= $start_date
        and parts.intake_date < $end_date
        and parts.started_at < chosen.in_force_to_at
),

with_ends as (
    select
        chosen.*,
        parts.case_id is not null as is_stopped_before_withdrawal,
        parts.stopped_at as part_stopped_at,
        parts.is_stopped_by_event as is_part_stopped_by_event,
        parts.reason as part_reason,
        parts.end_event_id as part_end_event_id
    from chosen
    left join last_promised_parts as parts
        on
            chosen.is_withdrawn
            and chosen.case_id = parts.case_id
            and chosen.metric = parts.metric
            and chosen.reopen = parts.reopen
            and chosen.cycle = parts.cycle
            and parts.number_from_last = 1
            and parts.stopped_at <= chosen.in_force_to_at
),

clocks as (
    select *
    from constant

    union all

    select
        source,
        case_id,
        intake_date,
        policy,
        metric,
        reopen,
        cycle,
        calendar,
        target_seconds,
        schedule_change,
        is_on_case_schedule,
        is_source_promise,
        cycle_started_at as started_at,
        counted_from_at,
        case
            when is_stopped_before_withdrawal then part_stopped_at
            when is_superseded or is_withdrawn then in_force_to_at
            else stopped_at
        end as stopped_at,
        is_superseded,
        case
            when is_stopped_before_withdrawal then is_part_stopped_by_event
            when is_superseded or is_withdrawn then false
            else is_stopped_by_event
        end as is_stopped_by_event,
        case
            when is_stopped_before_withdrawal then part_reason
            when is_withdrawn then 'withdrawn'
            when is_superseded then 'policy_changed'
            else reason
        end as reason,
        start_event_id,
        case
            when is_stopped_before_withdrawal then part_end_event_id
            when not is_superseded and not is_withdrawn then end_event_id
        end as end_event_id
    from with_ends
),

-- Of the calendars in force until the clock's end the last one; where another was in force before it, the calendar changed.
clock_calendars as (
    select
        clocks.case_id,
        clocks.policy,
        clocks.metric,
        clocks.cycle,
        max_by(calendars.calendar, calendars.calendar_from_at) as last_calendar,
        count(*) filter (
            where
            (calendars.calendar_to_at is null or calendars.calendar_to_at > clocks.counted_from_at)
            and (clocks.stopped_at is null or calendars.calendar_from_at < clocks.stopped_at)
        ) > 1 as is_calendar_changed
    from clocks
    inner join staging.case_sla_calendars as calendars
        on
            clocks.case_id = calendars.case_id
            and clocks.metric = calendars.metric
            and clocks.is_source_promise = calendars.is_source_promise
    where
        calendars.intake_date >= $start_date
        and calendars.intake_date < $end_date
        and (
            clocks.stopped_at is null
            or calendars.calendar_from_at < clocks.stopped_at
            or calendars.calendar_from_at <= clocks.started_at
        )
    group by clocks.case_id, clocks.policy, clocks.metric, clocks.cycle
)

select
    clocks.source,
    clocks.case_id,
    clocks.intake_date,
    clocks.policy,
    clocks.metric,
    clocks.reopen,
    clocks.cycle,
    case when clocks.is_on_case_schedule then coalesce(clock_calendars.last_calendar, clocks.calendar) else clocks.calendar end as calendar,
    clocks.target_seconds,
    clocks.schedule_change,
    coalesce(clock_calendars.is_calendar_changed, false) as is_calendar_changed,
    clocks.is_source_promise,
    clocks.started_at,
    clocks.counted_from_at,
    clocks.stopped_at,
    clocks.is_superseded,
    clocks.is_stopped_by_event,
    clocks.reason,
    clocks.start_event_id,
    clocks.end_event_id
from clocks
left join clock_calendars
    on
        clocks.case_id = clock_calendars.case_id
        and clocks.policy = clock_calendars.policy
        and clocks.metric = clock_calendars.metric
        and clocks.cycle = clock_calendars.cycle
