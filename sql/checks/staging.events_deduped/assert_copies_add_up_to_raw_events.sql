-- Intake dates on which the copies that the kept events stand for are not as many as the raw events.
-- A failure means that deduplication lost or invented events; look first at sql/staging/events/events_deduped.sql.
with kept as (
    select
        intake_date,
        sum(copies) as events
    from staging.events_deduped
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

logged as (
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
    logged.intake_date,
    logged.events as raw_events,
    kept.events as accounted_events
from logged
left join kept on logged.intake_date = kept.intake_date
where kept.events is null or kept.events <> logged.events
