-- Cases that are held under several intake dates, over everything loaded: a source moved their intake, and only the new date was
-- loaded. A refresh loads both; so does a run of a window that covers both.
-- A failure means that every figure would count them twice; look first at the dates named here.
select
    case_id,
    count(*) as copies,
    min(intake_date) as first_intake_date,
    max(intake_date) as last_intake_date
from raw.cases
group by case_id
having count(*) > 1
