-- One row is one running clock, judged as of the last time its intake date was looked at (ops.partition_as_of).
-- elapsed counts up to as_of less the pauses so far; over the target it is breached, though it still runs. due_at is the
-- first instant at which the running time reaches the target: past for a breached clock, NULL while a pause keeps it from
-- being known. Outside the calendar's horizon nothing is known (docs/decisions/0006-clock-outcomes.md).
with clocks as (
    select
        clocks.source,
        clocks.case_id,
        clocks.intake_date,
        clocks.policy,
        clocks.metric,
        clocks.cycle,
        clocks.is_source_promise,
        clocks.calendar,
        clocks.started_at,
        clocks.target_seconds,
        clocks.due_at,
        partitions.as_of_at
    from staging.sla_clocks as clocks
    inner join ops.partition_as_of as partitions
        on clocks.source = partitions.source and clocks.intake_date = partitions.intake_date
    -- Whoever runs is open; saying so lets the dates be skipped on which nothing is.
    where clocks.is_open and clocks.outcome = 'running'
),

clock_spans as (
    select
        clocks.case_id,
        clocks.policy,
        clocks.metric,
        clocks.cycle,
        clocks.as_of_at,
        spans.state,
        spans.calendar,
        spans.started_at,
        spans.stopped_at,
        spans.running_seconds,
        spans.open_seconds_at_start
    from clocks
    inner join staging.sla_clock_spans as spans
        on
            clocks.case_id = spans.case_id
            and clocks.intake_date = spans.intake_date
            and clocks.policy = spans.policy
            and clocks.metric = spans.metric
            and clocks.cycle = spans.cycle
),

-- F at the instants up to which something is known.
clocks_as_of as (
    select
        looked.calendar,
        looked.as_of_at,
        segments.open_seconds_before
        + case
            when segments.is_open then (epoch_us(looked.as_of_at) - epoch_us(segments.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_as_of
    from (
        select distinct
            calendar,
            as_of_at
        from clock_spans
    ) as looked
    left join staging.business_time as segments
        on
            looked.calendar = segments.calendar
            and cast(looked.as_of_at as date) = segments.utc_date
            and looked.as_of_at >= segments.segment_start_at
            and looked.as_of_at < segments.segment_end_at
),

spans as (
    select
        clock_spans.case_id,
        clock_spans.policy,
        clock_spans.metric,
        clock_spans.cycle,
        clock_spans.state,
        clock_spans.stopped_at is null as is_now,
        case
            when clock_spans.state <> 'running' or clock_spans.started_at > clock_spans.as_of_at then 0
            when clock_spans.stopped_at <= clock_spans.as_of_at then clock_spans.running_seconds
            else clocks_as_of.open_seconds_at_as_of - clock_spans.open_seconds_at_start
        end as running_seconds
    from clock_spans
    left join clocks_as_of on clock_spans.calendar = clocks_as_of.calendar and clock_spans.as_of_at = clocks_as_of.as_of_at
),

measured_clocks as (
    select
        case_id,
        policy,
        metric,
        cycle,
        case when count(*) = count(running_seconds) then sum(running_seconds) end as elapsed_seconds,
        bool_or(is_now and state = 'paused') as is_paused
    from spans
    group by case_id, policy, metric, cycle
)

select
    clocks.source,
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.is_source_promise,
    cases.tier,
    cases.case_type,
    cases.priority,
    cases.team,
    cases.brand,
    cases.region,
    cases.channel,
    cases.customer,
    clocks.started_at,
    cast(measured_clocks.elapsed_seconds as bigint) as elapsed_seconds,
    clocks.target_seconds,
    cast(clocks.target_seconds - measured_clocks.elapsed_seconds as bigint) as remaining_seconds,
    clocks.due_at,
    case
        when measured_clocks.elapsed_seconds is null then 'unknown'
        when measured_clocks.elapsed_seconds > clocks.target_seconds then 'breached'
        else 'running'
    end as outcome,
    measured_clocks.is_paused,
    clocks.as_of_at
from clocks
inner join measured_clocks
    on
        clocks.case_id = measured_clocks.case_id
        and clocks.policy = measured_clocks.policy
        and clocks.metric = measured_clocks.metric
        and clocks.cycle = measured_clocks.cycle
inner join staging.case_milestones as cases
    on clocks.case_id = cases.case_id and clocks.intake_date = cases.intake_date
