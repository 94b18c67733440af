-- Plans that do not reach their objective in 95 % of the simulated weeks.
-- A failure means that what was found is not what was judged; look first at best_plan in opsla_dagster/staffing/search.py.
select
    metric,
    roster,
    objective_pct,
    weeks_kept_pct
from mart.staffing_outcomes
where roster in ('plan', 'flat') and not coalesce(is_kept, true)
