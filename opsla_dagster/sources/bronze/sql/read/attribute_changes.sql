-- One row is a change of an attribute by $as_of_at.
select
    getvariable('source') as source,
    change_id,
    case_id,
    intake_date,
    changed_ts,
    source_sequence,
    attribute,
    value,
    previous_value,
    actor
from stored_changes
inner join (select case_id, intake_ts from stored_cases) as cases using (case_id)
where intake_date >= $start_date and intake_date < $end_date and changed_ts <= $as_of_at and cases.intake_ts <= $as_of_at
order by intake_date, case_id, source_sequence
