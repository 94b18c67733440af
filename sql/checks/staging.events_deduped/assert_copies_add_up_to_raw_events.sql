-- Intake dates on which the copies that the kept events stand for are not as many as the raw events.
-- A failure means that deduplication lost or invented events; look first at sql/staging/events/events_deduped.sql.
with kept_events as (
    select
        intake_date,
        sum(copies) as events
    from staging.events_deduped
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

logged_events as (
    select
        intake_date,
        count(*) as events
    from raw.events_log
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
)

select
    logged_events.intake_date,
    logged_events.events as raw_events,
    kept_events.events as accounted_events
from logged_events
left join kept_events on logged_events.intake_date = kept_events.intake_date
where kept_events.events is null or kept_events.events <> logged_events.events
