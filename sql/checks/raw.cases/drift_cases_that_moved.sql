-- Cases of the window that the same source held under another intake date when that date was loaded.
-- A failure means that the source changed the intake of a case; the other date is stale until it is loaded again, which a refresh
-- does by itself: look first whether another range of it is still to come.
with fresh as (
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
    fresh.case_id,
    fresh.source,
    fresh.intake_date,
    held.intake_date as stale_intake_date
from raw.cases as held
inner join fresh on held.case_id = fresh.case_id and held.source = fresh.source
where
    not (
        held.intake_date >= $start_date
        and held.intake_date < $end_date
    )
