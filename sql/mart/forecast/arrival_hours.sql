-- One row is one hour of the day, on business days or on other days, and value of one dimension: how many of a day's arrivals come in it.
-- Over the last 56 local dates that are over by now and loaded. Hours count from the local midnight: where clocks change, those of that one date lie an hour off
-- after the change. Hours without an arrival have no row. Dimensions and arrivals as in mart.backlog_daily (docs/decisions/0042-forecast.md).
with recent_dates as (
    select
        instants.snapshot_date,
        instants.snapshot_from_at,
        coalesce(open_dates.is_business_day, false) as is_business_day
    from mart.snapshot_instants as instants
    inner join mart.desk_now as desk_now on instants.snapshot_date >= desk_now.now_date - interval 56 day and instants.snapshot_date < desk_now.now_date
    inner join (select distinct intake_date from ops.partition_as_of) as loaded_dates on instants.snapshot_date = loaded_dates.intake_date
    left join (
        select
            local_date,
            bool_or(is_open) as is_business_day
        from staging.business_time
        where calendar = 'desk'
        group by local_date
    ) as open_dates on instants.snapshot_date = open_dates.local_date
),

first_dates as (
    select min(snapshot_from_at) as first_from_at
    from recent_dates
),

told_queues as (
    select bool_or(is_queue_told) as is_queue_told
    from mart.backlog_sources
),

arrivals as (
    select
        recent_dates.is_business_day,
        (epoch_us(spans.started_at) - epoch_us(recent_dates.snapshot_from_at)) // 3600000000 as hour_of_day,
        coalesce(spans.team, 'none') as queue,
        count(*) as arrived_cases,
        count(*) filter (where spans.began_with <> 'changed') as arrived_cases_of_desk
    from staging.backlog_spans as spans
    inner join first_dates on spans.started_at >= first_dates.first_from_at
    inner join recent_dates on spans.started_date = recent_dates.snapshot_date
    where
        spans.is_open
        and not spans.is_queue_kept_at_start
    group by
        recent_dates.is_business_day,
        (epoch_us(spans.started_at) - epoch_us(recent_dates.snapshot_from_at)) // 3600000000,
        coalesce(spans.team, 'none')
),

hours as (
    select
        'all' as dimension,
        'all' as dimension_value,
        is_business_day,
        hour_of_day,
        sum(arrived_cases_of_desk) as arrived_cases
    from arrivals
    group by is_business_day, hour_of_day

    union all

    select
        'queue' as dimension,
        arrivals.queue as dimension_value,
        arrivals.is_business_day,
        arrivals.hour_of_day,
        arrivals.arrived_cases
    from arrivals
    cross join told_queues
    where told_queues.is_queue_told
),

days as (
    select
        dimension,
        dimension_value,
        is_business_day,
        sum(arrived_cases) as arrived_cases
    from hours
    group by dimension, dimension_value, is_business_day
)

select
    hours.dimension,
    hours.dimension_value,
    hours.is_business_day,
    cast(hours.hour_of_day as bigint) as hour_of_day,
    cast(hours.arrived_cases as bigint) as arrived_cases,
    cast(100.0 * hours.arrived_cases / nullif(days.arrived_cases, 0) as double) as share_of_day_pct
from hours
inner join days
    on
        hours.dimension = days.dimension
        and hours.dimension_value = days.dimension_value
        and hours.is_business_day = days.is_business_day
where hours.arrived_cases > 0
