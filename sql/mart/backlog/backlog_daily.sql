-- One row is one local date of the desk and value of one dimension: what came into the backlog, what left it, and what is there at its end.
-- A reopened case comes in again, for a case that has ended is no backlog until then; one that changes queue, priority or tier leaves one value and
-- enters another. So open_cases = open_cases of the date before + opened + reopened + moved in - moved out - ended - cancelled, and the
-- same of debt. Dates and values without a case or a movement have no row. Dimensions are those that a source tells of; a case without a value
-- counts under `none` (docs/decisions/0039-backlog-snapshot.md).
with instants as (
    select
        snapshot_date,
        snapshot_from_at,
        snapshot_at
    from mart.snapshot_instants
    where
        snapshot_date >= $start_date
        and snapshot_date < $end_date
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

next_business_dates as (
    select
        instants.snapshot_date,
        min(days.local_date) as next_business_date
    from instants
    inner join staging.business_time as days
        on days.calendar = 'desk' and days.is_open and days.local_date > instants.snapshot_date and days.local_date <= instants.snapshot_date + interval 31 day
    group by instants.snapshot_date
),

next_business_days as (
    select
        next_business_dates.snapshot_date,
        max(days.segment_end_at) as next_business_day_end_at
    from next_business_dates
    inner join staging.business_time as days on days.calendar = 'desk' and next_business_dates.next_business_date = days.local_date
    group by next_business_dates.snapshot_date
),

open_cases as (
    select
        cases.snapshot_date,
        cases.waits_for,
        cases.age_calendar_minutes,
        cases.age_business_minutes,
        cases.age_band,
        cases.breached_clocks > 0 as is_breached,
        cases.breached_clocks,
        coalesce(cases.next_due_at < next_business_days.next_business_day_end_at, false) as is_due_next_business_day,
        cases.debt_seconds,
        coalesce(cases.team, 'none') as queue,
        coalesce(cases.priority, 'none') as priority,
        coalesce(cases.tier, 'none') as tier,
        coalesce(cases.region, 'none') as region,
        coalesce(cases.brand, 'none') as brand,
        coalesce(cases.channel, 'none') as channel
    from mart.backlog_snapshot as cases
    left join next_business_days on cases.snapshot_date = next_business_days.snapshot_date
    where
        cases.snapshot_date >= $start_date
        and cases.snapshot_date < $end_date
),

-- By everything first: few rows to add up. What has no sums is told of the cases themselves.
counted_cases as (
    select
        snapshot_date,
        queue,
        priority,
        tier,
        region,
        brand,
        channel,
        count(*) as open_cases,
        count(*) filter (where waits_for = 'us') as active_cases,
        count(*) filter (where waits_for <> 'us') as waiting_cases,
        count(*) filter (where age_band = 'under_1_day') as age_under_1_day_cases,
        count(*) filter (where age_band = '1_to_3_days') as age_1_to_3_days_cases,
        count(*) filter (where age_band = '3_to_7_days') as age_3_to_7_days_cases,
        count(*) filter (where age_band = '7_to_30_days') as age_7_to_30_days_cases,
        count(*) filter (where age_band = 'over_30_days') as age_over_30_days_cases,
        max(age_calendar_minutes) as age_max_calendar_minutes,
        max(age_business_minutes) as age_max_business_minutes,
        count(*) filter (where is_breached) as breached_open_cases,
        sum(breached_clocks) as breached_open_clocks,
        count(*) filter (where is_due_next_business_day) as due_next_business_day_cases,
        sum(debt_seconds) as debt_seconds
    from open_cases
    group by snapshot_date, queue, priority, tier, region, brand, channel
),

standing_cases as (
    select
        snapshot_date,
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
        sum(open_cases) as open_cases,
        sum(active_cases) as active_cases,
        sum(waiting_cases) as waiting_cases,
        sum(age_under_1_day_cases) as age_under_1_day_cases,
        sum(age_1_to_3_days_cases) as age_1_to_3_days_cases,
        sum(age_3_to_7_days_cases) as age_3_to_7_days_cases,
        sum(age_7_to_30_days_cases) as age_7_to_30_days_cases,
        sum(age_over_30_days_cases) as age_over_30_days_cases,
        max(age_max_calendar_minutes) as age_max_calendar_minutes,
        max(age_max_business_minutes) as age_max_business_minutes,
        sum(breached_open_cases) as breached_open_cases,
        sum(breached_open_clocks) as breached_open_clocks,
        sum(due_next_business_day_cases) as due_next_business_day_cases,
        sum(debt_seconds) as debt_seconds
    from counted_cases
    group by
        grouping sets (
            (snapshot_date),
            (snapshot_date, queue),
            (snapshot_date, priority),
            (snapshot_date, tier),
            (snapshot_date, region),
            (snapshot_date, brand),
            (snapshot_date, channel)
        )
),

case_ages as (
    select
        snapshot_date,
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
        quantile_cont(age_calendar_minutes, [0.5, 0.9])[1] as age_p50_calendar_minutes,
        quantile_cont(age_calendar_minutes, [0.5, 0.9])[2] as age_p90_calendar_minutes,
        quantile_cont(age_business_minutes, [0.5, 0.9])[1] as age_p50_business_minutes,
        quantile_cont(age_business_minutes, [0.5, 0.9])[2] as age_p90_business_minutes
    from open_cases
    group by
        grouping sets (
            (snapshot_date),
            (snapshot_date, queue),
            (snapshot_date, priority),
            (snapshot_date, tier),
            (snapshot_date, region),
            (snapshot_date, brand),
            (snapshot_date, channel)
        )
),

-- What comes and goes among the values of queue, priority and tier.
span_movements as (
    select
        intake_date,
        case_id,
        started_date as movement_date,
        case when began_with = 'changed' then 'moved in' else began_with end as movement,
        coalesce(team, 'none') as queue,
        coalesce(priority, 'none') as priority,
        coalesce(tier, 'none') as tier,
        is_queue_kept_at_start as is_queue_kept,
        is_priority_kept_at_start as is_priority_kept,
        is_tier_kept_at_start as is_tier_kept
    from staging.backlog_spans
    where
        started_date >= $start_date
        and started_date < $end_date
        and is_open
        and not (is_queue_kept_at_start and is_priority_kept_at_start and is_tier_kept_at_start)

    union all

    select
        intake_date,
        case_id,
        ended_date as movement_date,
        case when ended_with = 'changed' then 'moved out' else ended_with end as movement,
        coalesce(team, 'none') as queue,
        coalesce(priority, 'none') as priority,
        coalesce(tier, 'none') as tier,
        is_queue_kept_at_end as is_queue_kept,
        is_priority_kept_at_end as is_priority_kept,
        is_tier_kept_at_end as is_tier_kept
    from staging.backlog_spans
    where
        ended_date >= $start_date
        and ended_date < $end_date
        and is_open
        and not (is_queue_kept_at_end and is_priority_kept_at_end and is_tier_kept_at_end)
),

case_movements as (
    select
        moves.movement_date,
        moves.movement,
        coalesce(cases.region, 'none') as region,
        coalesce(cases.brand, 'none') as brand,
        coalesce(cases.channel, 'none') as channel
    from span_movements as moves
    inner join staging.case_milestones as cases on moves.intake_date = cases.intake_date and moves.case_id = cases.case_id
    where moves.movement not in ('moved in', 'moved out')
),

moved_among_values as (
    select
        moves.movement_date,
        moves.queue,
        moves.priority,
        moves.tier,
        count(*) filter (where moves.movement = 'opened') as opened_cases,
        count(*) filter (where moves.movement = 'reopened') as reopened_cases,
        count(*) filter (where moves.movement = 'moved in' and not moves.is_queue_kept) as moved_into_queue_cases,
        count(*) filter (where moves.movement = 'moved in' and not moves.is_priority_kept) as moved_into_priority_cases,
        count(*) filter (where moves.movement = 'moved in' and not moves.is_tier_kept) as moved_into_tier_cases,
        count(*) filter (where moves.movement = 'moved out' and not moves.is_queue_kept) as moved_out_of_queue_cases,
        count(*) filter (where moves.movement = 'moved out' and not moves.is_priority_kept) as moved_out_of_priority_cases,
        count(*) filter (where moves.movement = 'moved out' and not moves.is_tier_kept) as moved_out_of_tier_cases,
        count(*) filter (where moves.movement = 'ended') as left_cases,
        count(*) filter (where moves.movement = 'cancelled') as cancelled_cases
    from span_movements as moves
    inner join instants on moves.movement_date = instants.snapshot_date
    group by moves.movement_date, moves.queue, moves.priority, moves.tier
),

moved_of_cases as (
    select
        moves.movement_date,
        moves.region,
        moves.brand,
        moves.channel,
        count(*) filter (where moves.movement = 'opened') as opened_cases,
        count(*) filter (where moves.movement = 'reopened') as reopened_cases,
        count(*) filter (where moves.movement = 'ended') as left_cases,
        count(*) filter (where moves.movement = 'cancelled') as cancelled_cases
    from case_movements as moves
    inner join instants on moves.movement_date = instants.snapshot_date
    group by moves.movement_date, moves.region, moves.brand, moves.channel
),

moved_cases as (
    select
        movement_date,
        case
            when grouping(queue) = 0 then 'queue'
            when grouping(priority) = 0 then 'priority'
            when grouping(tier) = 0 then 'tier'
            else 'all'
        end as dimension,
        coalesce(queue, priority, tier, 'all') as dimension_value,
        sum(opened_cases) as opened_cases,
        sum(reopened_cases) as reopened_cases,
        case
            when grouping(queue) = 0 then sum(moved_into_queue_cases)
            when grouping(priority) = 0 then sum(moved_into_priority_cases)
            when grouping(tier) = 0 then sum(moved_into_tier_cases)
            else 0
        end as moved_in_cases,
        case
            when grouping(queue) = 0 then sum(moved_out_of_queue_cases)
            when grouping(priority) = 0 then sum(moved_out_of_priority_cases)
            when grouping(tier) = 0 then sum(moved_out_of_tier_cases)
            else 0
        end as moved_out_cases,
        sum(left_cases) as left_cases,
        sum(cancelled_cases) as cancelled_cases
    from moved_among_values
    group by
        grouping sets (
            (movement_date),
            (movement_date, queue),
            (movement_date, priority),
            (movement_date, tier)
        )

    union all

    select
        movement_date,
        case
            when grouping(region) = 0 then 'region'
            when grouping(brand) = 0 then 'brand'
            else 'channel'
        end as dimension,
        coalesce(region, brand, channel) as dimension_value,
        sum(opened_cases) as opened_cases,
        sum(reopened_cases) as reopened_cases,
        0 as moved_in_cases,
        0 as moved_out_cases,
        sum(left_cases) as left_cases,
        sum(cancelled_cases) as cancelled_cases
    from moved_of_cases
    group by
        grouping sets (
            (movement_date, region),
            (movement_date, brand),
            (movement_date, channel)
        )
),

-- F at the start and the end of each date, in every calendar.
day_times as (
    select
        instants.snapshot_date,
        end_time.calendar,
        start_time.open_seconds_before
        + case
            when start_time.is_open then (epoch_us(instants.snapshot_from_at) - epoch_us(start_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_start,
        end_time.open_seconds_before
        + case
            when end_time.is_open then (epoch_us(instants.snapshot_at) - epoch_us(end_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_end
    from instants
    inner join staging.business_time as end_time
        on
            cast(instants.snapshot_at as date) = end_time.utc_date
            and instants.snapshot_at >= end_time.segment_start_at
            and instants.snapshot_at < end_time.segment_end_at
    inner join staging.business_time as start_time
        on
            end_time.calendar = start_time.calendar
            and cast(instants.snapshot_from_at as date) = start_time.utc_date
            and instants.snapshot_from_at >= start_time.segment_start_at
            and instants.snapshot_from_at < start_time.segment_end_at
),

-- A clock's stretch on one date: what it was beyond its target when the date's part of the stretch began, and when it ended.
debt_spans as (
    select
        instants.snapshot_date,
        coalesce(debts.team, 'none') as queue,
        coalesce(debts.priority, 'none') as priority,
        coalesce(debts.tier, 'none') as tier,
        coalesce(debts.region, 'none') as region,
        coalesce(debts.brand, 'none') as brand,
        coalesce(debts.channel, 'none') as channel,
        debts.is_kept_at_start,
        debts.is_queue_kept_at_start,
        debts.is_priority_kept_at_start,
        debts.is_tier_kept_at_start,
        debts.is_kept_at_end,
        debts.is_queue_kept_at_end,
        debts.is_priority_kept_at_end,
        debts.is_tier_kept_at_end,
        debts.started_at >= instants.snapshot_from_at as is_start_on_date,
        coalesce(debts.stopped_at < instants.snapshot_at, false) as is_end_on_date,
        debts.excess_seconds_at_start
        + case
            when debts.state <> 'running' or debts.started_at >= instants.snapshot_from_at then 0
            else day_times.open_seconds_at_start - debts.open_seconds_at_start
        end as excess_seconds_from,
        case
            when debts.stopped_at < instants.snapshot_at then debts.excess_seconds_at_stop
            when debts.state <> 'running' then debts.excess_seconds_at_start
            else debts.excess_seconds_at_start + day_times.open_seconds_at_end - debts.open_seconds_at_start
        end as excess_seconds_to
    from instants
    inner join staging.backlog_debts as debts
        on debts.started_at < instants.snapshot_at and (debts.stopped_at is null or debts.stopped_at >= instants.snapshot_from_at)
    left join day_times on instants.snapshot_date = day_times.snapshot_date and debts.calendar = day_times.calendar
),

debt_movements as (
    select
        *,
        case when excess_seconds_from > 0 then excess_seconds_from else 0 end as debt_seconds_from,
        case when excess_seconds_to > 0 then excess_seconds_to else 0 end as debt_seconds_to
    from debt_spans
),

-- By everything first, as cases are.
counted_debts as (
    select
        snapshot_date,
        queue,
        priority,
        tier,
        region,
        brand,
        channel,
        sum(debt_seconds_to - debt_seconds_from + case when is_start_on_date and not is_kept_at_start then debt_seconds_from else 0 end)
            as debt_accrued_seconds,
        sum(case when is_end_on_date and not is_kept_at_end then debt_seconds_to else 0 end) as debt_repaid_seconds,
        sum(case when is_start_on_date and is_kept_at_start and not is_queue_kept_at_start then debt_seconds_from else 0 end) as moved_into_queue_seconds,
        sum(case when is_start_on_date and is_kept_at_start and not is_priority_kept_at_start then debt_seconds_from else 0 end)
            as moved_into_priority_seconds,
        sum(case when is_start_on_date and is_kept_at_start and not is_tier_kept_at_start then debt_seconds_from else 0 end) as moved_into_tier_seconds,
        sum(case when is_end_on_date and is_kept_at_end and not is_queue_kept_at_end then debt_seconds_to else 0 end) as moved_out_of_queue_seconds,
        sum(case when is_end_on_date and is_kept_at_end and not is_priority_kept_at_end then debt_seconds_to else 0 end) as moved_out_of_priority_seconds,
        sum(case when is_end_on_date and is_kept_at_end and not is_tier_kept_at_end then debt_seconds_to else 0 end) as moved_out_of_tier_seconds
    from debt_movements
    group by snapshot_date, queue, priority, tier, region, brand, channel
),

moved_debts as (
    select
        snapshot_date,
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
        sum(debt_accrued_seconds) as debt_accrued_seconds,
        sum(debt_repaid_seconds) as debt_repaid_seconds,
        case
            when grouping(queue) = 0 then sum(moved_into_queue_seconds)
            when grouping(priority) = 0 then sum(moved_into_priority_seconds)
            when grouping(tier) = 0 then sum(moved_into_tier_seconds)
            else 0
        end as debt_moved_in_seconds,
        case
            when grouping(queue) = 0 then sum(moved_out_of_queue_seconds)
            when grouping(priority) = 0 then sum(moved_out_of_priority_seconds)
            when grouping(tier) = 0 then sum(moved_out_of_tier_seconds)
            else 0
        end as debt_moved_out_seconds
    from counted_debts
    group by
        grouping sets (
            (snapshot_date),
            (snapshot_date, queue),
            (snapshot_date, priority),
            (snapshot_date, tier),
            (snapshot_date, region),
            (snapshot_date, brand),
            (snapshot_date, channel)
        )
),

day_values as (
    select
        snapshot_date as calendar_date,
        dimension,
        dimension_value
    from standing_cases

    union

    select
        movement_date as calendar_date,
        dimension,
        dimension_value
    from moved_cases

    union

    select
        snapshot_date as calendar_date,
        dimension,
        dimension_value
    from moved_debts
)

select
    day_values.calendar_date,
    day_values.dimension,
    day_values.dimension_value,
    cast(coalesce(moved_cases.opened_cases, 0) as bigint) as opened_cases,
    cast(coalesce(moved_cases.reopened_cases, 0) as bigint) as reopened_cases,
    cast(coalesce(moved_cases.moved_in_cases, 0) as bigint) as moved_in_cases,
    cast(coalesce(moved_cases.moved_out_cases, 0) as bigint) as moved_out_cases,
    cast(coalesce(moved_cases.left_cases, 0) as bigint) as left_cases,
    cast(coalesce(moved_cases.cancelled_cases, 0) as bigint) as cancelled_cases,
    cast(coalesce(standing_cases.open_cases, 0) as bigint) as open_cases,
    cast(case when told_dimensions.is_status_told then coalesce(standing_cases.active_cases, 0) end as bigint) as active_cases,
    cast(case when told_dimensions.is_status_told then coalesce(standing_cases.waiting_cases, 0) end as bigint) as waiting_cases,
    cast(coalesce(standing_cases.age_under_1_day_cases, 0) as bigint) as age_under_1_day_cases,
    cast(coalesce(standing_cases.age_1_to_3_days_cases, 0) as bigint) as age_1_to_3_days_cases,
    cast(coalesce(standing_cases.age_3_to_7_days_cases, 0) as bigint) as age_3_to_7_days_cases,
    cast(coalesce(standing_cases.age_7_to_30_days_cases, 0) as bigint) as age_7_to_30_days_cases,
    cast(coalesce(standing_cases.age_over_30_days_cases, 0) as bigint) as age_over_30_days_cases,
    cast(case_ages.age_p50_calendar_minutes as double) as age_p50_calendar_minutes,
    cast(case_ages.age_p90_calendar_minutes as double) as age_p90_calendar_minutes,
    cast(standing_cases.age_max_calendar_minutes as double) as age_max_calendar_minutes,
    cast(case_ages.age_p50_business_minutes as double) as age_p50_business_minutes,
    cast(case_ages.age_p90_business_minutes as double) as age_p90_business_minutes,
    cast(standing_cases.age_max_business_minutes as double) as age_max_business_minutes,
    cast(coalesce(standing_cases.breached_open_cases, 0) as bigint) as breached_open_cases,
    cast(coalesce(standing_cases.breached_open_clocks, 0) as bigint) as breached_open_clocks,
    cast(coalesce(standing_cases.due_next_business_day_cases, 0) as bigint) as due_next_business_day_cases,
    cast(coalesce(moved_debts.debt_accrued_seconds, 0) as bigint) as debt_accrued_seconds,
    cast(coalesce(moved_debts.debt_repaid_seconds, 0) as bigint) as debt_repaid_seconds,
    cast(coalesce(moved_debts.debt_moved_in_seconds, 0) as bigint) as debt_moved_in_seconds,
    cast(coalesce(moved_debts.debt_moved_out_seconds, 0) as bigint) as debt_moved_out_seconds,
    cast(coalesce(standing_cases.debt_seconds, 0) as bigint) as debt_seconds
from day_values
cross join told_dimensions
left join standing_cases
    on
        day_values.calendar_date = standing_cases.snapshot_date
        and day_values.dimension = standing_cases.dimension
        and day_values.dimension_value = standing_cases.dimension_value
left join case_ages
    on
        day_values.calendar_date = case_ages.snapshot_date
        and day_values.dimension = case_ages.dimension
        and day_values.dimension_value = case_ages.dimension_value
left join moved_cases
    on
        day_values.calendar_date = moved_cases.movement_date
        and day_values.dimension = moved_cases.dimension
        and day_values.dimension_value = moved_cases.dimension_value
left join moved_debts
    on
        day_values.calendar_date = moved_debts.snapshot_date
        and day_values.dimension = moved_debts.dimension
        and day_values.dimension_value = moved_debts.dimension_value
where
    day_values.dimension = 'all'
    or (day_values.dimension = 'queue' and told_dimensions.is_queue_told)
    or (day_values.dimension = 'priority' and told_dimensions.is_priority_told)
    or (day_values.dimension = 'tier' and told_dimensions.is_tier_told)
    or (day_values.dimension = 'region' and told_dimensions.is_region_told)
    or (day_values.dimension = 'brand' and told_dimensions.is_brand_told)
    or (day_values.dimension = 'channel' and told_dimensions.is_channel_told)
