-- One row is one part of a cycle: a stretch in which a metric of a case runs, from a start to its stop.
-- Signals (statuses, reopens, messages) in the order of the source: a stop ends what runs, a start begins where nothing runs, and
-- of one event the stop comes first. INTAKE comes before everything, whatever the other stamps say. How often a clock runs:
-- freeze = once, restart = anew at each reopen, resume = in parts of one cycle. Where only the first run counts it is looked
-- for directly; the walk over all signals costs several times as much (docs/decisions/0014-sla-engine.md).
with cases as (
    select
        source,
        case_id,
        intake_date,
        intake_ts,
        is_cancelled,
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
        bool_or(role = 'start' and signal = 'INTAKE') as starts_at_intake
    from staging.sla_metric_rules
    group by metric
),

modes as (
    select
        promised.metric,
        promised.reopen,
        metrics.is_repeating,
        metrics.starts_at_intake,
        promised.reopen = 'freeze' and not metrics.is_repeating and not metrics.is_cancellable as runs_once
    from (
        select distinct
            metric,
            reopen
        from staging.sla_promises
        where
            intake_date >= $start_date
            and intake_date < $end_date
    ) as promised
    inner join metrics on promised.metric = metrics.metric
),

listened as (
    select
        modes.metric,
        modes.reopen,
        modes.runs_once,
        rules.signal,
        bool_or(rules.role = 'start' or (rules.role = 'reopen' and modes.reopen <> 'freeze')) as is_start,
        bool_or(rules.role = 'stop') as is_stop,
        bool_or(rules.role in ('stop', 'cancel')) as is_end
    from modes
    inner join staging.sla_metric_rules as rules on modes.metric = rules.metric
    where rules.role <> 'pause'
    group by modes.metric, modes.reopen, modes.runs_once, rules.signal
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

    -- The message that opens a case is its intake: the first reply answers it.
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
        and (messages.signal <> 'CUSTOMER_MESSAGE' or messages.sent_ts > cases.intake_ts)
),

first_starts as (
    select
        signals.case_id,
        listened.metric,
        signals.instant,
        signals.source_sequence,
        signals.event_id,
        row_number() over (
            partition by signals.case_id, listened.metric order by signals.instant, signals.source_sequence, signals.event_id
        ) as start_number
    from signals
    inner join listened on signals.signal = listened.signal
    inner join modes on listened.metric = modes.metric and listened.reopen = modes.reopen
    where listened.runs_once and listened.is_start and not modes.starts_at_intake
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
        listened.metric,
        signals.instant,
        signals.event_id,
        row_number() over (
            partition by signals.case_id, listened.metric order by signals.instant, signals.source_sequence, signals.event_id
        ) as stop_number
    from signals
    inner join listened on signals.signal = listened.signal
    left join later_starts on signals.case_id = later_starts.case_id and listened.metric = later_starts.metric
    where
        listened.runs_once
        and listened.is_stop
        and (
            later_starts.instant is null
            or signals.instant > later_starts.instant
            or (signals.instant = later_starts.instant and signals.source_sequence > later_starts.source_sequence)
        )
),

single as (
    select
        cases.case_id,
        modes.metric,
        modes.reopen,
        cast(1 as bigint) as run_number,
        case when modes.starts_at_intake then cases.intake_ts else later_starts.instant end as started_at,
        later_starts.event_id as start_event_id,
        first_stops.instant as ended_by_signal_at,
        first_stops.event_id as end_event_id,
        first_stops.instant is not null as is_stopped_by_event,
        false as is_cancelled_by_signal
    from cases
    cross join modes
    left join later_starts on cases.case_id = later_starts.case_id and modes.metric = later_starts.metric
    left join first_stops
        on cases.case_id = first_stops.case_id and modes.metric = first_stops.metric and first_stops.stop_number = 1
    where modes.runs_once
),

heard as (
    select
        cases.case_id,
        listened.metric,
        listened.reopen,
        0 as place,
        cases.intake_ts as instant,
        cast(null as bigint) as source_sequence,
        cast(null as varchar) as event_id,
        'INTAKE' as signal,
        listened.is_start,
        listened.is_stop,
        listened.is_end
    from cases
    inner join listened on listened.signal = 'INTAKE'
    where not listened.runs_once

    union all

    select
        signals.case_id,
        listened.metric,
        listened.reopen,
        1 as place,
        signals.instant,
        signals.source_sequence,
        signals.event_id,
        signals.signal,
        listened.is_start,
        listened.is_stop,
        listened.is_end
    from signals
    inner join listened on signals.signal = listened.signal
    where not listened.runs_once and (listened.is_start or listened.is_end)
),

