-- One row is one distinct event of a case.
-- Of events with the same case, status and event_ts the earliest ingested stays, ties by event_id. Rows without event_ts are
-- all kept: nothing says that they are the same event (docs/decisions/0001-event-deduplication.md).
-- Only repeated events are ranked; ranking every row costs twice as much for the same result.
with events as (
    select
        source,
        event_id,
        case_id,
        intake_date,
        status,
        source_status,
        event_ts,
        ingestion_ts,
        coalesce(event_ts, ingestion_ts) as canonical_ts,
        source_sequence,
        is_reopen,
        is_duplicate,
        is_late_arriving,
        is_tz_inconsistent,
        team,
        agent
    from raw.events_log
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

repeated as (
    select
        case_id,
        status,
        event_ts,
        count(*) as copies
    from events
    where event_ts is not null
    group by case_id, status, event_ts
    having count(*) > 1
),

matched as (
    select
        events.*,
        repeated.copies
    from events
    left join repeated
        on
            events.case_id = repeated.case_id
            and events.status = repeated.status
            and events.event_ts = repeated.event_ts
),

ranked as (
    select
        *,
        row_number() over (partition by case_id, status, event_ts order by ingestion_ts, event_id) as copy_number
    from matched
    where copies is not null
),

kept as (
    select
        source,
        event_id,
        case_id,
        intake_date,
        status,
        source_status,
        event_ts,
        ingestion_ts,
        canonical_ts,
        source_sequence,
        is_reopen,
        is_duplicate,
        is_late_arriving,
        is_tz_inconsistent,
        team,
        agent,
        1 as copies
    from matched
    where copies is null

    union all

    select
        source,
        event_id,
        case_id,
        intake_date,
        status,
        source_status,
        event_ts,
        ingestion_ts,
        canonical_ts,
        source_sequence,
        is_reopen,
        is_duplicate,
        is_late_arriving,
        is_tz_inconsistent,
        team,
        agent,
        copies
    from ranked
    where copy_number = 1
)

select
    source,
    event_id,
    case_id,
    intake_date,
    status,
    source_status,
    event_ts,
    ingestion_ts,
    canonical_ts,
    source_sequence,
    is_reopen,
    is_duplicate,
    is_late_arriving,
    is_tz_inconsistent,
    team,
    agent,
    cast(copies as bigint) as copies
from kept
