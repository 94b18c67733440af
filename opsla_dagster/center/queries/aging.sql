-- One row is one case that is open at the instant, the oldest first: its status then, and its age; of $queue where it is given.
select
    case_id,
    coalesce(team, 'none') as queue,
    priority,
    status,
    waits_for,
    intake_ts,
    status_since_at,
    age_calendar_minutes,
    age_calendar_minutes / 1440.0 as age_days
from mart.backlog_now
where $queue is null or coalesce(team, 'none') = $queue
order by age_calendar_minutes desc, case_id
