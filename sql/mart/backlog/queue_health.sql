-- One row is one value of one dimension: how its open cases stand now, and how long it takes until none is past due.
-- Pace: all cases that left the value, by the open minutes of its pace days (mart.pace_days). Fluid lower bound of the minutes to green, as if everybody worked on what is past due first:
-- breached open cases / (pace - cases that fall due in an open minute until the end of the next business day); where that is later, what is past due now and
-- what falls due until then has to leave, and of what falls due afterwards nothing is counted, for nobody knows it. The desk is green once every queue is: where
-- its slowest queue takes longer than the desk as one pool would, that queue's figure stands for the desk. green: none past due; amber: green within
-- one business day; red: later or unknown (docs/decisions/0040-error-budget-and-now.md).
with now_instant as (
    select
        now_at,
        now_date
    from mart.desk_now
),

told_dimensions as (
    select
        bool_or(is_status_told) as is_status_told,
        bool_or(is_queue_told) as is_queue_told,
        bool_or(is_priority_told) as is_priority_told,
        bool_or(is_tier_told) as is_tier_told,
        bool_or(is_region_told) as is_region_told,
        bool_or(is_brand_told) as is_brand_told,
        bool_or(is_channel_told) as is_channel_told
    from mart.backlog_sources
),

business_days as (
    select
        days.local_date,
        sum((epoch_us(days.segment_end_at) - epoch_us(days.segment_start_at)) // 1000000) / 60.0 as business_minutes
    from staging.business_time as days
    inner join now_instant
        on days.local_date >= now_instant.now_date - interval 45 day and days.local_date < now_instant.now_date + interval 45 day
    where
        days.calendar = 'desk'
        and days.is_open
    group by days.local_date
),

-- The last 10 business days before today, with the closed dates before each.
recent_business_days as (
    select
        business_days.local_date,
        row_number() over (order by business_days.local_date desc) as days_ago
    from business_days
    inner join now_instant on business_days.local_date < now_instant.now_date
),

recent_days as (
    select
        max(local_date) as last_date,
        coalesce(max(case when days_ago = 11 then local_date end), min(local_date)) as before_date
    from recent_business_days
),

loaded_dates as (
    select distinct intake_date
    from ops.partition_as_of
),

first_dates as (
    select min(intake_date) as first_intake_date
    from loaded_dates
),

missing_days as (
    select count(distinct days.local_date) as unloaded_days
    from staging.business_time as days
    inner join recent_days on days.local_date > recent_days.before_date and days.local_date <= recent_days.last_date
    inner join first_dates on days.local_date >= first_dates.first_intake_date
    left join loaded_dates on days.local_date = loaded_dates.intake_date
    where
        days.calendar = 'desk'
        and loaded_dates.intake_date is null
),

next_business_dates as (
    select min(business_days.local_date) as next_business_date
    from business_days
    inner join now_instant on business_days.local_date > now_instant.now_date
),

-- The next business day, and the open time from now to its end.
next_business_days as (
    select
        next_business_dates.next_business_date,
        business_days.business_minutes as next_day_business_minutes,
        max(segments.segment_end_at) as next_business_day_end_at,
        sum(
            case
                when not segments.is_open or segments.segment_end_at <= now_instant.now_at then 0
                when segments.segment_start_at < now_instant.now_at then epoch_us(segments.segment_end_at) - epoch_us(now_instant.now_at)
                else epoch_us(segments.segment_end_at) - epoch_us(segments.segment_start_at)
            end
        ) / 60000000.0 as due_business_minutes
    from next_business_dates
    cross join now_instant
    inner join business_days on next_business_dates.next_business_date = business_days.local_date
    inner join staging.business_time as segments
        on
            segments.calendar = 'desk'
            and segments.local_date >= now_instant.now_date
            and next_business_dates.next_business_date >= segments.local_date
    group by next_business_dates.next_business_date, business_days.business_minutes
),

open_cases as (
    select
        cases.waits_for,
        cases.age_calendar_minutes,
        cases.age_business_minutes,
        cases.breached_clocks,
        cases.debt_seconds,
        cases.next_due_at,
        cases.is_due_in_2_hours,
        coalesce(cases.next_due_at < next_business_days.next_business_day_end_at, false) as is_due_next_business_day,
        coalesce(cases.team, 'none') as queue,
        coalesce(cases.priority, 'none') as priority,
        coalesce(cases.tier, 'none') as tier,
        coalesce(cases.region, 'none') as region,
        coalesce(cases.brand, 'none') as brand,
        coalesce(cases.channel, 'none') as channel
    from mart.backlog_now as cases
    cross join now_instant
    left join next_business_days on next_business_days.next_business_date > now_instant.now_date
),

standing_cases as (
    select
        case
            when grouping(queue) = 0 then 'queue'
            when grouping(priority) = 0 then 'priority'
            when grouping(tier) = 0 then 'tier'
            when grouping(region) = 0 then 'region'
            when grouping(brand) = 0 then 'brand'
            when grouping(channel) = 0 then 'channel'
            else 'all'
        end as dimension,
        coalesce(queue, priority, tier, region, brand, channel, 'all') as dimension_value,
        count(*) as open_cases,
        count(*) filter (where waits_for = 'us') as active_cases,
        count(*) filter (where waits_for <> 'us') as waiting_cases,
        count(*) filter (where breached_clocks > 0) as breached_open_cases,
        sum(breached_clocks) as breached_open_clocks,
        sum(debt_seconds) as debt_seconds,
        count(*) filter (where is_due_in_2_hours) as due_in_2_hours_cases,
        count(*) filter (where is_due_next_business_day) as due_next_business_day_cases,
        count(*) filter (where is_due_next_business_day and breached_clocks = 0) as falling_due_cases,
        min(next_due_at) as next_due_at,
        quantile_cont(age_calendar_minutes, [0.5, 0.9])[1] as age_p50_calendar_minutes,
        quantile_cont(age_calendar_minutes, [0.5, 0.9])[2] as age_p90_calendar_minutes,
        max(age_calendar_minutes) as age_max_calendar_minutes,
        max(age_business_minutes) as age_max_business_minutes
    from open_cases
    group by
        grouping sets (
            (),
            (queue),
            (priority),
            (tier),
            (region),
            (brand),
            (channel)
        )
),

paces as (
    select
        dimension,
        dimension_value,
        count(*) as worked_days,
        sum(arrived_cases) as arrived_cases,
        sum(gone_cases) as left_cases,
        sum(pace_day_business_minutes) as business_minutes
    from mart.pace_days
    group by dimension, dimension_value
),

health_values as (
    select
        dimension,
        dimension_value
    from standing_cases

    union

    select
        dimension,
        dimension_value
    from paces
),

measured_values as (
    select
        health_values.dimension,
        health_values.dimension_value,
        coalesce(standing_cases.open_cases, 0) as open_cases,
        coalesce(standing_cases.active_cases, 0) as active_cases,
        coalesce(standing_cases.waiting_cases, 0) as waiting_cases,
        coalesce(standing_cases.breached_open_cases, 0) as breached_open_cases,
        coalesce(standing_cases.breached_open_clocks, 0) as breached_open_clocks,
        coalesce(standing_cases.debt_seconds, 0) as debt_seconds,
        coalesce(standing_cases.due_in_2_hours_cases, 0) as due_in_2_hours_cases,
        coalesce(standing_cases.due_next_business_day_cases, 0) as due_next_business_day_cases,
        standing_cases.next_due_at,
        standing_cases.age_p50_calendar_minutes,
        standing_cases.age_p90_calendar_minutes,
        standing_cases.age_max_calendar_minutes,
        standing_cases.age_max_business_minutes,
        coalesce(paces.worked_days, 0) as worked_days,
        60.0 * paces.arrived_cases / nullif(paces.business_minutes, 0) as arrived_cases_per_business_hour,
        60.0 * paces.left_cases / nullif(paces.business_minutes, 0) as left_cases_per_business_hour,
        60.0 * coalesce(standing_cases.falling_due_cases, 0) / nullif(next_business_days.due_business_minutes, 0) as due_cases_per_business_hour,
        coalesce(standing_cases.falling_due_cases, 0) as falling_due_cases,
        next_business_days.due_business_minutes,
        next_business_days.next_day_business_minutes,
        missing_days.unloaded_days
    from health_values
    cross join missing_days
    left join standing_cases
        on health_values.dimension = standing_cases.dimension and health_values.dimension_value = standing_cases.dimension_value
    left join paces on health_values.dimension = paces.dimension and health_values.dimension_value = paces.dimension_value
    left join next_business_days on next_business_days.next_day_business_minutes > 0
),

forecast_values as (
    select
        *,
        60.0 * breached_open_cases / nullif(left_cases_per_business_hour, 0) as debt_work_business_minutes,
        case
            when breached_open_cases = 0 then 0
            when due_cases_per_business_hour is null then null
            -- All of both has left before the end of the next business day.
            when 60.0 * (breached_open_cases + falling_due_cases) < left_cases_per_business_hour * due_business_minutes
                then 60.0 * breached_open_cases / nullif(left_cases_per_business_hour - due_cases_per_business_hour, 0)
            else 60.0 * (breached_open_cases + falling_due_cases) / nullif(left_cases_per_business_hour, 0)
        end as to_green_business_minutes,
        case
            when breached_open_cases = 0 then 'green now'
            when coalesce(left_cases_per_business_hour, 0) = 0 and unloaded_days > 0
                then
                    'no case is known to have left in the last 10 business days ('
                    || cast(unloaded_days as varchar)
                    || case when unloaded_days = 1 then ' date of them is' else ' dates of them are' end
                    || ' not loaded): pace unknown'
            when left_cases_per_business_hour is null or left_cases_per_business_hour = 0 then 'no case left in the business days before: pace unknown'
            when due_cases_per_business_hour is null then 'no business day ahead in the calendar'
            else 'at this pace'
        end as to_green_reason
    from measured_values
),

-- Queues in which something is past due: unknown takes longer than any number of minutes.
slow_queues as (
    select
        dimension_value as queue,
        to_green_business_minutes,
        to_green_reason,
        sum(case when to_green_business_minutes is null then 1 else 0 end) over () as unknown_queues,
        max(to_green_business_minutes) over () as others_green_business_minutes,
        row_number() over (order by to_green_business_minutes desc nulls first, breached_open_cases desc, dimension_value) as slowness_rank
    from forecast_values
    where
        dimension = 'queue'
        and breached_open_cases > 0
),

-- Where nobody knows of some: of how many, and when the others are green.
slowest_queues as (
    select
        'all' as dimension,
        slow_queues.to_green_business_minutes,
        case
            when slow_queues.to_green_business_minutes is not null and slow_queues.queue = 'none' then 'at the pace of the cases with no queue told, the slowest'
            when slow_queues.to_green_business_minutes is not null then 'at the pace of queue ' || slow_queues.queue || ', the slowest'
            else
                case when slow_queues.queue = 'none' then 'no queue told' else 'queue ' || slow_queues.queue end
                || case when slow_queues.unknown_queues > 1 then ' (and ' || cast(slow_queues.unknown_queues - 1 as varchar) || ' more)' else '' end
                || ': '
                || slow_queues.to_green_reason
                || case
                    when slow_queues.others_green_business_minutes is null then '; all others green now'
                    else
                        '; all but '
                        || cast(slow_queues.unknown_queues as varchar)
                        || case when slow_queues.unknown_queues = 1 then ' queue: ' else ' queues: ' end
                        || cast(cast(round(slow_queues.others_green_business_minutes) as bigint) as varchar)
                        || ' min'
                end
        end as to_green_reason
    from slow_queues
    cross join told_dimensions
    where
        slow_queues.slowness_rank = 1
        and told_dimensions.is_queue_told
),

-- What nobody knows of the desk as one pool nobody knows by queues either.
green_values as (
    select
        forecast_values.*,
        case
            when slowest_queues.dimension is not null and slowest_queues.to_green_business_minutes is null then null
            when slowest_queues.to_green_business_minutes > forecast_values.to_green_business_minutes then slowest_queues.to_green_business_minutes
            else forecast_values.to_green_business_minutes
        end as until_green_business_minutes,
        case
            when forecast_values.to_green_business_minutes is null then forecast_values.to_green_reason
            when slowest_queues.dimension is not null and slowest_queues.to_green_business_minutes is null then slowest_queues.to_green_reason
            when slowest_queues.to_green_business_minutes > forecast_values.to_green_business_minutes then slowest_queues.to_green_reason
            else forecast_values.to_green_reason
        end as until_green_reason
    from forecast_values
    left join slowest_queues on forecast_values.dimension = slowest_queues.dimension
)

select
    cast(now_instant.now_at as timestamp) as now_at,
    green_values.dimension,
    green_values.dimension_value,
    cast(green_values.open_cases as bigint) as open_cases,
    cast(case when told_dimensions.is_status_told then green_values.active_cases end as bigint) as active_cases,
    cast(case when told_dimensions.is_status_told then green_values.waiting_cases end as bigint) as waiting_cases,
    cast(green_values.breached_open_cases as bigint) as breached_open_cases,
    cast(green_values.breached_open_clocks as bigint) as breached_open_clocks,
    cast(green_values.debt_seconds as bigint) as debt_seconds,
    cast(green_values.due_in_2_hours_cases as bigint) as due_in_2_hours_cases,
    cast(green_values.due_next_business_day_cases as bigint) as due_next_business_day_cases,
    cast(green_values.next_due_at as timestamp) as next_due_at,
    cast(green_values.age_p50_calendar_minutes as double) as age_p50_calendar_minutes,
    cast(green_values.age_p90_calendar_minutes as double) as age_p90_calendar_minutes,
    cast(green_values.age_max_calendar_minutes as double) as age_max_calendar_minutes,
    cast(green_values.age_max_business_minutes as double) as age_max_business_minutes,
    cast(green_values.worked_days as bigint) as worked_days,
    cast(green_values.unloaded_days as bigint) as unloaded_days,
    cast(green_values.arrived_cases_per_business_hour as double) as arrived_cases_per_business_hour,
    cast(green_values.left_cases_per_business_hour as double) as left_cases_per_business_hour,
    cast(green_values.due_cases_per_business_hour as double) as due_cases_per_business_hour,
    cast(green_values.debt_work_business_minutes as double) as debt_work_business_minutes,
    cast(green_values.until_green_business_minutes as double) as to_green_business_minutes,
    green_values.until_green_reason as to_green_reason,
    case
        when green_values.breached_open_cases = 0 then 'green'
        when green_values.until_green_business_minutes <= green_values.next_day_business_minutes then 'amber'
        else 'red'
    end as health
from green_values
cross join now_instant
cross join told_dimensions
where
    green_values.dimension = 'all'
    or (green_values.dimension = 'queue' and told_dimensions.is_queue_told)
    or (green_values.dimension = 'priority' and told_dimensions.is_priority_told)
    or (green_values.dimension = 'tier' and told_dimensions.is_tier_told)
    or (green_values.dimension = 'region' and told_dimensions.is_region_told)
    or (green_values.dimension = 'brand' and told_dimensions.is_brand_told)
    or (green_values.dimension = 'channel' and told_dimensions.is_channel_told)
