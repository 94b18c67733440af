-- One row is one local date of the $days up to $last_day and one of the six values of $dimension with most open cases at the end of $last_day (of as many, those
-- with most over the days); the value with most first. Of dates that are not loaded nobody knows: they are left out.
with loaded_days as (
    select
        daily.calendar_date,
        daily.dimension_value,
        daily.open_cases
    from mart.backlog_daily as daily
    inner join (select distinct intake_date from ops.partition_as_of) as loads on daily.calendar_date = loads.intake_date
    where daily.dimension = $dimension and daily.calendar_date <= $last_day and daily.calendar_date > cast($last_day as date) - $days
),

values_by_size as (
    select
        dimension_value,
        coalesce(sum(open_cases) filter (where calendar_date = $last_day), 0) as last_open_cases,
        sum(open_cases) as added_open_cases
    from loaded_days
    group by dimension_value
    order by last_open_cases desc, added_open_cases desc, dimension_value
    limit 6
)

select
    days.calendar_date,
    days.dimension_value,
    days.open_cases
from loaded_days as days
inner join values_by_size on days.dimension_value = values_by_size.dimension_value
order by values_by_size.last_open_cases desc, values_by_size.added_open_cases desc, days.dimension_value, days.calendar_date
