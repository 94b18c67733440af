-- One row is one goal that the backlog may come down to, as now or under a change, of one value of one dimension.
select
    now_at,
    dimension,
    dimension_value,
    what_if,
    goal,
    heads_change_share,
    arrivals_change_share,
    handling_time_change_share,
    open_cases,
    target_cases,
    arriving_cases_per_week,
    leaving_cases_per_week,
    reached_pct,
    reached_p10_date,
    reached_p50_date,
    reached_p90_date,
    reached_p10_business_days,
    reached_p50_business_days,
    reached_p90_business_days,
    clear_reason
from mart.backlog_clear_forecast
where dimension = $dimension and dimension_value = $dimension_value
order by what_if <> 'as now', what_if, target_cases, goal
