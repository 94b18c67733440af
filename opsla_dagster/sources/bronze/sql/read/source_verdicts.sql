-- One row is what the source had judged of a cycle of a metric by $as_of_at; what it had not decided by then is NULL.
select
    getvariable('source') as source,
    verdict_id,
    case_id,
    intake_date,
    metric,
    cycle,
    case when breached_ts <= $as_of_at or (is_missed and ended_ts <= $as_of_at) then true when ended_ts <= $as_of_at and is_promised then false end as is_breached,
    case when breached_ts <= $as_of_at then breached_ts end as breached_ts,
    case when elapsed_ts <= $as_of_at then elapsed_seconds end as elapsed_seconds
from stored_verdicts
inner join (select case_id, intake_ts from stored_cases) as cases using (case_id)
where intake_date >= $start_date and intake_date < $end_date and known_ts <= $as_of_at and cases.intake_ts <= $as_of_at
order by intake_date, case_id, verdict_id
