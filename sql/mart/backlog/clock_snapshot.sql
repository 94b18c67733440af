-- One row is one clock that is open at the end of a local date of the desk.
-- elapsed = what had run before the stretch that holds the instant, and F(instant) - F(its start) where it runs; past its target it is breached,
-- and what it is past it is its debt. Nothing that happened later counts. Outside the calendar's horizon elapsed is unknown.
with instants as (
    select
        snapshot_date,
        snapshot_at,
        seen_before_at
    from mart.snapshot_instants
    where
        snapshot_date >= $start_date
        and snapshot_date < $end_date
),

-- By UTC date, so that few stretches are compared with every instant: those that begin on the instant's, those that end on it, and those that last
-- longer. What lies days before the first instant or after the last is not read at all: that of one date costs the same however long the history is.
clock_spans as (
    select
        instants.snapshot_date,
        instants.snapshot_at,
        clocks.*
    from instants
    inner join staging.backlog_clocks as clocks
        on
            cast(instants.seen_before_at as date) = cast(clocks.started_at as date)
            and instants.seen_before_at > clocks.started_at
            and (clocks.stopped_at is null or clocks.stopped_at >= instants.seen_before_at)
    where
        clocks.started_at < cast($end_date as timestamp) + interval 2 day
        and (clocks.stopped_at is null or clocks.stopped_at >= cast($start_date as timestamp) - interval 2 day)

    union all

    select
        instants.snapshot_date,
        instants.snapshot_at,
        clocks.*
    from instants
    inner join staging.backlog_clocks as clocks
        on
            cast(instants.seen_before_at as date) = cast(clocks.stopped_at as date)
            and instants.seen_before_at <= clocks.stopped_at
    where
        clocks.started_at < cast($end_date as timestamp) + interval 2 day
        and (clocks.stopped_at is null or clocks.stopped_at >= cast($start_date as timestamp) - interval 2 day)
        and cast(clocks.started_at as date) < cast(clocks.stopped_at as date)

    union all

    select
        instants.snapshot_date,
        instants.snapshot_at,
        clocks.*
    from instants
    inner join staging.backlog_clocks as clocks
        on
            cast(instants.seen_before_at as date) > cast(clocks.started_at as date)
            and (clocks.stopped_at is null or cast(clocks.stopped_at as date) > cast(instants.seen_before_at as date))
    where
        clocks.started_at < cast($end_date as timestamp) + interval 2 day
        and (clocks.stopped_at is null or clocks.stopped_at >= cast($start_date as timestamp) - interval 2 day)
        and (clocks.stopped_at is null or cast(clocks.stopped_at as date) > cast(clocks.started_at as date) + interval 1 day)
),

-- F at the instants.
open_times as (
    select
        instants.snapshot_at,
        desk_time.calendar,
        desk_time.open_seconds_before
        + case
            when desk_time.is_open then (epoch_us(instants.snapshot_at) - epoch_us(desk_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds
    from instants
    inner join staging.business_time as desk_time
        on
            cast(instants.snapshot_at as date) = desk_time.utc_date
            and instants.snapshot_at >= desk_time.segment_start_at
            and instants.snapshot_at < desk_time.segment_end_at
),

measured_spans as (
    select
        spans.*,
        case
            when spans.state = 'running' then spans.running_seconds_before + open_times.open_seconds - spans.open_seconds_at_start
            else spans.running_seconds_before
        end as elapsed_seconds
    from clock_spans as spans
    left join open_times on spans.snapshot_at = open_times.snapshot_at and spans.calendar = open_times.calendar
)

select
    snapshot_date,
    snapshot_at,
    source,
    case_id,
    intake_date,
    policy,
    metric,
    cycle,
    is_source_promise,
    calendar,
    state = 'paused' as is_paused,
    cast(elapsed_seconds as bigint) as elapsed_seconds,
    target_seconds,
    due_at,
    cast(target_seconds - elapsed_seconds as bigint) as remaining_seconds,
    elapsed_seconds > target_seconds as is_past_target,
    cast(case when elapsed_seconds > target_seconds then elapsed_seconds - target_seconds when elapsed_seconds is not null then 0 end as bigint) as debt_seconds
from measured_spans
