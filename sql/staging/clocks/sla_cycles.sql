-- One row is one part of a cycle: a stretch in which a metric of a case runs, from a start to its stop.
-- Signals (statuses, reopens, messages) in the order of the source: a stop ends what runs, a start begins where nothing runs, and
-- of one event the stop comes first. INTAKE comes before everything, whatever the other stamps say. How often a clock runs:
-- freeze = once, restart = anew at each reopen, resume and void = in parts of one cycle. A metric with `after` starts only after the
-- first of those signals. What repeats and is ended by the end of the case in the instant in which it starts (a reply that solves) is no
-- cycle. A metric that measures an answer starts, in a case that the desk began, when the customer writes. Where only the first
-- run counts it is looked for directly; the walk over all signals costs several times as much (docs/decisions/0014-sla-engine.md).
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

metrics as (
    select
        metric,
        bool_or(is_repeating) as is_repeating,
        bool_or(role = 'cancel') as is_cancellable,
        bool_or(role = 'start' and signal = 'INTAKE') as starts_at_intake,
        bool_or(role = 'start_if_outbound') as starts_otherwise_if_outbound,
        bool_or(role = 'after') as starts_after_a_signal,
        bool_or(role = 'start' and signal = 'CUSTOMER_MESSAGE') as starts_when_customers_write
    from staging.sla_metric_rules
    group by metric
),

