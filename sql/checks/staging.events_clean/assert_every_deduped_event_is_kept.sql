-- Intake dates on which events_clean has not exactly the events of events_deduped.
-- A failure means that events lost their case; look first at raw.cases of that date.
with clean as (
    select
        intake_date,
        count(*) as events
    from staging.events_clean
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

deduped as (
    select
        intake_date,
        count(*) as events
    from staging.events_deduped
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
)

select
    deduped.intake_date,
    deduped.events as deduped_events,
    clean.events as clean_events
from deduped
left join clean on deduped.intake_date = clean.intake_date
where clean.events is null or clean.events <> deduped.events
