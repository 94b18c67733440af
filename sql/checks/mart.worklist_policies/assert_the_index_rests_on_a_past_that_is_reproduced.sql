-- Queues in whose list the guarded index is in force although the simulation that says so does not reproduce what happened in the queue, was not held against it, or finds no more breaches than may be.
-- A failure means that an order rests on figures without meaning; look first at opsla_dagster/worklist/feasibility.py.
select
    queue,
    picking_policy,
    is_replay_believed,
    due_date_breached_cases,
    allowed_breached_cases
from mart.worklist_policies
where
    picking_policy = 'guarded index'
    and (
        not coalesce(is_replay_believed, false)
        or coalesce(due_date_breached_cases, 0) <= coalesce(allowed_breached_cases, 0)
    )
