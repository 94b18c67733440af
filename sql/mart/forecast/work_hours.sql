-- One row is one open hour of the desk within the last 56 local dates, and value of one dimension: what was waiting, and what left.
-- Hours are hours of open time (staging.business_hours_dim), each counted to the local date on which it begins. Waiting: open cases that wait for us, all open cases
-- where no source tells what they wait for; what changes outside open hours is part of what waits at the start of the next one. Left: ended, cancelled,
-- moved on. Heads: the schedule's effective heads for the desk as a whole, where a source knows them; else, estimated, the agents that let
-- a case go on the date, each shared among the queues by what was let go of them. NULL: nobody tells (docs/decisions/0042-forecast.md).
with recent_dates as (
    select
        instants.snapshot_date,
        instants.snapshot_from_at
    from mart.snapshot_instants as instants
    inner join mart.desk_now as desk_now on instants.snapshot_date >= desk_now.now_date - interval 56 day and instants.snapshot_date < desk_now.now_date
),

window_bounds as (
    select min(snapshot_from_at) as first_from_at
    from recent_dates
    having count(*) > 0
),

loaded_dates as (
    select distinct intake_date
    from ops.partition_as_of
),

told_queues as (
    select bool_or(is_queue_told) as is_queue_told
    from mart.backlog_sources
),

recent_time as (
    select
        desk_time.local_date,
        desk_time.segment_start_at,
        desk_time.segment_end_at,
        desk_time.is_open,
        desk_time.open_seconds_before
    from staging.business_time as desk_time
    inner join recent_dates on desk_time.local_date = recent_dates.snapshot_date
    where desk_time.calendar = 'desk'
),

-- The hours of open time, by the date on which they begin.
open_hours as (
    select
        hours.open_hour_number,
        min(recent_time.local_date) as calendar_date
    from staging.business_hours_dim as hours
    inner join recent_time on hours.segment_start_at >= recent_time.segment_start_at and hours.segment_start_at < recent_time.segment_end_at
    where
        hours.calendar = 'desk'
    group by hours.open_hour_number
),

-- By local date and segment at once: spans of other dates are not looked at. Starts and ends each by themselves, for both together would have to be held.
hourly_starts as (
    select
        coalesce(spans.team, 'none') as queue,
        recent_time.is_open,
        (
            recent_time.open_seconds_before
            + case when recent_time.is_open then (epoch_us(spans.started_at) - epoch_us(recent_time.segment_start_at)) // 1000000 else 0 end
        ) // 3600 as open_hour_number,
        count(*) as waiting_cases
    from staging.backlog_spans as spans
    inner join recent_time
        on
            spans.started_date = recent_time.local_date
            and spans.started_at >= recent_time.segment_start_at
            and spans.started_at < recent_time.segment_end_at
    where
        spans.is_open
        and coalesce(spans.waits_for, 'us') = 'us'
    group by
        coalesce(spans.team, 'none'),
        recent_time.is_open,
        (
            recent_time.open_seconds_before
            + case when recent_time.is_open then (epoch_us(spans.started_at) - epoch_us(recent_time.segment_start_at)) // 1000000 else 0 end
        ) // 3600
),

hourly_ends as (
    select
        coalesce(spans.team, 'none') as queue,
        recent_time.is_open,
        (
            recent_time.open_seconds_before
            + case when recent_time.is_open then (epoch_us(spans.ended_at) - epoch_us(recent_time.segment_start_at)) // 1000000 else 0 end
        ) // 3600 as open_hour_number,
        count(*) filter (where coalesce(spans.waits_for, 'us') = 'us') as waiting_cases,
        count(*) filter (where not spans.is_queue_kept_at_end) as left_queue_cases,
        count(*) filter (where spans.ended_with <> 'changed') as left_desk_cases
    from staging.backlog_spans as spans
    inner join recent_time
        on
            spans.ended_date = recent_time.local_date
            and spans.ended_at >= recent_time.segment_start_at
            and spans.ended_at < recent_time.segment_end_at
    where
        spans.is_open
        and (coalesce(spans.waits_for, 'us') = 'us' or not spans.is_queue_kept_at_end)
    group by
        coalesce(spans.team, 'none'),
        recent_time.is_open,
        (
            recent_time.open_seconds_before
            + case when recent_time.is_open then (epoch_us(spans.ended_at) - epoch_us(recent_time.segment_start_at)) // 1000000 else 0 end
        ) // 3600
),

movements as (
    select
        queue,
        is_open,
        open_hour_number,
        waiting_cases,
        0 as left_queue_cases,
        0 as left_desk_cases
    from hourly_starts

    union all

    select
        queue,
        is_open,
        open_hour_number,
        -waiting_cases as waiting_cases,
        left_queue_cases,
        left_desk_cases
    from hourly_ends
),

hourly_movements as (
    select
        queue,
        is_open,
        open_hour_number,
        sum(waiting_cases) as waiting_cases,
        sum(left_queue_cases) as left_queue_cases,
        sum(left_desk_cases) as left_desk_cases
    from movements
    group by queue, is_open, open_hour_number
),

