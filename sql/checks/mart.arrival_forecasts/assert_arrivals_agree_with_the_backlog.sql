-- Dates and queues of which another number of cases arrived than mart.backlog_daily has: what is forecast is what the backlog counts.
-- A failure means that staging.arrivals is of another load than the backlog, or counts another thing; look first at sql/staging/forecast/arrivals.sql.
with told_arrivals as (
    select
        calendar_date,
        'queue' as dimension,
        queue as dimension_value,
        sum(opened_cases + reopened_cases + moved_in_cases) as arrived_cases
    from staging.arrivals
    group by calendar_date, queue

    union all

    select
        calendar_date,
        'all' as dimension,
        'all' as dimension_value,
        sum(opened_cases + reopened_cases) as arrived_cases
    from staging.arrivals
    group by calendar_date
),

told_queues as (
    select bool_or(is_queue_told) as is_queue_told
    from mart.backlog_sources
),

-- Where no source tells queues, the backlog has none.
arrivals as (
    select
        told_arrivals.calendar_date,
        told_arrivals.dimension,
        told_arrivals.dimension_value,
        told_arrivals.arrived_cases
    from told_arrivals
    inner join mart.snapshot_instants as dates on told_arrivals.calendar_date = dates.snapshot_date
    cross join told_queues
    where
        told_arrivals.arrived_cases > 0
        and (told_arrivals.dimension = 'all' or told_queues.is_queue_told)
),

days as (
    select
        calendar_date,
        dimension,
        dimension_value,
        opened_cases + reopened_cases + moved_in_cases as arrived_cases
    from mart.backlog_daily
    where
        dimension in ('all', 'queue')
        and opened_cases + reopened_cases + moved_in_cases > 0
)

select
    coalesce(arrivals.calendar_date, days.calendar_date) as calendar_date,
    coalesce(arrivals.dimension_value, days.dimension_value) as dimension_value,
    arrivals.arrived_cases,
    days.arrived_cases as arrived_cases_of_backlog
from arrivals
full outer join days
    on arrivals.calendar_date = days.calendar_date and arrivals.dimension = days.dimension and arrivals.dimension_value = days.dimension_value
where arrivals.arrived_cases is distinct from days.arrived_cases