-- One event may be several signals, as a status and a reopen: it is one step of the walk.
marks as (
    select
        case_id,
        metric,
        reopen,
        place,
        instant,
        source_sequence,
        event_id,
        bool_or(is_start) as is_start,
        bool_or(is_stop) as is_stop,
        bool_or(is_end) as is_end,
        bool_or(is_end and signal = 'CANCELLED') as is_cancellation
    from heard
    group by case_id, metric, reopen, place, instant, source_sequence, event_id
),

-- After a start the clock runs, after an end that is no start it does not: the mark before tells whether it runs.
told as (
    select
        *,
        coalesce(
            lag(is_start) over (
                partition by case_id, metric, reopen
                order by place, instant, source_sequence, event_id
            ),
            false
        ) as is_running
    from marks
),

turns as (
    select
        *,
        is_start and (is_end or not is_running) as begins,
        is_running and is_end as ends
    from told
    where (is_start and (is_end or not is_running)) or (is_running and is_end)
),

walked as (
    select
        *,
        lead(instant) over (
            partition by case_id, metric, reopen
            order by place, instant, source_sequence, event_id
        ) as ended_by_signal_at,
        lead(event_id) over (
            partition by case_id, metric, reopen
            order by place, instant, source_sequence, event_id
        ) as end_event_id,
        lead(is_stop) over (
            partition by case_id, metric, reopen
            order by place, instant, source_sequence, event_id
        ) as is_stopped_by_event,
        lead(is_cancellation) over (
            partition by case_id, metric, reopen
            order by place, instant, source_sequence, event_id
        ) as is_cancelled_by_signal
    from turns
),

repeated as (
    select
        case_id,
        metric,
        reopen,
        row_number() over (
            partition by case_id, metric, reopen
            order by place, instant, source_sequence, event_id
        ) as run_number,
        instant as started_at,
        event_id as start_event_id,
        ended_by_signal_at,
        end_event_id,
        coalesce(is_stopped_by_event, false) as is_stopped_by_event,
        coalesce(is_cancelled_by_signal, false) as is_cancelled_by_signal
    from walked
    where begins
),

runs as (
    select *
    from single

    union all

    select *
    from repeated
),

-- An event before intake is clipped to it.
ended as (
    select
        cases.source,
        runs.case_id,
        cases.intake_date,
        runs.metric,
        runs.reopen,
        case when runs.reopen = 'resume' and not modes.is_repeating then 1 else runs.run_number end as cycle,
        case when runs.reopen = 'resume' and not modes.is_repeating then runs.run_number else 1 end as part,
        case when runs.started_at < cases.intake_ts then cases.intake_ts else runs.started_at end as started_at,
        coalesce(runs.ended_by_signal_at, cases.ended_at) as stopped_at,
        runs.is_stopped_by_event,
        case
            when runs.is_stopped_by_event then null
            when runs.is_cancelled_by_signal then 'cancelled'
            when runs.ended_by_signal_at is not null then 'ended_without_stop'
            when cases.ended_at is null then null
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
            modes.is_repeating
            and runs.ended_by_signal_at is null
            and coalesce(runs.started_at >= cases.ended_at or cases.intake_ts >= cases.ended_at, false)
        )
),

in_parts as (
    select
        case_id,
        metric,
        min(started_at) as started_at,
        max(start_event_id) filter (where part = 1) as start_event_id,
        max(part) as parts
    from ended
    where reopen = 'resume'
    group by case_id, metric
)

select
    ended.source,
    ended.case_id,
    ended.intake_date,
    ended.metric,
    ended.reopen,
    cast(ended.cycle as bigint) as cycle,
    cast(ended.part as bigint) as part,
    ended.started_at,
    ended.stopped_at,
    case when ended.reopen = 'resume' and ended.part > 1 then in_parts.started_at else ended.started_at end as cycle_started_at,
    in_parts.parts is null or ended.part = in_parts.parts or ended.cycle > 1 as is_last_part,
    ended.is_stopped_by_event,
    ended.reason,
    case when ended.reopen = 'resume' and ended.part > 1 then in_parts.start_event_id else ended.start_event_id end as start_event_id,
    ended.end_event_id
from ended
left join in_parts on ended.reopen = 'resume' and ended.case_id = in_parts.case_id and ended.metric = in_parts.metric
