-- One row is one stretch of a clock that reaches its target by its end, within one open stretch of its case: debt that stands or grows.
-- excess = elapsed less target; what is above nothing is debt. A clock owes only while its case is open: its debt is repaid when it stops or the
-- case ends, and comes back with a reopen that lets it go on. What a case takes along from queue to queue moves
-- (docs/decisions/0039-backlog-snapshot.md).
with clocks as (
    select
        source,
        case_id,
        intake_date,
        policy,
        metric,
        cycle,
        calendar,
        state,
        started_at,
        stopped_at,
        running_seconds_before,
        open_seconds_at_start,
        target_seconds
    from staging.backlog_clocks
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and due_at is not null
        and (stopped_at is null or due_at < stopped_at)
),

open_spans as (
    select
        case_id,
        started_at,
        ended_at,
        team,
        priority,
        tier
    from staging.backlog_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and is_open
),

cases as (
    select
        case_id,
        region,
        brand,
        channel
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

clock_spans as (
    select
        clocks.source,
        clocks.case_id,
        clocks.intake_date,
        clocks.policy,
        clocks.metric,
        clocks.cycle,
        clocks.calendar,
        clocks.state,
        clocks.running_seconds_before - clocks.target_seconds as excess_seconds_before,
        clocks.open_seconds_at_start as clock_open_seconds_at_start,
        case when spans.started_at > clocks.started_at then spans.started_at else clocks.started_at end as started_at,
        case
            when spans.ended_at is null then clocks.stopped_at
            when clocks.stopped_at < spans.ended_at then clocks.stopped_at
            else spans.ended_at
        end as stopped_at,
        spans.team,
        spans.priority,
        spans.tier
    from clocks
    inner join open_spans as spans
        on
            clocks.case_id = spans.case_id
            and (clocks.stopped_at is null or spans.started_at < clocks.stopped_at)
            and (spans.ended_at is null or spans.ended_at > clocks.started_at)
),

counted_spans as (
    select
        clock_spans.*,
        start_time.open_seconds_before
        + case
            when start_time.is_open then (epoch_us(clock_spans.started_at) - epoch_us(start_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_start,
        stop_time.open_seconds_before
        + case
            when stop_time.is_open then (epoch_us(clock_spans.stopped_at) - epoch_us(stop_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_stop
    from clock_spans
    left join staging.business_time as start_time
        on
            clock_spans.calendar = start_time.calendar
            and cast(clock_spans.started_at as date) = start_time.utc_date
            and clock_spans.started_at >= start_time.segment_start_at
            and clock_spans.started_at < start_time.segment_end_at
    left join staging.business_time as stop_time
        on
            clock_spans.calendar = stop_time.calendar
            and cast(clock_spans.stopped_at as date) = stop_time.utc_date
            and clock_spans.stopped_at >= stop_time.segment_start_at
            and clock_spans.stopped_at < stop_time.segment_end_at
),

measured_spans as (
    select
        *,
        excess_seconds_before
        + case when state = 'running' then open_seconds_at_start - clock_open_seconds_at_start else 0 end as excess_seconds_at_start,
        excess_seconds_before
        + case when state = 'running' then open_seconds_at_stop - clock_open_seconds_at_start else 0 end as excess_seconds_at_stop
    from counted_spans
),

neighbours as (
    select
        *,
        coalesce(lag(stopped_at) over spans_in_order = started_at, false) as is_kept_at_start,
        coalesce(lead(started_at) over spans_in_order = stopped_at, false) as is_kept_at_end,
        lag(team) over spans_in_order as previous_team,
        lag(priority) over spans_in_order as previous_priority,
        lag(tier) over spans_in_order as previous_tier,
        lead(team) over spans_in_order as next_team,
        lead(priority) over spans_in_order as next_priority,
        lead(tier) over spans_in_order as next_tier
    from measured_spans
    window spans_in_order as (partition by case_id, policy, metric, cycle order by started_at, stopped_at nulls last)
)

select
    neighbours.source,
    neighbours.case_id,
    neighbours.intake_date,
    neighbours.policy,
    neighbours.metric,
    neighbours.cycle,
    neighbours.calendar,
    neighbours.state,
    neighbours.started_at,
    stopped_at,
    team,
    priority,
    tier,
    cases.region,
    cases.brand,
    cases.channel,
    open_seconds_at_start,
    cast(open_seconds_at_stop as bigint) as open_seconds_at_stop,
    cast(excess_seconds_at_start as bigint) as excess_seconds_at_start,
    cast(case when stopped_at is not null then excess_seconds_at_stop end as bigint) as excess_seconds_at_stop,
    is_kept_at_start,
    is_kept_at_end,
    is_kept_at_start and (team is not distinct from previous_team) as is_queue_kept_at_start,
    is_kept_at_end and (team is not distinct from next_team) as is_queue_kept_at_end,
    is_kept_at_start and (priority is not distinct from previous_priority) as is_priority_kept_at_start,
    is_kept_at_end and (priority is not distinct from next_priority) as is_priority_kept_at_end,
    is_kept_at_start and (tier is not distinct from previous_tier) as is_tier_kept_at_start,
    is_kept_at_end and (tier is not distinct from next_tier) as is_tier_kept_at_end
from neighbours
inner join cases on neighbours.case_id = cases.case_id
