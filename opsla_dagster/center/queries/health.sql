-- One row is one value of $dimension that had a case: how its open cases stand, the worst first.
select
    dimension_value,
    open_cases,
    active_cases,
    waiting_cases,
    breached_open_cases,
    breached_open_clocks,
    debt_seconds,
    due_in_2_hours_cases,
    due_next_business_day_cases,
    next_due_at,
    age_p50_calendar_minutes,
    age_p90_calendar_minutes,
    age_max_calendar_minutes,
    arrived_cases_per_business_hour,
    left_cases_per_business_hour,
    due_cases_per_business_hour,
    debt_work_business_minutes,
    to_green_business_minutes,
    to_green_reason,
    health
from mart.queue_health
where dimension = $dimension
order by breached_open_cases desc, debt_seconds desc, open_cases desc, dimension_value
