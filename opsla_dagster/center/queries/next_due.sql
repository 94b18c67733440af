-- One row is one open case with a clock that is known to fall due, what falls due first first; of $queue where it is given.
select
    source,
    case_id,
    coalesce(team, 'none') as queue,
    coalesce(priority, 'none') as priority,
    tier,
    status,
    waits_for,
    agent,
    age_calendar_minutes,
    breached_clocks,
    next_metric,
    next_due_at,
    next_remaining_business_minutes,
    (epoch_us(next_due_at) - epoch_us(snapshot_at)) / 60000000.0 as next_due_minutes
from mart.backlog_now
where next_due_at is not null and ($queue is null or coalesce(team, 'none') = $queue)
order by next_due_at, case_id
