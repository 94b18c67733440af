-- One row is one local date and value of one dimension: the backlog, its pace, and the pace that it would take.
-- Paces are means of the last 10 business days up to and including the date, each with the dates without open hours before it, as in mart.pace_days, idle ones included: what comes in
-- (opened, reopened, moved in), what goes (ended, cancelled, moved out). At the present pace the backlog is gone after open cases / (goes - comes) business days; where no
-- more goes than comes it does not shrink, and no number of days is told. Required:
-- what would have to go a business day so that in 5 of them the breached open cases are gone and what comes in is kept up with
-- A pace over a date that is not loaded is none: what came in then and has left since is not known
-- (docs/decisions/0040-error-budget-and-now.md).
with days as (
    select
        days.calendar_date,
        days.dimension,
        days.dimension_value,
        days.opened_cases + days.reopened_cases + days.moved_in_cases as arrived_cases,
        days.left_cases + days.cancelled_cases + days.moved_out_cases as gone_cases,
        days.open_cases,
        days.breached_open_cases,
        days.debt_seconds
    from mart.backlog_daily as days
),

desk_dates as (
    select
        instants.snapshot_date,
        max(case when segments.is_open then 1 else 0 end) as business_days
    from mart.snapshot_instants as instants
    inner join staging.business_time as segments on segments.calendar = 'desk' and instants.snapshot_date = segments.local_date
    group by instants.snapshot_date
),

numbered_dates as (
    select
        snapshot_date,
        sum(business_days) over (order by snapshot_date) as business_day_number,
        -- What moves on a date without open hours counts to the business day after.
        sum(business_days) over (order by snapshot_date) + 1 - business_days as counted_day_number
    from desk_dates
),

paced_days as (
    select
        days.calendar_date,
        days.dimension,
        days.dimension_value,
        days.arrived_cases,
        days.gone_cases,
        numbered_dates.business_day_number,
        numbered_dates.counted_day_number
    from days
    inner join numbered_dates on days.calendar_date = numbered_dates.snapshot_date
),

-- Of the 10 business days up to a date, how many dates are not loaded.
unloaded_days as (
    select
        days.snapshot_date,
        count(past_days.snapshot_date) as unloaded_dates
    from numbered_dates as days
    left join (
        select
            dates.snapshot_date,
            dates.counted_day_number
        from numbered_dates as dates
        left join (select distinct intake_date from ops.partition_as_of) as loads on dates.snapshot_date = loads.intake_date
        where loads.intake_date is null
    ) as past_days
        on
            past_days.counted_day_number > days.business_day_number - 10
            and past_days.counted_day_number <= days.business_day_number
    group by days.snapshot_date
),

business_days as (
    select
        dimension,
        dimension_value,
        counted_day_number,
        sum(arrived_cases) as arrived_cases,
        sum(gone_cases) as gone_cases
    from paced_days
    group by dimension, dimension_value, counted_day_number
),

paces as (
    select
        days.calendar_date,
        days.dimension,
        days.dimension_value,
        sum(coalesce(past_days.arrived_cases, 0)) as arrived_cases,
        sum(coalesce(past_days.gone_cases, 0)) as gone_cases,
        max(case when unloaded_days.unloaded_dates > 0 then null when days.business_day_number < 10 then days.business_day_number else 10 end) as business_days
    from paced_days as days
    inner join unloaded_days on days.calendar_date = unloaded_days.snapshot_date
    left join business_days as past_days
        on
            days.dimension = past_days.dimension
            and days.dimension_value = past_days.dimension_value
            and past_days.counted_day_number > days.business_day_number - 10
            and past_days.counted_day_number <= days.business_day_number
    group by days.calendar_date, days.dimension, days.dimension_value
),

measured_days as (
    select
        days.calendar_date,
        days.dimension,
        days.dimension_value,
        days.open_cases,
        days.arrived_cases,
        days.gone_cases,
        days.breached_open_cases,
        days.debt_seconds,
        paces.arrived_cases / nullif(paces.business_days, 0) as arriving_cases_per_business_day,
        paces.gone_cases / nullif(paces.business_days, 0) as leaving_cases_per_business_day
    from days
    inner join paces
        on
            days.calendar_date = paces.calendar_date
            and days.dimension = paces.dimension
            and days.dimension_value = paces.dimension_value
)

select
    calendar_date,
    dimension,
    dimension_value,
    open_cases,
    cast(arrived_cases as bigint) as arrived_cases,
    cast(gone_cases as bigint) as gone_cases,
    breached_open_cases,
    debt_seconds,
    cast(arriving_cases_per_business_day as double) as arriving_cases_per_business_day,
    cast(leaving_cases_per_business_day as double) as leaving_cases_per_business_day,
    cast(
        case
            when open_cases = 0 then 0
            when leaving_cases_per_business_day > arriving_cases_per_business_day
                then open_cases / nullif(leaving_cases_per_business_day - arriving_cases_per_business_day, 0)
        end as double
    ) as cleared_after_business_days,
    cast(arriving_cases_per_business_day + breached_open_cases / 5.0 as double) as required_cases_per_business_day
from measured_days
