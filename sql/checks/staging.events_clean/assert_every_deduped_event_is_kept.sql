-- Intake dates on which events_clean has not exactly the events of events_deduped.
-- A failure means that events lost their case; look first at raw.cases of that date.
with clean_counts as (
    select
        intake_date,
        count(*) as events
    from staging.events_clean
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

deduped_counts as (
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
    deduped_counts.intake_date,
    deduped_counts.events as deduped_events,
    clean_counts.events as clean_events
from deduped_counts
left join clean_counts on deduped_counts.intake_date = clean_counts.intake_date
where clean_counts.events is null or clean_counts.events <> deduped_counts.events
