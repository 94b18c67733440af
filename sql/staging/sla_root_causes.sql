-- One row is one breached clock, with the stage that took it most beyond its peers.
-- A clock's time in a stage is the time it ran while the case was in that status. Its peers are the clocks of the same policy and metric
-- whose cases came in on the same date, kept or broken, that ran in the stage at all. The root cause is the stage with the most time
-- beyond the peers' median (of equal ones the first by name); its owner held most of that time: the agent, else the
-- team (docs/decisions/0015-root-cause.md).
with running as (
    select
        spans.case_id,
        spans.intake_date,
        spans.policy,
        spans.metric,
        spans.cycle,
        spans.calendar,
        clocks.outcome,
        spans.open_seconds_at_start,
        spans.open_seconds_at_stop
    from staging.sla_clock_spans as spans
    inner join staging.sla_clocks as clocks
        on
            spans.case_id = clocks.case_id
            and spans.policy = clocks.policy
            and spans.metric = clocks.metric
            and spans.cycle = clocks.cycle
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
        and clocks.intake_date >= $start_date
        and clocks.intake_date < $end_date
        and spans.state = 'running'
        and spans.running_seconds > 0
        and clocks.outcome in ('met', 'breached')
),

calendars as (
    select distinct calendar
    from running
),

-- A status in open time: from one F to another. Where the calendar ends nothing is known.
statuses as (
    select
        spans.case_id,
        spans.status,
        coalesce(spans.agent, spans.team) as owner,
        calendars.calendar,
        start_time.open_seconds_before
        + case
            when start_time.is_open
                then (epoch_us(spans.started_at) - epoch_us(start_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_start,
        stop_time.open_seconds_before
        + case
            when stop_time.is_open
                then (epoch_us(spans.ended_at) - epoch_us(stop_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_stop
    from staging.status_spans as spans
    cross join calendars
    inner join staging.business_time as start_time
        on
            calendars.calendar = start_time.calendar
            and cast(spans.started_at as date) = start_time.utc_date
            and spans.started_at >= start_time.segment_start_at
            and spans.started_at < start_time.segment_end_at
    left join staging.business_time as stop_time
        on
            calendars.calendar = stop_time.calendar
            and cast(spans.ended_at as date) = stop_time.utc_date
            and spans.ended_at >= stop_time.segment_start_at
            and spans.ended_at < stop_time.segment_end_at
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
),

pieces as (
    select
        running.case_id,
        running.intake_date,
        running.policy,
        running.metric,
        running.cycle,
        running.outcome,
        statuses.status,
        statuses.owner,
        case
            when statuses.open_seconds_at_stop < running.open_seconds_at_stop then statuses.open_seconds_at_stop
            else running.open_seconds_at_stop
        end
        - case
            when statuses.open_seconds_at_start > running.open_seconds_at_start then statuses.open_seconds_at_start
            else running.open_seconds_at_start
        end as seconds
    from running
    inner join statuses on running.case_id = statuses.case_id and running.calendar = statuses.calendar
    where
        statuses.open_seconds_at_start < running.open_seconds_at_stop
        and (statuses.open_seconds_at_stop is null or statuses.open_seconds_at_stop > running.open_seconds_at_start)
),

stages as (
    select
        case_id,
        intake_date,
        policy,
        metric,
        cycle,
        outcome,
        status,
        sum(seconds) as seconds
    from pieces
    group by case_id, intake_date, policy, metric, cycle, outcome, status
),

peers as (
    select
        intake_date,
        policy,
        metric,
        status,
        count(*) as clocks,
        quantile_cont(seconds, 0.5) as median_seconds
    from stages
    group by intake_date, policy, metric, status
),

ranked as (
    select
        stages.case_id,
        stages.intake_date,
        stages.policy,
        stages.metric,
        stages.cycle,
        stages.status,
        stages.seconds,
        peers.median_seconds,
        peers.clocks as peer_clocks,
        row_number() over (
            partition by stages.case_id, stages.policy, stages.metric, stages.cycle
            order by stages.seconds - peers.median_seconds desc, stages.status
        ) as place
    from stages
    inner join peers
        on
            stages.intake_date = peers.intake_date
            and stages.policy = peers.policy
            and stages.metric = peers.metric
            and stages.status = peers.status
    where stages.outcome = 'breached'
),

held as (
    select
        case_id,
        policy,
        metric,
        cycle,
        status,
        owner,
        row_number() over (
            partition by case_id, policy, metric, cycle, status order by sum(seconds) desc, owner
        ) as place
    from pieces
    where outcome = 'breached' and owner is not null
    group by case_id, policy, metric, cycle, status, owner
)

select
    cases.source,
    ranked.case_id,
    ranked.intake_date,
    ranked.policy,
    ranked.metric,
    ranked.cycle,
    ranked.status as root_cause_stage,
    held.owner as root_cause_owner,
    cast(ranked.seconds / 60.0 as double) as root_cause_business_minutes,
    cast(ranked.median_seconds / 60.0 as double) as peer_median_business_minutes,
    cast((ranked.seconds - ranked.median_seconds) / 60.0 as double) as beyond_peers_business_minutes,
    cast(ranked.peer_clocks as bigint) as peer_clocks
from ranked
inner join staging.case_milestones as cases on ranked.case_id = cases.case_id and ranked.intake_date = cases.intake_date
left join held
    on
        ranked.case_id = held.case_id
        and ranked.policy = held.policy
        and ranked.metric = held.metric
        and ranked.cycle = held.cycle
        and ranked.status = held.status
        and held.place = 1
where ranked.place = 1