-- What was promised to which case: others' ways of reopening, which depend on the dates that are made together, make no rows of it.
promised_to_cases as (
    select distinct
        case_id,
        metric,
        reopen
    from staging.case_sla_policies
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

modes as (
    select
        promised.metric,
        promised.reopen,
        metrics.is_repeating,
        metrics.starts_at_intake,
        metrics.starts_otherwise_if_outbound,
        metrics.starts_after_a_signal,
        promised.reopen in ('resume', 'void') and not metrics.is_repeating as runs_in_parts,
        promised.reopen = 'freeze'
        and not metrics.is_repeating
        and not metrics.is_cancellable
        and not metrics.starts_after_a_signal as runs_once
    from (
        select distinct
            metric,
            reopen
        from promised_to_cases
    ) as promised
    inner join metrics on promised.metric = metrics.metric
),

-- is_outbound_start: it starts the metric in a case that the desk began, where INTAKE does not.
signal_roles as (
    select
        modes.metric,
        modes.reopen,
        modes.runs_once,
        modes.starts_after_a_signal,
        modes.starts_otherwise_if_outbound,
        rules.signal,
        bool_or(rules.role = 'start' or (rules.role = 'reopen' and modes.reopen <> 'freeze')) as is_start,
        bool_or(
            rules.role = 'start_if_outbound'
            or (rules.role = 'start' and rules.signal <> 'INTAKE')
            or (rules.role = 'reopen' and modes.reopen <> 'freeze')
        ) as is_outbound_start,
        bool_or(rules.role = 'stop') as is_stop,
        bool_or(rules.role in ('stop', 'cancel')) as is_end
    from modes
    inner join staging.sla_metric_rules as rules on modes.metric = rules.metric
    where rules.role not in ('pause', 'after')
    group by
        modes.metric,
        modes.reopen,
        modes.runs_once,
        modes.starts_after_a_signal,
        modes.starts_otherwise_if_outbound,
        rules.signal
),

-- Intake is no signal of the log: the case's own intake_ts says when it was.
signals as (
    select
        case_id,
        status as signal,
        canonical_ts as instant,
        source_sequence,
        event_id
    from staging.events_clean
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and status not in ('INTAKE', 'REOPENED')

    union all

    select
        case_id,
        'REOPENED' as signal,
        canonical_ts as instant,
        source_sequence,
        event_id
    from staging.events_clean
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and (is_reopen or status = 'REOPENED')

    union all

    -- The message that opens a case is its intake: the first reply answers it. A case that the desk began the customer did not open.
    select
        messages.case_id,
        messages.signal,
        messages.sent_ts as instant,
        messages.source_sequence,
        messages.message_id as event_id
    from staging.messages_deduped as messages
    inner join cases on messages.case_id = cases.case_id
    where
        messages.intake_date >= $start_date
        and messages.intake_date < $end_date
        and (messages.signal <> 'CUSTOMER_MESSAGE' or messages.sent_ts > cases.intake_ts or cases.is_outbound)
),

outbound_cases as (
    select case_id
    from cases
    where is_outbound
),

first_starts as (
    select
        signals.case_id,
        signal_roles.metric,
        signals.instant,
        signals.source_sequence,
        signals.event_id,
        row_number() over (
            partition by signals.case_id, signal_roles.metric order by signals.instant, signals.source_sequence, signals.event_id
        ) as start_number
    from signals
    inner join signal_roles on signals.signal = signal_roles.signal
    inner join modes on signal_roles.metric = modes.metric and signal_roles.reopen = modes.reopen
    where signal_roles.runs_once and signal_roles.is_start and not modes.starts_at_intake

    union all

    select
        signals.case_id,
        signal_roles.metric,
        signals.instant,
        signals.source_sequence,
        signals.event_id,
        row_number() over (
            partition by signals.case_id, signal_roles.metric order by signals.instant, signals.source_sequence, signals.event_id
        ) as start_number
    from signals
    inner join outbound_cases on signals.case_id = outbound_cases.case_id
    inner join signal_roles on signals.signal = signal_roles.signal
    where signal_roles.runs_once and signal_roles.is_outbound_start and signal_roles.starts_otherwise_if_outbound
),

later_starts as (
    select
        case_id,
        metric,
        instant,
        source_sequence,
        event_id
    from first_starts
    where start_number = 1
),

-- What stopped before a clock started later than intake belongs to something earlier. Nothing is earlier than intake: a stop
-- before it is a wrong stamp, and the clock it stops is unknown.
first_stops as (
    select
        signals.case_id,
        signal_roles.metric,
        signals.instant,
        signals.event_id,
        row_number() over (
            partition by signals.case_id, signal_roles.metric order by signals.instant, signals.source_sequence, signals.event_id
        ) as stop_number
    from signals
    inner join signal_roles on signals.signal = signal_roles.signal
    left join later_starts on signals.case_id = later_starts.case_id and signal_roles.metric = later_starts.metric
    where
        signal_roles.runs_once
        and signal_roles.is_stop
        and (
            later_starts.instant is null
            or signals.instant > later_starts.instant
            or (signals.instant = later_starts.instant and signals.source_sequence > later_starts.source_sequence)
        )
),

single_run_intervals as (
    select
        cases.case_id,
        modes.metric,
        modes.reopen,
        cast(1 as bigint) as run_number,
        case
            when modes.starts_at_intake and not (cases.is_outbound and modes.starts_otherwise_if_outbound) then cases.intake_ts
            else later_starts.instant
        end as started_at,
        later_starts.event_id as start_event_id,
        first_stops.instant as ended_by_signal_at,
        first_stops.event_id as end_event_id,
        first_stops.instant is not null as is_stopped_by_event,
        cast(null as varchar) as reason_ended_by_signal
    from cases
    cross join modes
    left join later_starts on cases.case_id = later_starts.case_id and modes.metric = later_starts.metric
    left join first_stops
        on cases.case_id = first_stops.case_id and modes.metric = first_stops.metric and first_stops.stop_number = 1
    where modes.runs_once
),

first_messages_of_outbound_cases as (
    select
        signals.case_id,
        signals.instant,
        signals.source_sequence,
        signals.event_id,
        row_number() over (
            partition by signals.case_id order by signals.instant, signals.source_sequence, signals.event_id
        ) as message_number
    from signals
    inner join outbound_cases on signals.case_id = outbound_cases.case_id
    where signals.signal = 'CUSTOMER_MESSAGE'
),

-- The first of the signals that must have come before a start counts. What the desk does in a case that it began, before the customer has
-- written, answers nobody.
after_signals as (
    select
        signals.case_id,
        rules.metric,
        signals.instant,
        signals.source_sequence,
        signals.event_id,
        row_number() over (
            partition by signals.case_id, rules.metric order by signals.instant, signals.source_sequence, signals.event_id
        ) as signal_number
    from signals
    inner join staging.sla_metric_rules as rules on signals.signal = rules.signal
    inner join metrics on rules.metric = metrics.metric
    left join outbound_cases on signals.case_id = outbound_cases.case_id
    left join first_messages_of_outbound_cases as first_messages
        on signals.case_id = first_messages.case_id and first_messages.message_number = 1
    where
        rules.role = 'after'
        and (
            outbound_cases.case_id is null
            or not metrics.starts_when_customers_write
            or signals.instant > first_messages.instant
            or (signals.instant = first_messages.instant and signals.source_sequence > first_messages.source_sequence)
            or (
                signals.instant = first_messages.instant
                and signals.source_sequence = first_messages.source_sequence
                and signals.event_id > first_messages.event_id
            )
        )
),

metric_signals as (
    select
        cases.case_id,
        signal_roles.metric,
        signal_roles.reopen,
        0 as sort_rank,
        cases.intake_ts as instant,
        cast(null as bigint) as source_sequence,
        cast(null as varchar) as event_id,
        'INTAKE' as signal,
        signal_roles.is_start,
        signal_roles.is_stop,
        signal_roles.is_end
    from cases
    inner join signal_roles on signal_roles.signal = 'INTAKE'
    where
        not signal_roles.runs_once
        and not signal_roles.starts_after_a_signal
        and not (cases.is_outbound and signal_roles.starts_otherwise_if_outbound)

    union all

    select
        signals.case_id,
        signal_roles.metric,
        signal_roles.reopen,
        1 as sort_rank,
        signals.instant,
        signals.source_sequence,
        signals.event_id,
        signals.signal,
        case
            when outbound_cases.case_id is not null and signal_roles.starts_otherwise_if_outbound then signal_roles.is_outbound_start
            else signal_roles.is_start
        end
        and (
            not signal_roles.starts_after_a_signal
            or coalesce(
                signals.instant > after_signals.instant
                or (signals.instant = after_signals.instant and signals.source_sequence > after_signals.source_sequence)
                or (
                    signals.instant = after_signals.instant
                    and signals.source_sequence = after_signals.source_sequence
                    and signals.event_id > after_signals.event_id
                ),
                false
            )
        ) as is_start,
        signal_roles.is_stop,
        signal_roles.is_end
    from signals
    inner join signal_roles on signals.signal = signal_roles.signal
    left join outbound_cases on signals.case_id = outbound_cases.case_id
    left join after_signals
        on
            signals.case_id = after_signals.case_id
            and signal_roles.metric = after_signals.metric
            and after_signals.signal_number = 1
    where not signal_roles.runs_once and (signal_roles.is_start or signal_roles.is_outbound_start or signal_roles.is_end)
),

-- One event may be several signals, as a status and a reopen: it is one step of the walk.
signal_steps as (
    select
        case_id,
        metric,
        reopen,
        sort_rank,
        instant,
        source_sequence,
        event_id,
        bool_or(is_start) as is_start,
        bool_or(is_stop) as is_stop,
        bool_or(is_end) as is_end,
        bool_or(is_end and signal in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')) as is_end_of_case,
        max(case when is_end and signal = 'CANCELLED' then 'cancelled' when is_end and signal = 'MERGED' then 'merged' end) as reason
    from metric_signals
    where is_start or is_end
    group by case_id, metric, reopen, sort_rank, instant, source_sequence, event_id
),

-- After a start the clock runs, after an end that is no start it does not: the step before tells whether it runs.
steps_with_state as (
    select
        *,
        coalesce(
            lag(is_start) over (
                partition by case_id, metric, reopen
                order by sort_rank, instant, source_sequence, event_id
            ),
            false
        ) as is_running
    from signal_steps
),

state_changes as (
    select
        *,
        is_start and (is_end or not is_running) as begins,
        is_running and is_end as ends
    from steps_with_state
    where (is_start and (is_end or not is_running)) or (is_running and is_end)
),

paired_changes as (
    select
        *,
        lead(instant) over (
            partition by case_id, metric, reopen
            order by sort_rank, instant, source_sequence, event_id
        ) as ended_by_signal_at,
        lead(event_id) over (
            partition by case_id, metric, reopen
            order by sort_rank, instant, source_sequence, event_id
        ) as end_event_id,
        lead(is_stop) over (
            partition by case_id, metric, reopen
            order by sort_rank, instant, source_sequence, event_id
        ) as is_stopped_by_event,
        lead(is_end_of_case) over (
            partition by case_id, metric, reopen
            order by sort_rank, instant, source_sequence, event_id
        ) as is_ended_by_end_of_case,
        lead(reason) over (
            partition by case_id, metric, reopen
            order by sort_rank, instant, source_sequence, event_id
        ) as reason_ended_by_signal
    from state_changes
),

walked_intervals as (
    select
        changes.case_id,
        changes.metric,
        changes.reopen,
        row_number() over (
            partition by changes.case_id, changes.metric, changes.reopen
            order by changes.sort_rank, changes.instant, changes.source_sequence, changes.event_id
        ) as run_number,
        changes.instant as started_at,
        changes.event_id as start_event_id,
        changes.ended_by_signal_at,
        changes.end_event_id,
        coalesce(changes.is_stopped_by_event, false) as is_stopped_by_event,
        changes.reason_ended_by_signal
    from paired_changes as changes
    inner join modes on changes.metric = modes.metric and changes.reopen = modes.reopen
    where
        changes.begins
        and not (
            modes.is_repeating
            and coalesce(changes.is_ended_by_end_of_case and changes.ended_by_signal_at = changes.instant, false)
        )
),

runs as (
    select *
    from single_run_intervals

    union all

    select *
    from walked_intervals
),

-- An event before intake is clipped to it.
intervals as (
    select
        cases.source,
        runs.case_id,
        cases.intake_date,
        runs.metric,
        runs.reopen,
        modes.runs_in_parts,
        case when modes.runs_in_parts then 1 else runs.run_number end as cycle,
        case when modes.runs_in_parts then runs.run_number else 1 end as part,
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
    inner join promised_to_cases as promised
        on runs.case_id = promised.case_id and runs.metric = promised.metric and runs.reopen = promised.reopen
    inner join modes on runs.metric = modes.metric and runs.reopen = modes.reopen
    where
        runs.started_at is not null
        and (runs.run_number = 1 or modes.is_repeating or runs.reopen <> 'freeze')
        -- What is said after the end of a case asks for nothing, unless it is answered.
        and not (
            (modes.is_repeating or (cases.is_outbound and modes.starts_otherwise_if_outbound))
            and runs.ended_by_signal_at is null
            and coalesce(runs.started_at >= cases.ended_at or cases.intake_ts >= cases.ended_at, false)
        )
),

cycle_bounds as (
    select
        case_id,
        metric,
        reopen,
        min(started_at) as started_at,
        max(start_event_id) filter (where part = 1) as start_event_id,
        max(part) as parts
    from intervals
    where runs_in_parts
    group by case_id, metric, reopen
)

select
    intervals.source,
    intervals.case_id,
    intervals.intake_date,
    intervals.metric,
    intervals.reopen,
    cast(intervals.cycle as bigint) as cycle,
    cast(intervals.part as bigint) as part,
    intervals.started_at,
    intervals.stopped_at,
    case when intervals.part > 1 then cycle_bounds.started_at else intervals.started_at end as cycle_started_at,
    cycle_bounds.parts is null or intervals.part = cycle_bounds.parts as is_last_part,
    intervals.is_stopped_by_event,
    intervals.reason,
    case when intervals.part > 1 then cycle_bounds.start_event_id else intervals.start_event_id end as start_event_id,
    intervals.end_event_id
from intervals
left join cycle_bounds
    on
        intervals.runs_in_parts
        and intervals.case_id = cycle_bounds.case_id
        and intervals.metric = cycle_bounds.metric
        and intervals.reopen = cycle_bounds.reopen
