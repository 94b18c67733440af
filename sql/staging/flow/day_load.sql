-- One row is one local date of the desk's calendar.
-- Backlog at the end of a date = cases taken in by then less cases ended by then. Congestion = (opened + open backlog) / effective
-- agents; its mean runs over the 10 business days up to and including the date (docs/decisions/0009-over-everything-loaded.md).
-- Sums are of decimals: one of floating-point numbers depends on the order in which rows happen to lie.
with calendar as (
    select
        calendar_date,
        is_business_day,
        business_day_number
    from raw.calendar_dim
    where calendar = 'desk'
),

movements as (
    select
        intake_date as movement_date,
        cases as opened_cases,
        0 as ended_cases
    from staging.daily_flow

    union all

    select
        ended_date as movement_date,
        0 as opened_cases,
        cases as ended_cases
    from staging.daily_flow
    where ended_date is not null

    union all

    select
        calendar_date as movement_date,
        0 as opened_cases,
        0 as ended_cases
    from calendar
),

flow as (
    select
        movement_date,
        sum(opened_cases) as opened_cases,
        sum(ended_cases) as ended_cases
    from movements
    group by movement_date
),

backlog as (
    select
        movement_date,
        opened_cases,
        ended_cases,
        sum(opened_cases - ended_cases) over (order by movement_date) as open_backlog_cases
    from flow
),

staffing as (
    select
        staff_date,
        cast(sum(cast(planned_heads as decimal(28, 12))) as double) as planned_heads,
        cast(sum(cast(effective_heads as decimal(28, 12))) as double) as effective_heads
    from raw.staffing_schedule
    group by staff_date
),

load_of_day as (
    select
        calendar.calendar_date,
        calendar.is_business_day,
        calendar.business_day_number,
        backlog.opened_cases,
        backlog.ended_cases,
        backlog.open_backlog_cases,
        staffing.planned_heads,
        staffing.effective_heads,
        (backlog.opened_cases + backlog.open_backlog_cases) / nullif(staffing.effective_heads, 0) as congestion_index
    from calendar
    inner join backlog on calendar.calendar_date = backlog.movement_date
    left join staffing on calendar.calendar_date = staffing.staff_date
),

trailing_mean as (
    select
        days.calendar_date,
        sum(cast(business_days.congestion_index as decimal(28, 12)))
        / nullif(count(business_days.congestion_index), 0) as congestion_index_10bd_mean
    from load_of_day as days
    inner join load_of_day as business_days
        on
            business_days.is_business_day
            and business_days.business_day_number > days.business_day_number - 10
            and business_days.business_day_number <= days.business_day_number
    group by days.calendar_date
)

select
    load_of_day.calendar_date,
    load_of_day.is_business_day,
    cast(load_of_day.opened_cases as bigint) as opened_cases,
    cast(load_of_day.ended_cases as bigint) as ended_cases,
    cast(load_of_day.open_backlog_cases as bigint) as open_backlog_cases,
    cast(load_of_day.planned_heads as double) as planned_heads,
    cast(load_of_day.effective_heads as double) as effective_heads,
    cast(load_of_day.congestion_index as double) as congestion_index,
    cast(trailing_mean.congestion_index_10bd_mean as double) as congestion_index_10bd_mean
from load_of_day
left join trailing_mean on load_of_day.calendar_date = trailing_mean.calendar_date
