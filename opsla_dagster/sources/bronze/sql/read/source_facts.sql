-- One row is a fact that the source had told of a case by $as_of_at.
select
    getvariable('source') as source,
    case_id,
    intake_date,
    known_ts,
    fact,
    value_text,
    value_number
from stored_facts
inner join (select case_id, intake_ts from stored_cases) as cases using (case_id)
where intake_date >= $start_date and intake_date < $end_date and known_ts <= $as_of_at and cases.intake_ts <= $as_of_at
order by intake_date, case_id, fact
