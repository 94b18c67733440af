-- Events whose case is not in raw.cases under the same intake date.
-- A failure means that events would be lost downstream; look first at how the source derives the intake date.
with events as (
    select distinct
        case_id,
        intake_date
    from raw.events_log
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

cases as (
    select
        case_id,
        intake_date
    from raw.cases
    where
        intake_date >= $start_date
        and intake_date < $end_date
)

select
    events.case_id,
    events.intake_date
from events
left join cases on events.case_id = cases.case_id and events.intake_date = cases.intake_date
where cases.case_id is null
