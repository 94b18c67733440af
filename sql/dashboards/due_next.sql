-- One row is one clock that runs within its target.
-- What breaks next: clocks that run within their target, the first due on top; paused ones have no due instant.
select
    case_id,
    policy,
    metric,
    cycle,
    priority,
    tier,
    team,
    due_at,
    remaining_seconds / 60.0 as remaining_business_minutes,
    is_paused,
    as_of_at
from mart.open_clocks
where outcome = 'running'
order by due_at nulls last, remaining_seconds, case_id, policy, metric, cycle
