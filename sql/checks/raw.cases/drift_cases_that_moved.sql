-- Cases of the window that the same source held under another intake date when that date was loaded.
-- A failure means that the source changed the intake of a case; the other date is stale until it is loaded again, which a refresh
-- does by itself: look first whether another range of it is still to come.
with new_cases as (
    select
        case_id,
        source,
        intake_date
    from raw.cases
    where
        intake_date >= $start_date
        and intake_date < $end_date
)

select
    new_cases.case_id,
    new_cases.source,
    new_cases.intake_date,
    held.intake_date as stale_intake_date
from raw.cases as held
inner join new_cases on held.case_id = new_cases.case_id and held.source = new_cases.source
where
    not (
        held.intake_date >= $start_date
        and held.intake_date < $end_date
    )
