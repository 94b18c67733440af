-- One row is one of the $days local dates up to $last_day: what came into the backlog, what left it, and what stood at its end; what came and went is
-- added up from the first of them on, too. A date without a case or a movement has no row in mart.backlog_daily: nothing came and nothing was there. Of a
-- date that is not loaded nobody knows, and it has no figures.
with dates as (
    select
        cast(unnest(range(
            cast(greatest(first_intake_date, cast($last_day as date) - $days + 1) as timestamp), cast($last_day as timestamp) + interval 1 day, interval 1 day
        )) as date) as calendar_date
    from mart.desk_now
),

days as (
    select
        dates.calendar_date,
        loads.intake_date is not null as is_loaded,
        coalesce(daily.opened_cases, 0) as opened_cases,
        coalesce(daily.opened_cases + daily.reopened_cases + daily.moved_in_cases, 0) as arrived_cases,
        coalesce(daily.left_cases + daily.cancelled_cases + daily.moved_out_cases, 0) as gone_cases,
        coalesce(daily.open_cases, 0) as open_cases,
        coalesce(daily.breached_open_cases, 0) as breached_open_cases,
        coalesce(daily.debt_seconds, 0) as debt_seconds,
        coalesce(daily.debt_seconds, 0) / 3600.0 as debt_hours,
        coalesce(daily.debt_accrued_seconds, 0) as debt_accrued_seconds,
        coalesce(daily.debt_repaid_seconds, 0) as debt_repaid_seconds
    from dates
    left join mart.backlog_daily as daily
        on dates.calendar_date = daily.calendar_date and daily.dimension = $dimension and daily.dimension_value = $dimension_value
    left join (select distinct intake_date from ops.partition_as_of) as loads on dates.calendar_date = loads.intake_date
),

added_days as (
    select
        *,
        -- What was open before the first date is in the upper line from the start: the distance of the two is the work in progress.
        cast(
            first_value(open_cases - arrived_cases + gone_cases) over (order by calendar_date) + sum(arrived_cases) over (order by calendar_date) as bigint
        ) as arrived_so_far,
        cast(sum(gone_cases) over (order by calendar_date) as bigint) as gone_so_far
    from days
)

select
    calendar_date,
    is_loaded,
    case when is_loaded then opened_cases end as opened_cases,
    case when is_loaded then arrived_cases end as arrived_cases,
    case when is_loaded then gone_cases end as gone_cases,
    case when is_loaded then open_cases end as open_cases,
    case when is_loaded then breached_open_cases end as breached_open_cases,
    case when is_loaded then debt_seconds end as debt_seconds,
    case when is_loaded then debt_hours end as debt_hours,
    case when is_loaded then debt_accrued_seconds end as debt_accrued_seconds,
    case when is_loaded then debt_repaid_seconds end as debt_repaid_seconds,
    case when is_loaded then arrived_so_far end as arrived_so_far,
    case when is_loaded then gone_so_far end as gone_so_far
from added_days
order by calendar_date
