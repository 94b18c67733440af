-- One row is one clock: a case, a policy, a metric and a cycle, with what was promised, from when it counts and until when.
-- The promise in force when the cycle ends (or now) is judged: retroactive from the cycle's start, restart from when its policy came
-- into force. A policy that lost force to one that restarts has a clock of its own up to then, and so has the last one where none is in
-- force at the end (docs/decisions/0014-sla-engine.md).
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
    from staging.sla_promises as promises
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
        number_from_last > 1 or not is_in_force_at_end as is_superseded,
        case
            when change = 'restart' and in_force_from_at > cycle_started_at then in_force_from_at
            else cycle_started_at
        end as counted_from_at
    from judged
    where number_from_last_of_policy = 1
),

runs as (
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
        is_source_promise,
        cycle_started_at as started_at,
        counted_from_at,
        case when is_superseded then in_force_to_at else stopped_at end as stopped_at,
        is_superseded,
        is_stopped_by_event and not is_superseded as is_stopped_by_event,
        case when is_superseded then 'policy_changed' else reason end as reason,
        start_event_id,
        case when not is_superseded then end_event_id end as end_event_id
    from chosen
)

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
    is_source_promise,
    started_at,
    counted_from_at,
    stopped_at,
    is_superseded,
    is_stopped_by_event,
    reason,
    start_event_id,
    end_event_id
from runs
