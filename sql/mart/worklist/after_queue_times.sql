-- One row is one queue and metric: how long it usually takes from when a case leaves the queue until its clock stops.
-- Who has it now is often not the last: a ticket that is due in an hour and still has to be reviewed for two is too late. Of the clocks that stopped over the
-- last 5 business days, in open time of the desk; 0 where the queue itself stops them (docs/decisions/0044-next-best-ticket.md).
with now_instant as (
    select
        now_at,
        now_date
    from mart.desk_now
),

numbered_days as (
    select
        days.local_date,
        min(days.segment_start_at) as starts_at,
        row_number() over (order by days.local_date desc) as days_ago
    from staging.business_time as days
    inner join now_instant
        on
            days.local_date < now_instant.now_date
            and days.local_date >= now_instant.now_date - interval 45 day
    where
        days.calendar = 'desk'
        and days.is_open
    group by days.local_date
),

stop_period as (
    select min(starts_at) as from_at
    from numbered_days
    where days_ago <= 5
),

stopped_clocks as (
    select
        clocks.intake_date,
        clocks.case_id,
        clocks.policy,
        clocks.metric,
        clocks.cycle,
        clocks.started_at,
        clocks.stopped_at
    from staging.sla_clocks as clocks
    inner join stop_period on clocks.stopped_at >= stop_period.from_at
    inner join now_instant on clocks.stopped_at <= now_instant.now_at
    where
        clocks.outcome in ('met', 'breached')
        and not clocks.is_superseded
),

left_queues as (
    select
        clocks.metric,
        coalesce(spans.team, 'none') as queue,
        clocks.stopped_at,
        max(case when spans.ended_at is null or spans.ended_at > clocks.stopped_at then clocks.stopped_at else spans.ended_at end) as left_at
    from stopped_clocks as clocks
    inner join staging.backlog_spans as spans
        on
            clocks.intake_date = spans.intake_date
            and clocks.case_id = spans.case_id
            and clocks.stopped_at > spans.started_at
            and (spans.ended_at is null or spans.ended_at > clocks.started_at)
    where spans.is_open
    group by
        clocks.intake_date,
        clocks.case_id,
        clocks.policy,
        clocks.metric,
        clocks.cycle,
        clocks.stopped_at,
        coalesce(spans.team, 'none')
),

measured_times as (
    select
        left_queues.metric,
        left_queues.queue,
        (
            stop_time.open_seconds_before
            + case when stop_time.is_open then (epoch_us(left_queues.stopped_at) - epoch_us(stop_time.segment_start_at)) // 1000000 else 0 end
            - left_time.open_seconds_before
            - case when left_time.is_open then (epoch_us(left_queues.left_at) - epoch_us(left_time.segment_start_at)) // 1000000 else 0 end
        ) / 60.0 as after_minutes
    from left_queues
    inner join staging.business_time as stop_time
        on
            stop_time.calendar = 'desk'
            and cast(left_queues.stopped_at as date) = stop_time.utc_date
            and left_queues.stopped_at >= stop_time.segment_start_at
            and left_queues.stopped_at < stop_time.segment_end_at
    inner join staging.business_time as left_time
        on
            left_time.calendar = 'desk'
            and cast(left_queues.left_at as date) = left_time.utc_date
            and left_queues.left_at >= left_time.segment_start_at
            and left_queues.left_at < left_time.segment_end_at
    where left_queues.left_at < left_queues.stopped_at

    union all

    select
        left_queues.metric,
        left_queues.queue,
        0.0 as after_minutes
    from left_queues
    where left_queues.left_at = left_queues.stopped_at
)

select
    cast(now_instant.now_at as timestamp) as now_at,
    measured_times.queue,
    measured_times.metric,
    cast(count(*) as bigint) as after_clocks,
    cast(quantile_cont(measured_times.after_minutes, [0.5, 0.9])[1] as double) as after_p50_business_minutes,
    cast(quantile_cont(measured_times.after_minutes, [0.5, 0.9])[2] as double) as after_p90_business_minutes
from measured_times
cross join now_instant
group by
    now_instant.now_at,
    measured_times.queue,
    measured_times.metric
