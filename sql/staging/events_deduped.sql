-- One row is one distinct event of a case.
-- Of events with the same case, status and event_ts the earliest ingested stays, ties by the source's order, then event_id. Rows without event_ts are
-- all kept: nothing says that they are the same event (docs/decisions/0001-event-deduplication.md). A kept event is a reopen
-- when any of its copies is.
-- The log is read three times and each time narrowly: first for the keys that repeat, then for their events alone, last for all.
-- Ranking every event costs twice as much for the same result.
with repeated as (
    select
        case_id,
        status,
        event_ts,
        count(*) as copies,
        bool_or(is_reopen) as is_reopen
    from raw.events_log
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and event_ts is not null
    group by case_id, status, event_ts
    having count(*) > 1
),

ranked as (
    select
        log.case_id,
        log.status,
        log.event_ts,
        log.event_id,
        repeated.copies,
        repeated.is_reopen,
        row_number() over (
            partition by log.case_id, log.status, log.event_ts order by log.ingestion_ts, log.source_sequence, log.event_id
        ) as copy_number
    from raw.events_log as log
    inner join repeated
        on log.case_id = repeated.case_id and log.status = repeated.status and log.event_ts = repeated.event_ts
    where
        log.intake_date >= $start_date
        and log.intake_date < $end_date
),

earliest as (
    select
        case_id,
        status,
        event_ts,
        event_id,
        copies,
        is_reopen
    from ranked
    where copy_number = 1
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
    coalesce(earliest.is_reopen, log.is_reopen) as is_reopen,
    log.is_duplicate,
    log.is_late_arriving,
    log.is_tz_inconsistent,
    log.team,
    log.agent,
    cast(coalesce(earliest.copies, 1) as bigint) as copies
from raw.events_log as log
left join earliest
    on log.case_id = earliest.case_id and log.status = earliest.status and log.event_ts = earliest.event_ts
where
    log.intake_date >= $start_date
    and log.intake_date < $end_date
    and (earliest.event_id is null or earliest.event_id = log.event_id)
