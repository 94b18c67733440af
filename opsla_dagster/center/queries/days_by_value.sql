-- One row is one local date of the $days up to $last_day and one of the six values of $dimension with most open cases on them.
with largest_values as (
    select dimension_value
    from mart.backlog_daily
    where dimension = $dimension and calendar_date <= $last_day and calendar_date > cast($last_day as date) - $days
    group by dimension_value
    order by sum(open_cases) desc, dimension_value
    limit 6
)

select
    days.calendar_date,
    days.dimension_value,
    days.open_cases
from mart.backlog_daily as days
inner join largest_values on days.dimension_value = largest_values.dimension_value
where days.dimension = $dimension and days.calendar_date <= $last_day and days.calendar_date > cast($last_day as date) - $days
order by days.dimension_value, days.calendar_date
