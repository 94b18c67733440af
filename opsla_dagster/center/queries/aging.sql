-- One row is one case that is open at $at, the oldest first: its status then, and its age in calendar hours.
select
    cases.case_id,
    coalesce(cases.team, 'none') as queue,
    cases.priority,
    spans.status,
    cases.intake_ts,
    spans.started_at as in_status_since,
    (epoch_us(cast($at as timestamp)) - epoch_us(cases.intake_ts)) / 3600000000.0 as age_hours
from staging.case_milestones as cases
inner join staging.status_spans as spans
    on
        cases.case_id = spans.case_id
        and cases.intake_date = spans.intake_date
        and spans.started_at <= $at
        and (spans.ended_at is null or spans.ended_at > $at)
where
    cases.intake_ts <= $at
    and (cases.ended_at is null or cases.ended_at > $at)
    and spans.status not in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
    and ($queue is null or coalesce(cases.team, 'none') = $queue)
order by age_hours desc, cases.case_id
