-- One row is one local date of the $days up to $last_day: what came into the backlog and what left it from the first of them on, added up. The distance
-- between the two is what was open before plus the work in progress since.
with days as (
    select
        calendar_date,
        open_cases,
        opened_cases + reopened_cases + moved_in_cases as arrived_cases,
        left_cases + cancelled_cases + moved_out_cases as gone_cases
    from mart.backlog_daily
    where
        dimension = $dimension
        and dimension_value = $dimension_value
        and calendar_date <= $last_day
        and calendar_date > cast($last_day as date) - $days
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