first_waiting_cases as (
    select
        coalesce(spans.team, 'none') as queue,
        count(*) as waiting_cases
    from staging.backlog_spans as spans
    inner join window_bounds
        on spans.started_at < window_bounds.first_from_at and (spans.ended_at is null or spans.ended_at >= window_bounds.first_from_at)
    where
        spans.is_open
        and coalesce(spans.waits_for, 'us') = 'us'
    group by coalesce(spans.team, 'none')
),

queues as (
    select queue
    from hourly_movements

    union

    select queue
    from first_waiting_cases
),

queue_hours as (
    select
        queues.queue,
        open_hours.open_hour_number,
        open_hours.calendar_date,
        coalesce(first_waiting_cases.waiting_cases, 0) as first_waiting_cases,
        coalesce(before_opening.waiting_cases, 0) as waiting_cases_before,
        coalesce(in_hour.waiting_cases, 0) as waiting_cases_within,
        coalesce(in_hour.left_queue_cases, 0) as left_queue_cases,
        coalesce(in_hour.left_desk_cases, 0) as left_desk_cases
    from queues
    cross join open_hours
    left join first_waiting_cases on queues.queue = first_waiting_cases.queue
    left join hourly_movements as before_opening
        on queues.queue = before_opening.queue and open_hours.open_hour_number = before_opening.open_hour_number and not before_opening.is_open
    left join hourly_movements as in_hour
        on queues.queue = in_hour.queue and open_hours.open_hour_number = in_hour.open_hour_number and in_hour.is_open
),

running_hours as (
    select
        *,
        first_waiting_cases
        + sum(waiting_cases_before + waiting_cases_within)
            over (partition by queue order by open_hour_number rows between unbounded preceding and current row) as waiting_cases_at_end
    from queue_hours
),

dimension_hours as (
    select
        'queue' as dimension,
        running_hours.queue as dimension_value,
        running_hours.open_hour_number,
        running_hours.calendar_date,
        running_hours.waiting_cases_at_end - running_hours.waiting_cases_within as waiting_cases_at_start,
        running_hours.waiting_cases_at_end,
        running_hours.left_queue_cases as gone_cases
    from running_hours
    cross join told_queues
    where told_queues.is_queue_told

    union all

    select
        'all' as dimension,
        'all' as dimension_value,
        open_hour_number,
        calendar_date,
        sum(waiting_cases_at_end - waiting_cases_within) as waiting_cases_at_start,
        sum(waiting_cases_at_end) as waiting_cases_at_end,
        sum(left_desk_cases) as gone_cases
    from running_hours
    group by open_hour_number, calendar_date
),

-- Who let a case go: how many cases of which queue on the date.
agent_dates as (
    select
        spans.ended_date as calendar_date,
        coalesce(spans.team, 'none') as queue,
        spans.agent,
        count(*) as gone_cases
    from staging.backlog_spans as spans
    inner join recent_dates on spans.ended_date = recent_dates.snapshot_date
    where
        spans.is_open
        and spans.agent is not null
        and not spans.is_queue_kept_at_end
    group by spans.ended_date, coalesce(spans.team, 'none'), spans.agent
),

agent_shares as (
    select
        calendar_date,
        queue,
        cast(1.0 * gone_cases / nullif(sum(gone_cases) over (partition by calendar_date, agent), 0) as decimal(28, 12)) as heads
    from agent_dates
),

estimated_heads as (
    select
        'queue' as dimension,
        queue as dimension_value,
        calendar_date,
        cast(sum(heads) as double) as heads
    from agent_shares
    group by queue, calendar_date

    union all

    select
        'all' as dimension,
        'all' as dimension_value,
        calendar_date,
        cast(sum(heads) as double) as heads
    from agent_shares
    group by calendar_date
)

select
    hours.dimension,
    hours.dimension_value,
    hours.open_hour_number,
    hours.calendar_date,
    cast(hours.waiting_cases_at_start as bigint) as waiting_cases_at_start,
    cast(hours.waiting_cases_at_end as bigint) as waiting_cases_at_end,
    cast(hours.gone_cases as bigint) as gone_cases,
    cast(case when hours.dimension = 'all' and staffing.effective_heads is not null then staffing.effective_heads else estimated_heads.heads end as double) as heads,
    case
        when hours.dimension = 'all' and staffing.effective_heads is not null then 'schedule'
        when estimated_heads.heads is not null then 'estimated'
        else 'unknown'
    end as heads_source
from dimension_hours as hours
inner join loaded_dates on hours.calendar_date = loaded_dates.intake_date
left join mart.staffing_daily as staffing on hours.calendar_date = staffing.calendar_date
left join estimated_heads
    on
        hours.dimension = estimated_heads.dimension
        and hours.dimension_value = estimated_heads.dimension_value
        and hours.calendar_date = estimated_heads.calendar_date
