-- Backlogs that are down later, or in fewer futures, under a change that gets more done or lets less come in.
-- A failure means that two answers do not rest on the same futures; look first at opsla_dagster/forecasting/clearing.py.
select
    changed.dimension,
    changed.dimension_value,
    changed.what_if,
    changed.goal,
    present.reached_pct,
    changed.reached_pct as reached_pct_changed,
    present.reached_p50_date,
    changed.reached_p50_date as reached_p50_date_changed
from mart.backlog_clear_forecast as changed
inner join mart.backlog_clear_forecast as present
    on
        changed.dimension = present.dimension
        and changed.dimension_value = present.dimension_value
        and changed.goal = present.goal
        and present.what_if = 'as now'
where
    changed.heads_change_share >= 0
    and changed.arrivals_change_share <= 0
    and changed.handling_time_change_share <= 0
    and (
        changed.reached_pct < present.reached_pct
        or changed.reached_p50_date > present.reached_p50_date
        or (changed.reached_p50_date is null and present.reached_p50_date is not null)
    )
