-- One row is one of the last 10 business days before today on which a value of a dimension had work: what came in and left on it, and its open minutes.
-- What pace rests on, wherever one is told: idle days would understate what a queue gets done. A day counts with a case or a movement; cases come in by intake,
-- reopening or a move, and leave by their end, cancellation or a move, at any time of the day (docs/decisions/0040-error-budget-and-now.md).
with business_days as (
    select
        days.local_date,
        sum((epoch_us(days.segment_end_at) - epoch_us(days.segment_start_at)) // 1000000) / 60.0 as business_minutes
    from staging.business_time as days
    inner join mart.desk_now as desk_now on days.local_date >= desk_now.now_date - interval 45 day and days.local_date < desk_now.now_date
    where
        days.calendar = 'desk'
        and days.is_open
    group by days.local_date
),

worked_days as (
    select
        days.dimension,
        days.dimension_value,
        days.calendar_date,
        row_number() over (partition by days.dimension, days.dimension_value order by days.calendar_date desc) as worked_days_ago,
        days.opened_cases + days.reopened_cases + days.moved_in_cases as arrived_cases,
        days.left_cases + days.cancelled_cases + days.moved_out_cases as gone_cases,
        business_days.business_minutes
    from mart.backlog_daily as days
    inner join business_days on days.calendar_date = business_days.local_date
)

select
    dimension,
    dimension_value,
    calendar_date,
    cast(arrived_cases as bigint) as arrived_cases,
    cast(gone_cases as bigint) as gone_cases,
    cast(business_minutes as double) as pace_day_business_minutes
from worked_days
where worked_days_ago <= 10
