-- One row is one part of a cycle: a stretch in which a metric of a case runs, from a start to its stop.
-- A walk over the signals of a case (staging.sla_signals) in their order, each by what it does to the metric (staging.sla_signal_roles): a
-- stop ends what runs, a start begins where nothing runs, and of one event the stop comes first. INTAKE comes before everything, whatever the
-- other stamps say. A metric with `after` starts only after the first of those signals. What repeats and is ended by the end of the case in
-- the instant in which it starts (a reply that solves) is no cycle. Where only the first run counts it is looked for directly; the walk
-- costs several times as much (docs/decisions/0014-sla-engine.md).
with cases as (
    select
        source,
        case_id,
        intake_date,
        intake_ts,
        is_cancelled,
        is_merged,
        coalesce(initiated_by in ('agent', 'automation'), false) as is_outbound,
        ended_at
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

outbound_cases as (
    select case_id
    from cases
    where is_outbound
),

promised_metrics as (
    select distinct
        case_id,
        metric,
        reopen
    from staging.case_sla_policies
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

signal_roles as (
    select roles.*
    from staging.sla_signal_roles as roles
    inner join (
        select distinct
            metric,
            reopen
        from promised_metrics
    ) as promised on roles.metric = promised.metric and roles.reopen = promised.reopen
),

modes as (
    select distinct
        metric,
        reopen,
        is_repeating,
        is_run_once,
        is_run_in_parts,
        is_started_by_intake,
        is_started_otherwise_if_outbound
    from signal_roles
),

case_metrics as (
    select
        cases.case_id,
        cases.intake_ts,
        modes.metric,
        modes.reopen,
        modes.is_run_once,
        modes.is_started_by_intake and not (cases.is_outbound and modes.is_started_otherwise_if_outbound) as is_started_by_intake
    from promised_metrics as promised
    inner join cases on promised.case_id = cases.case_id
    inner join modes on promised.metric = modes.metric and promised.reopen = modes.reopen
),

metric_signals as (
    select
        signals.case_id,
        roles.metric,
        roles.reopen,
        roles.is_run_once,
        roles.is_started_by_intake and not (outbound_cases.case_id is not null and roles.is_started_otherwise_if_outbound)
            as is_started_by_intake,
        roles.is_started_by_customers and outbound_cases.case_id is not null as is_asked_after_intake,
        roles.is_started_after_another_signal,
        signals.signal,
        signals.signal_order,
        signals.signal_at,
        signals.event_id,
        case when outbound_cases.case_id is not null then roles.is_outbound_start else roles.is_start end as is_start,
        roles.is_stop,
        roles.is_end,
        roles.is_after
    from staging.sla_signals as signals
    inner join signal_roles as roles on signals.signal = roles.signal
    left join outbound_cases on signals.case_id = outbound_cases.case_id
    where
        signals.intake_date >= $start_date
        and signals.intake_date < $end_date
),

-- What runs once has nothing to do with groups, so that its first signal is the earliest.
first_starts as (
    select
        case_id,
        metric,
        min(signal_order) as signal_order,
        min(signal_at) as signal_at,
        min_by(event_id, signal_order) filter (where event_id is not null) as event_id
    from metric_signals
    where is_run_once and is_start and not is_started_by_intake
    group by case_id, metric
),

-- What stopped before a clock started later than intake belongs to something earlier. Nothing is earlier than intake: a stop
-- before it is a wrong stamp, and the clock it stops is unknown.
first_stops as (
    select
        signals.case_id,
        signals.metric,
        min(signals.signal_at) as signal_at,
        min_by(signals.event_id, signals.signal_order) filter (where signals.event_id is not null) as event_id
    from metric_signals as signals
    left join first_starts as starts on signals.case_id = starts.case_id and signals.metric = starts.metric
    where
        signals.is_run_once
        and signals.is_stop
        and (starts.signal_order is null or signals.signal_order > starts.signal_order)
    group by signals.case_id, signals.metric
),

first_runs as (
    select
        metrics.case_id,
        metrics.metric,
        metrics.reopen,
        cast(1 as bigint) as run_number,
        case when metrics.is_started_by_intake then metrics.intake_ts else starts.signal_at end as started_at,
        starts.event_id as start_event_id,
        stops.signal_at as ended_by_signal_at,
        stops.event_id as end_event_id,
        stops.signal_at is not null as is_stopped_by_event,
        cast(null as varchar) as reason_ended_by_signal
    from case_metrics as metrics
    left join first_starts as starts on metrics.case_id = starts.case_id and metrics.metric = starts.metric
    left join first_stops as stops on metrics.case_id = stops.case_id and metrics.metric = stops.metric
    where metrics.is_run_once
),

first_messages as (
    select
        case_id,
        metric,
        min(signal_order) as signal_order
    from metric_signals
    where is_asked_after_intake and signal = 'CUSTOMER_MESSAGE'
    group by case_id, metric
),

-- What the desk does in a case that it began, before the customer has written, answers nobody.
after_signals as (
    select
        signals.case_id,
        signals.metric,
        min(signals.signal_order) as signal_order
    from metric_signals as signals
    left join first_messages as messages on signals.case_id = messages.case_id and signals.metric = messages.metric
    where
        signals.is_after
        and (not signals.is_asked_after_intake or signals.signal_order > messages.signal_order)
    group by signals.case_id, signals.metric
),

walked_signals as (
    select
        metrics.case_id,
        metrics.metric,
        metrics.reopen,
        cast(0 as bigint) as signal_order,
        metrics.intake_ts as signal_at,
        cast(null as varchar) as event_id,
        'INTAKE' as signal,
        true as is_start,
        false as is_stop,
        false as is_end
    from case_metrics as metrics
    where metrics.is_started_by_intake and not metrics.is_run_once

    union all

    select
        signals.case_id,
        signals.metric,
        signals.reopen,
        signals.signal_order,
        signals.signal_at,
        signals.event_id,
        signals.signal,
        signals.is_start
        and (not signals.is_started_after_another_signal or coalesce(signals.signal_order > after_signals.signal_order, false)) as is_start,
        signals.is_stop,
        signals.is_end
    from metric_signals as signals
    inner join promised_metrics as promised
        on signals.case_id = promised.case_id and signals.metric = promised.metric and signals.reopen = promised.reopen
    left join after_signals on signals.case_id = after_signals.case_id and signals.metric = after_signals.metric
    where not signals.is_run_once
),

-- One event may be several signals, as a status and a reopen: it is one step of the walk.
steps as (
    select
        case_id,
        metric,
        reopen,
        signal_order,
        signal_at,
        event_id,
        bool_or(is_start) as is_start,
        bool_or(is_stop) as is_stop,
        bool_or(is_end) as is_end,
        bool_or(is_end and signal in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')) as is_end_of_case,
        max(case when is_end and signal = 'CANCELLED' then 'cancelled' when is_end and signal = 'MERGED' then 'merged' end) as reason
    from walked_signals
    where is_start or is_end
    group by case_id, metric, reopen, signal_order, signal_at, event_id
),

-- After a start the clock runs, after an end that is no start it does not.
steps_with_state as (
    select
        *,
        coalesce(lag(is_start) over (partition by case_id, metric, reopen order by signal_order), false) as is_running
    from steps
),

state_changes as (
    select
        *,
        is_start and (is_end or not is_running) as is_begin
    from steps_with_state
    where (is_start and (is_end or not is_running)) or (is_running and is_end)
),

changes_with_next as (
    select
        *,
        lead(signal_at) over changes_in_order as ended_by_signal_at,
        lead(event_id) over changes_in_order as end_event_id,
        lead(is_stop) over changes_in_order as is_stopped_by_event,
        lead(is_end_of_case) over changes_in_order as is_ended_by_end_of_case,
        lead(reason) over changes_in_order as reason_ended_by_signal
    from state_changes
    window changes_in_order as (partition by case_id, metric, reopen order by signal_order)
),

walked_runs as (
    select
        changes.case_id,
        changes.metric,
        changes.reopen,
        row_number() over (partition by changes.case_id, changes.metric, changes.reopen order by changes.signal_order) as run_number,
        changes.signal_at as started_at,
        changes.event_id as start_event_id,
        changes.ended_by_signal_at,
        changes.end_event_id,
        coalesce(changes.is_stopped_by_event, false) as is_stopped_by_event,
        changes.reason_ended_by_signal
    from changes_with_next as changes
    inner join modes on changes.metric = modes.metric and changes.reopen = modes.reopen
    where
        changes.is_begin
        and not (
            modes.is_repeating
            and coalesce(changes.is_ended_by_end_of_case and changes.ended_by_signal_at = changes.signal_at, false)
        )
),

runs as (
    select *
    from first_runs

    union all

    select *
    from walked_runs
),

-- An event before intake is clipped to it.
parts as (
    select
        cases.source,
        runs.case_id,
        cases.intake_date,
        runs.metric,
        runs.reopen,
        modes.is_run_in_parts,
        case when modes.is_run_in_parts then 1 else runs.run_number end as cycle,
        case when modes.is_run_in_parts then runs.run_number else 1 end as part,
        case when runs.started_at < cases.intake_ts then cases.intake_ts else runs.started_at end as started_at,
        coalesce(runs.ended_by_signal_at, cases.ended_at) as stopped_at,
        runs.is_stopped_by_event,
        case
            when runs.is_stopped_by_event then null
            when runs.ended_by_signal_at is not null then coalesce(runs.reason_ended_by_signal, 'ended_without_stop')
            when cases.ended_at is null then null
            when cases.is_merged then 'merged'
            when cases.is_cancelled then 'cancelled'
            else 'ended_without_stop'
        end as reason,
        runs.start_event_id,
        runs.end_event_id
    from runs
    inner join cases on runs.case_id = cases.case_id
    inner join modes on runs.metric = modes.metric and runs.reopen = modes.reopen
    where
        runs.started_at is not null
        and (runs.run_number = 1 or modes.is_repeating or runs.reopen <> 'freeze')
        -- What is said after the end of a case asks for nothing, unless it is answered.
        and not (
            (modes.is_repeating or (cases.is_outbound and modes.is_started_otherwise_if_outbound))
            and runs.ended_by_signal_at is null
            and coalesce(runs.started_at >= cases.ended_at or cases.intake_ts >= cases.ended_at, false)
        )
),

cycles_in_parts as (
    select
        case_id,
        metric,
        reopen,
        min(started_at) as started_at,
        max(start_event_id) filter (where part = 1) as start_event_id,
        max(part) as parts
    from parts
    where is_run_in_parts
    group by case_id, metric, reopen
)

select
    parts.source,
    parts.case_id,
    parts.intake_date,
    parts.metric,
    parts.reopen,
    cast(parts.cycle as bigint) as cycle,
    cast(parts.part as bigint) as part,
    parts.started_at,
    parts.stopped_at,
    case when parts.part > 1 then cycles.started_at else parts.started_at end as cycle_started_at,
    cycles.parts is null or parts.part = cycles.parts as is_last_part,
    parts.is_stopped_by_event,
    parts.reason,
    case when parts.part > 1 then cycles.start_event_id else parts.start_event_id end as start_event_id,
    parts.end_event_id
from parts
left join cycles_in_parts as cycles
    on parts.is_run_in_parts and parts.case_id = cycles.case_id and parts.metric = cycles.metric and parts.reopen = cycles.reopen
