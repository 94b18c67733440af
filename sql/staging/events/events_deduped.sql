-- One row is one distinct event of a case.
-- Of events with the same case, status and event_ts the earliest ingested stays, ties by the source's order, then event_id. A status told
-- again right after another one of the same instant, in the source's order, is a return and stays too. Rows without event_ts are all
-- kept: nothing says that they are the same event (docs/decisions/0001-event-deduplication.md). A kept event is a reopen
-- when any of its copies is.
-- The log is read three times and each time narrowly: first for the keys that repeat, then for the events of their instants, last for
-- all. Ranking every event costs twice as much for the same result.
with repeated_keys as (
    select
        case_id,
        status,
        event_ts
    from raw.events_log
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and event_ts is not null
    group by case_id, status, event_ts
    having count(*) > 1
),

repeated_instants as (
    select distinct
        case_id,
        event_ts
    from repeated_keys
),

same_instant_events as (
    select
        log.case_id,
        log.status,
        log.event_ts,
        log.event_id,
        log.ingestion_ts,
        log.source_sequence,
        log.is_reopen,
        lag(log.status) over (
            partition by log.case_id, log.event_ts order by log.source_sequence, log.ingestion_ts, log.event_id
        ) as previous_status,
        lag(log.source_sequence) over (
            partition by log.case_id, log.event_ts order by log.source_sequence, log.ingestion_ts, log.event_id
        ) as previous_sequence,
        min(log.status) over (partition by log.case_id, log.event_ts)
        <> max(log.status) over (partition by log.case_id, log.event_ts) as has_several_statuses
    from raw.events_log as log
    inner join repeated_instants on log.case_id = repeated_instants.case_id and log.event_ts = repeated_instants.event_ts
    where
        log.intake_date >= $start_date
        and log.intake_date < $end_date
),

-- Where the source told of another instant in between, what follows was told anew: a file appended to itself, or two that overlap.
repetition_starts as (
    select distinct
        same_instant_events.case_id,
        same_instant_events.event_id
    from same_instant_events
    inner join raw.events_log as log on same_instant_events.case_id = log.case_id
    where
        log.intake_date >= $start_date
        and log.intake_date < $end_date
        and same_instant_events.has_several_statuses
        and log.source_sequence > same_instant_events.previous_sequence
        and log.source_sequence < same_instant_events.source_sequence
        and log.event_ts is distinct from same_instant_events.event_ts
),

in_repetitions as (
    select
        same_instant_events.*,
        repetition_starts.event_id is not null as is_repetition_start,
        sum(case when repetition_starts.event_id is null then 0 else 1 end) over (
            partition by same_instant_events.case_id, same_instant_events.event_ts
            order by same_instant_events.source_sequence, same_instant_events.ingestion_ts, same_instant_events.event_id
            rows between unbounded preceding and current row
        ) as repetition
    from same_instant_events
    left join repetition_starts
        on same_instant_events.case_id = repetition_starts.case_id and same_instant_events.event_id = repetition_starts.event_id
),

-- How often the case had come into the status by then, at this instant and in this telling of it.
visits as (
    select
        *,
        sum(case when previous_status = status and not is_repetition_start then 0 else 1 end) over (
            partition by case_id, event_ts, repetition, status
            order by source_sequence, ingestion_ts, event_id
            rows between unbounded preceding and current row
        ) as visit
    from in_repetitions
),

numbered_copies as (
    select
        case_id,
        event_id,
        row_number() over (
            partition by case_id, status, event_ts, visit order by ingestion_ts, source_sequence, event_id
        ) as copy_number,
        count(*) over (partition by case_id, status, event_ts, visit) as copies,
        bool_or(is_reopen) over (partition by case_id, status, event_ts, visit) as is_reopen
    from visits
)

select
    log.source,
    log.event_id,
    log.case_id,
    log.intake_date,
    log.status,
    log.source_status,
    log.event_ts,
    log.ingestion_ts,
    coalesce(log.event_ts, log.ingestion_ts) as canonical_ts,
    log.source_sequence,
    coalesce(numbered_copies.is_reopen, log.is_reopen) as is_reopen,
    log.is_duplicate,
    log.is_late_arriving,
    log.is_tz_inconsistent,
    log.team,
    log.agent,
    cast(coalesce(numbered_copies.copies, 1) as bigint) as copies
from raw.events_log as log
left join numbered_copies on log.case_id = numbered_copies.case_id and log.event_id = numbered_copies.event_id
where
    log.intake_date >= $start_date
    and log.intake_date < $end_date
    and (numbered_copies.copy_number is null or numbered_copies.copy_number = 1)
