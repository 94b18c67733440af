-- One row is a status that a case had entered by $as_of_at. The source sends no event twice, and none late: what it tells bears its own stamp.
select
    getvariable('source') as source,
    event_id,
    case_id,
    intake_date,
    status,
    source_status,
    event_ts,
    event_ts as ingestion_ts,
    source_sequence,
    is_reopen,
    cast(null as boolean) as is_duplicate,
    cast(null as boolean) as is_late_arriving,
    cast(null as boolean) as is_tz_inconsistent,
    team,
    agent
from stored_events
inner join (select case_id, intake_ts from stored_cases) as cases using (case_id)
where intake_date >= $start_date and intake_date < $end_date and event_ts <= $as_of_at and cases.intake_ts <= $as_of_at
order by intake_date, case_id, source_sequence
