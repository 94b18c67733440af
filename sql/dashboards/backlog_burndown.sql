-- One row is one local date and queue, or the desk as a whole.
-- Burn-down: open backlog, what came and went, the pace that it takes; on the latest date also the minutes to green as things stand now.
with latest_date as (
    select max(calendar_date) as calendar_date
    from mart.burn_down
)

select
    burn_down.calendar_date,
    burn_down.dimension,
    burn_down.dimension_value,
    burn_down.open_cases,
    burn_down.arrived_cases,
    burn_down.gone_cases,
    burn_down.breached_open_cases,
    burn_down.debt_seconds / 3600.0 as debt_business_hours,
    burn_down.leaving_cases_per_business_day,
    burn_down.required_cases_per_business_day,
    burn_down.cleared_after_business_days,
    health.to_green_business_minutes,
    health.to_green_reason
from mart.burn_down as burn_down
cross join latest_date
left join mart.queue_health as health
    on
        burn_down.calendar_date = latest_date.calendar_date
        and burn_down.dimension = health.dimension
        and burn_down.dimension_value = health.dimension_value
where burn_down.dimension in ('all', 'queue')
order by burn_down.calendar_date, burn_down.dimension, burn_down.dimension_value
