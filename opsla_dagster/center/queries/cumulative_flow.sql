-- One row is one local date of the $days up to $last_day: what came into the backlog and what left it from the first of them on, added up. The distance
-- between the two is what was open before plus the work in progress since.
with dates as (
    select
        cast(unnest(range(
            cast(greatest(first_intake_date, cast($last_day as date) - $days + 1) as timestamp), cast($last_day as timestamp) + interval 1 day, interval 1 day
        )) as date) as calendar_date
    from mart.desk_now
),

-- A date without a case or a movement has no row in mart.backlog_daily.
days as (
    select
        dates.calendar_date,
        coalesce(daily.open_cases, 0) as open_cases,
        coalesce(daily.opened_cases + daily.reopened_cases + daily.moved_in_cases, 0) as arrived_cases,
        coalesce(daily.left_cases + daily.cancelled_cases + daily.moved_out_cases, 0) as gone_cases
    from dates
    left join mart.backlog_daily as daily
        on dates.calendar_date = daily.calendar_date and daily.dimension = $dimension and daily.dimension_value = $dimension_value
),

days_so_far as (
    select
        calendar_date,
        open_cases,
        arrived_cases,
        gone_cases,
        -- What was open before the first date is in the upper line from the start: the distance is the work in progress.
        first_value(open_cases - arrived_cases + gone_cases) over (order by calendar_date)
        + sum(arrived_cases) over (order by calendar_date) as arrived_so_far,
        sum(gone_cases) over (order by calendar_date) as gone_so_far
    from days
)

select
    calendar_date,
    arrived_cases,
    gone_cases,
    open_cases,
    cast(arrived_so_far as bigint) as arrived_so_far,
    cast(gone_so_far as bigint) as gone_so_far
from days_so_far
order by calendar_date
