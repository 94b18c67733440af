-- One row is one breached clock, with the stage that took it most beyond its peers.
-- A clock's time in a stage is the time it ran while the case was in that status. Its peers are the clocks of the same policy and metric
-- whose cases came in on the same date, met or breached, that ran in the stage at all. The root cause is the stage with the most time
-- beyond the peers' median (of equal ones the first by name); its owner held most of that time: the agent, else the
-- team (docs/decisions/0015-root-cause.md).
-- Clocks are told apart by numbers (of the case, of their peers, and the cycle): groups and joins by ids and names take longer.
with cases as (
    select
        source,
        case_id,
        row_number() over (order by case_id) as case_number
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

peer_groups as (
    select
        intake_date,
        policy,
        metric,
        row_number() over (order by intake_date, policy, metric) as peer_group
    from staging.sla_clocks
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date, policy, metric
),

running as (
    select
        cases.case_id,
        cases.case_number,
        peer_groups.peer_group,
        clocks.cycle,
        clocks.outcome = 'breached' as is_breached,
        spans.calendar,
        spans.open_seconds_at_start,
        spans.open_seconds_at_stop
    from staging.sla_clock_spans as spans
    inner join staging.sla_clocks as clocks
        on
            spans.case_id = clocks.case_id
            and spans.policy = clocks.policy
            and spans.metric = clocks.metric
            and spans.cycle = clocks.cycle
    inner join cases on clocks.case_id = cases.case_id
    inner join peer_groups
        on clocks.intake_date = peer_groups.intake_date and clocks.policy = peer_groups.policy and clocks.metric = peer_groups.metric
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

span_parts as (
    select
        running.case_number,
        running.peer_group,
        running.cycle,
        running.calendar,
        running.is_breached,
        statuses.status,
        case
            when statuses.open_seconds_at_start > running.open_seconds_at_start then statuses.open_seconds_at_start
            else running.open_seconds_at_start
        end as open_seconds_at_start,
        case
            when statuses.open_seconds_at_stop < running.open_seconds_at_stop then statuses.open_seconds_at_stop
            else running.open_seconds_at_stop
        end as open_seconds_at_stop
    from running
    inner join statuses on running.case_id = statuses.case_id and running.calendar = statuses.calendar
    where
        statuses.open_seconds_at_start < running.open_seconds_at_stop
        and (statuses.open_seconds_at_stop is null or statuses.open_seconds_at_stop > running.open_seconds_at_start)
),

stages as (
    select
        case_number,
        peer_group,
        cycle,
        status,
        bool_or(is_breached) as is_breached,
        sum(open_seconds_at_stop - open_seconds_at_start) as seconds
    from span_parts
    group by case_number, peer_group, cycle, status
),

peers as (
    select
        peer_group,
        status,
        count(*) as clocks,
        quantile_cont(seconds, 0.5) as median_seconds
    from stages
    group by peer_group, status
),

ranked_statuses as (
    select
        stages.case_number,
        stages.peer_group,
        stages.cycle,
        stages.status,
        stages.seconds,
        peers.median_seconds,
        peers.clocks as peer_clocks,
        row_number() over (
            partition by stages.case_number, stages.peer_group, stages.cycle
            order by stages.seconds - peers.median_seconds desc, stages.status
        ) as place
    from stages
    inner join peers on stages.peer_group = peers.peer_group and stages.status = peers.status
    where stages.is_breached
),

-- The stretches of each cause's stage in open time, to be shared out among those who held the case.
root_causes as (
    select
        running.case_id,
        running.case_number,
        running.peer_group,
        running.cycle,
        running.calendar,
        case
            when statuses.open_seconds_at_start > running.open_seconds_at_start then statuses.open_seconds_at_start
            else running.open_seconds_at_start
        end as open_seconds_at_start,
        case
            when statuses.open_seconds_at_stop < running.open_seconds_at_stop then statuses.open_seconds_at_stop
            else running.open_seconds_at_stop
        end as open_seconds_at_stop
    from ranked_statuses
    inner join running
        on
            ranked_statuses.case_number = running.case_number
            and ranked_statuses.peer_group = running.peer_group
            and ranked_statuses.cycle = running.cycle
    inner join statuses
        on running.case_id = statuses.case_id and running.calendar = statuses.calendar and ranked_statuses.status = statuses.status
    where
        ranked_statuses.place = 1
        and statuses.open_seconds_at_start < running.open_seconds_at_stop
        and (statuses.open_seconds_at_stop is null or statuses.open_seconds_at_stop > running.open_seconds_at_start)
),

blamed_cases as (
    select distinct
        case_id,
        case_number,
        calendar
    from root_causes
),

owners as (
    select
        blamed_cases.case_number,
        coalesce(owners.agent, nullif(owners.team, 'UNASSIGNED')) as owner,
        blamed_cases.calendar,
        start_time.open_seconds_before
        + case
            when start_time.is_open
                then (epoch_us(owners.held_from_at) - epoch_us(start_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_start,
        stop_time.open_seconds_before
        + case
            when stop_time.is_open
                then (epoch_us(owners.held_to_at) - epoch_us(stop_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_stop
    from staging.ownership_spans as owners
    inner join blamed_cases on owners.case_id = blamed_cases.case_id
    inner join staging.business_time as start_time
        on
            blamed_cases.calendar = start_time.calendar
            and cast(owners.held_from_at as date) = start_time.utc_date
            and owners.held_from_at >= start_time.segment_start_at
            and owners.held_from_at < start_time.segment_end_at
    left join staging.business_time as stop_time
        on
            blamed_cases.calendar = stop_time.calendar
            and cast(owners.held_to_at as date) = stop_time.utc_date
            and owners.held_to_at >= stop_time.segment_start_at
            and owners.held_to_at < stop_time.segment_end_at
    where
        owners.intake_date >= $start_date
        and owners.intake_date < $end_date
        and owners.is_holding_start
        and (owners.agent is not null or owners.team <> 'UNASSIGNED')
),

shares as (
    select
        root_causes.case_number,
        root_causes.peer_group,
        root_causes.cycle,
        owners.owner,
        case
            when owners.open_seconds_at_stop < root_causes.open_seconds_at_stop then owners.open_seconds_at_stop
            else root_causes.open_seconds_at_stop
        end
        - case
            when owners.open_seconds_at_start > root_causes.open_seconds_at_start then owners.open_seconds_at_start
            else root_causes.open_seconds_at_start
        end as seconds
    from root_causes
    inner join owners on root_causes.case_number = owners.case_number and root_causes.calendar = owners.calendar
    where
        owners.open_seconds_at_start < root_causes.open_seconds_at_stop
        and (owners.open_seconds_at_stop is null or owners.open_seconds_at_stop > root_causes.open_seconds_at_start)
),

owner_parts as (
    select
        case_number,
        peer_group,
        cycle,
        owner,
        row_number() over (partition by case_number, peer_group, cycle order by sum(seconds) desc, owner) as place
    from shares
    group by case_number, peer_group, cycle, owner
)

select
    cases.source,
    cases.case_id,
    peer_groups.intake_date,
    peer_groups.policy,
    peer_groups.metric,
    ranked_statuses.cycle,
    ranked_statuses.status as root_cause_stage,
    owner_parts.owner as root_cause_owner,
    cast(ranked_statuses.seconds / 60.0 as double) as root_cause_business_minutes,
    cast(ranked_statuses.median_seconds / 60.0 as double) as peer_median_business_minutes,
    cast((ranked_statuses.seconds - ranked_statuses.median_seconds) / 60.0 as double) as beyond_peers_business_minutes,
    cast(ranked_statuses.peer_clocks as bigint) as peer_clocks
from ranked_statuses
inner join cases on ranked_statuses.case_number = cases.case_number
inner join peer_groups on ranked_statuses.peer_group = peer_groups.peer_group
left join owner_parts
    on
        ranked_statuses.case_number = owner_parts.case_number
        and ranked_statuses.peer_group = owner_parts.peer_group
        and ranked_statuses.cycle = owner_parts.cycle
        and owner_parts.place = 1
where ranked_statuses.place = 1
