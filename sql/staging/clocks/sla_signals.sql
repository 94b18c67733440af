-- One row is one signal of a case that a metric listens to.
-- Statuses but INTAKE (a case's own intake_ts says when it came in), reopens, messages, and changes of hands. One event may be several
-- signals, as a status and a reopen. GROUP_ASSIGNED: a group gets a case that is not over, at its intake, by a change or by a reopen;
-- GROUP_CHANGED: it holds it no more. Of one instant a change of hands comes first (docs/decisions/0026-group-ownership-time.md).
with cases as (
    select
        case_id,
        intake_ts,
        coalesce(initiated_by in ('agent', 'automation'), false) as is_outbound
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

messages as (
    select *
    from staging.messages_deduped
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

teams as (
    select
        source,
        case_id,
        intake_date,
        value as team,
        valid_from_at,
        valid_to_at,
        event_id
    from staging.case_attributes
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and attribute = 'team'
),

open_spans as (
    select
        case_id,
        started_at,
        ended_at
    from staging.status_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and status not in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
),

requested_signals as (
    select distinct signal
    from staging.sla_metric_rules
    where role <> 'pause'
),

teams_with_previous as (
    select
        *,
        lag(team) over (partition by case_id order by valid_from_at) as previous_team,
        lag(valid_from_at) over (partition by case_id order by valid_from_at) is null as is_at_intake
    from teams
),

signals as (
    select
        source,
        case_id,
        intake_date,
        status as signal,
        canonical_ts as signal_at,
        2 as sort_rank,
        source_sequence,
        event_id
    from staging.events_clean
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and status not in ('INTAKE', 'REOPENED')

    union all

    select
        source,
        case_id,
        intake_date,
        'REOPENED' as signal,
        canonical_ts as signal_at,
        2 as sort_rank,
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
        messages.source,
        messages.case_id,
        messages.intake_date,
        messages.signal,
        messages.sent_ts as signal_at,
        2 as sort_rank,
        messages.source_sequence,
        messages.message_id as event_id
    from messages
    inner join cases on messages.case_id = cases.case_id
    where messages.signal <> 'CUSTOMER_MESSAGE' or messages.sent_ts > cases.intake_ts or cases.is_outbound

    union all

    select
        source,
        case_id,
        intake_date,
        'GROUP_CHANGED' as signal,
        valid_from_at as signal_at,
        2 as sort_rank,
        cast(-1 as bigint) as source_sequence,
        event_id
    from teams_with_previous
    where previous_team is not null

    union all

    -- At intake, whatever the other stamps say.
    select
        source,
        case_id,
        intake_date,
        'GROUP_ASSIGNED' as signal,
        valid_from_at as signal_at,
        1 as sort_rank,
        cast(-1 as bigint) as source_sequence,
        event_id
    from teams_with_previous
    where is_at_intake and team is not null

    union all

    -- By a change, in a case that was not over just before it.
    select
        teams.source,
        teams.case_id,
        teams.intake_date,
        'GROUP_ASSIGNED' as signal,
        teams.valid_from_at as signal_at,
        2 as sort_rank,
        cast(-1 as bigint) as source_sequence,
        teams.event_id
    from teams_with_previous as teams
    inner join open_spans
        on
            teams.case_id = open_spans.case_id
            and open_spans.started_at < teams.valid_from_at
            and (open_spans.ended_at is null or open_spans.ended_at >= teams.valid_from_at)
    where teams.team is not null and not teams.is_at_intake

    union all

    -- By a reopen, to the group that holds the case then.
    select
        teams.source,
        teams.case_id,
        teams.intake_date,
        'GROUP_ASSIGNED' as signal,
        events.canonical_ts as signal_at,
        2 as sort_rank,
        events.source_sequence,
        events.event_id
    from teams_with_previous as teams
    inner join staging.events_clean as events
        on
            teams.case_id = events.case_id
            and (teams.is_at_intake or events.canonical_ts >= teams.valid_from_at)
            and (teams.valid_to_at is null or events.canonical_ts < teams.valid_to_at)
    where
        events.intake_date >= $start_date
        and events.intake_date < $end_date
        and events.is_reopen
        and teams.team is not null
)

select
    signals.source,
    signals.case_id,
    signals.intake_date,
    signals.signal,
    signals.signal_at,
    cast(
        dense_rank() over (
            partition by signals.case_id order by signals.sort_rank, signals.signal_at, signals.source_sequence, signals.event_id
        ) as bigint
    ) as signal_order,
    signals.event_id
from signals
inner join requested_signals on signals.signal = requested_signals.signal
