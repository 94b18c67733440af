-- One row is one of the last 10 business days before today on which a value of a dimension had work: what came in and left, and its open minutes.
-- A date without open hours counts to the business day after it, so that 10 business days in a row hold whole weeks, whatever day it is: what comes in and what leaves on
-- weekends is part of both, on a desk that works then and on one that does not. What pace rests on, wherever one is told: idle days would understate what a queue gets done.
-- A business day of which some date is not loaded, though the first loaded one lies before it, is left out: what came in then and has left since is not known.
-- A day counts with a case or a movement; cases come in by intake, reopening or a move, and leave by their end, cancellation or a move, at any time
-- (docs/decisions/0040-error-budget-and-now.md).
with loaded_dates as (
    select distinct intake_date
    from ops.partition_as_of
),

first_dates as (
    select min(intake_date) as first_intake_date
    from loaded_dates
),

desk_dates as (
    select
        days.local_date,
        desk_now.now_date,
        sum(case when days.is_open then (epoch_us(days.segment_end_at) - epoch_us(days.segment_start_at)) // 1000000 else 0 end) / 60.0 as business_minutes
    from staging.business_time as days
    inner join mart.desk_now as desk_now on days.local_date >= desk_now.now_date - interval 90 day and days.local_date < desk_now.now_date
    where days.calendar = 'desk'
    group by days.local_date, desk_now.now_date
),

-- Closed dates after the last business day before today wait for the next one.
counted_dates as (
    select
        local_date,
        now_date,
        min(case when business_minutes > 0 then local_date end)
            over (order by local_date rows between current row and unbounded following) as business_date
    from desk_dates
),

business_days as (
    select
        counted_dates.local_date,
        counted_dates.business_date,
        desk_dates.business_minutes,
        sum(case when loaded_dates.intake_date is null and counted_dates.local_date >= first_dates.first_intake_date then 1 else 0 end)
            over (partition by counted_dates.business_date) as unloaded_days
    from counted_dates
    cross join first_dates
    inner join desk_dates on counted_dates.business_date = desk_dates.local_date
    left join loaded_dates on counted_dates.local_date = loaded_dates.intake_date
    where counted_dates.business_date >= counted_dates.now_date - interval 45 day
),

worked_days as (
    select
        days.dimension,
        days.dimension_value,
        business_days.business_date,
        row_number() over (partition by days.dimension, days.dimension_value order by business_days.business_date desc) as worked_days_ago,
        sum(days.opened_cases + days.reopened_cases + days.moved_in_cases) as arrived_cases,
        sum(days.left_cases + days.cancelled_cases + days.moved_out_cases) as gone_cases,
        business_days.business_minutes
    from mart.backlog_daily as days
    inner join business_days on business_days.unloaded_days = 0 and days.calendar_date = business_days.local_date
    group by days.dimension, days.dimension_value, business_days.business_date, business_days.business_minutes
)

select
    dimension,
    dimension_value,
    business_date as calendar_date,
    cast(arrived_cases as bigint) as arrived_cases,
    cast(gone_cases as bigint) as gone_cases,
    cast(business_minutes as double) as pace_day_business_minutes
from worked_days
where worked_days_ago <= 10
