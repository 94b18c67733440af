-- One row is one of the $days local dates up to $last_day: what came into the backlog, what left it, and what stood at its end. A date without a case or
-- a movement has no row in mart.backlog_daily: nothing came and nothing was there.
with dates as (
    select
        cast(unnest(range(
            cast(greatest(first_intake_date, cast($last_day as date) - $days + 1) as timestamp), cast($last_day as timestamp) + interval 1 day, interval 1 day
        )) as date) as calendar_date
    from mart.desk_now
)

select
    dates.calendar_date,
    coalesce(days.opened_cases, 0) as opened_cases,
    coalesce(days.opened_cases + days.reopened_cases + days.moved_in_cases, 0) as arrived_cases,
    coalesce(days.left_cases + days.cancelled_cases + days.moved_out_cases, 0) as gone_cases,
    coalesce(days.open_cases, 0) as open_cases,
    coalesce(days.breached_open_cases, 0) as breached_open_cases,
    coalesce(days.debt_seconds, 0) as debt_seconds,
    coalesce(days.debt_seconds, 0) / 3600.0 as debt_hours,
    coalesce(days.debt_accrued_seconds, 0) as debt_accrued_seconds,
    coalesce(days.debt_repaid_seconds, 0) as debt_repaid_seconds
from dates
left join mart.backlog_daily as days
    on dates.calendar_date = days.calendar_date and days.dimension = $dimension and days.dimension_value = $dimension_value
order by dates.calendar_date
