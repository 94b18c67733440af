-- One row is a target that the source had applied by $as_of_at.
select
    getvariable('source') as source,
    applied_id,
    case_id,
    intake_date,
    applied_ts,
    source_sequence,
    metric,
    policy,
    calendar,
    target_seconds,
    reopen,
    is_on_case_schedule,
    schedule_change
from stored_targets
inner join (select case_id, intake_ts from stored_cases) as cases using (case_id)
where intake_date >= $start_date and intake_date < $end_date and applied_ts <= $as_of_at and cases.intake_ts <= $as_of_at
order by intake_date, case_id, source_sequence
