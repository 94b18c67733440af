-- One row is a message sent by $as_of_at.
select
    getvariable('source') as source,
    message_id,
    case_id,
    intake_date,
    sent_ts,
    source_sequence,
    signal,
    author_kind,
    agent
from stored_messages
inner join (select case_id, intake_ts from stored_cases) as cases using (case_id)
where intake_date >= $start_date and intake_date < $end_date and sent_ts <= $as_of_at and cases.intake_ts <= $as_of_at
order by intake_date, case_id, source_sequence
