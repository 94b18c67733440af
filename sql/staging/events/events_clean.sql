-- One row is one distinct event of a case, with what is odd about it.
-- Nothing is corrected: an event before intake keeps its instant and is flagged, clocks and spans clip it to intake.
with events as (
    select *
    from staging.events_deduped
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

cases as (
    select
        case_id,
        intake_ts
    from raw.cases
    where
        intake_date >= $start_date
        and intake_date < $end_date
)

select
    events.source,
    events.event_id,
    events.case_id,
    events.intake_date,
    events.status,
    events.source_status,
    events.event_ts,
    events.ingestion_ts,
    events.canonical_ts,
    events.source_sequence,
    events.is_reopen,
    events.event_ts is null as is_event_ts_missing,
    events.is_tz_inconsistent,
    events.is_late_arriving,
    coalesce(events.ingestion_ts < events.event_ts, false) as is_ingestion_before_event,
    events.canonical_ts < cases.intake_ts as is_before_intake,
    events.team,
    events.agent
from events
inner join cases on events.case_id = cases.case_id
