-- Intake dates on which milestones are not one a case, or do not count every event.
-- A failure means that cases or events are lost; look first at sql/staging/events/case_milestones.sql.
with milestones as (
    select
        intake_date,
        count(*) as cases,
        sum(event_count) as events
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

cases as (
    select
        intake_date,
        count(*) as cases
    from raw.cases
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

events as (
    select
        intake_date,
        count(*) as events
    from staging.events_clean
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
)

select
    cases.intake_date,
    cases.cases,
    milestones.cases as cases_with_milestones,
    events.events,
    milestones.events as counted_events
from cases
left join milestones on cases.intake_date = milestones.intake_date
left join events on cases.intake_date = events.intake_date
where
    milestones.cases is null
    or milestones.cases <> cases.cases
    or milestones.events <> coalesce(events.events, 0)
