-- Queues that show breaches of the coming days from a simulation that does not reproduce the past ones, or that lack the figures it was held against.
-- A failure means that a reader takes a figure for a forecast that is none; look first at opsla_dagster/worklist/feasibility.py.
select
    queue,
    is_replay_believed,
    past_due_cases,
    past_breached_cases,
    replayed_breached_cases,
    due_date_breached_cases
from mart.worklist_policies
where
    (due_date_breached_cases is not null and not coalesce(is_replay_believed, false))
    or (is_replay_believed is not null and (past_due_cases is null or past_breached_cases is null or replayed_breached_cases is null))
    or past_breached_cases > past_due_cases
    or replayed_breached_cases > past_due_cases
