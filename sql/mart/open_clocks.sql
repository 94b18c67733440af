-- One row is one running clock, judged as of the last time its intake date was looked at (ops.partition_as_of).
-- elapsed counts up to as_of less the pauses so far; over the target it is breached, though it still runs. due_at is the
-- first instant at which the running time reaches the target: past for a breached clock, NULL while a pause keeps it from
-- being known. Outside the calendar's horizon nothing is known (docs/decisions/0006-clock-outcomes.md).
with rules as (
    select
        clock,
        status
    from staging.sla_clock_rules
    where role = 'pause'
),

business_time as (
    select
        calendar,
        utc_date,
        segment_start_at,
        segment_end_at,
        is_open,
        open_seconds_before
    from staging.business_time
),

clocks as (
    select
        clocks.case_id,
        clocks.intake_date,
        clocks.clock,
        clocks.calendar,
        clocks.started_at,
        clocks.target_seconds,
        partitions.as_of_at
    from staging.sla_clocks as clocks
    inner join ops.partition_as_of as partitions
        on clocks.source = partitions.source and clocks.intake_date = partitions.intake_date
    where clocks.outcome = 'running'
),

pauses as (
    select
        clocks.case_id,
        clocks.clock,
        clocks.calendar,
        case when spans.started_at < clocks.started_at then clocks.started_at else spans.started_at end as started_at,
        case when spans.ended_at < clocks.as_of_at then spans.ended_at else clocks.as_of_at end as stopped_at,
        spans.ended_at is null or spans.ended_at > clocks.as_of_at as is_now
    from clocks
    inner join rules on clocks.clock = rules.clock
    inner join staging.status_spans as spans
        on
            clocks.case_id = spans.case_id
            and clocks.intake_date = spans.intake_date
            and rules.status = spans.status
    where
        clocks.started_at <= clocks.as_of_at
        and spans.started_at <= clocks.as_of_at
        and (spans.ended_at is null or spans.ended_at > clocks.started_at)
),

-- Both ends of the clock so far, and of each of its pauses.
stretches as (
    select
        case_id,
        clock,
        calendar,
        'run' as stretch,
        started_at,
        case when started_at < as_of_at then as_of_at else started_at end as stopped_at,
        false as is_now
    from clocks

    union all

    select
        case_id,
        clock,
        calendar,
        'pause' as stretch,
        started_at,
        stopped_at,
        is_now
    from pauses
),

counted as (
    select
        stretches.case_id,
        stretches.clock,
        stretches.stretch,
        stretches.started_at,
        stretches.is_now,
        start_time.open_seconds_before
        + case
            when start_time.is_open
                then (epoch_us(stretches.started_at) - epoch_us(start_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_start,
        stop_time.open_seconds_before
        + case
            when stop_time.is_open
                then (epoch_us(stretches.stopped_at) - epoch_us(stop_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_stop
    from stretches
    left join business_time as start_time
        on
            stretches.calendar = start_time.calendar
            and cast(stretches.started_at as date) = start_time.utc_date
            and stretches.started_at >= start_time.segment_start_at
            and stretches.started_at < start_time.segment_end_at
    left join business_time as stop_time
        on
            stretches.calendar = stop_time.calendar
            and cast(stretches.stopped_at as date) = stop_time.utc_date
            and stretches.stopped_at >= stop_time.segment_start_at
            and stretches.stopped_at < stop_time.segment_end_at
),

running as (
    select
        clocks.case_id,
        clocks.intake_date,
        clocks.clock,
        clocks.calendar,
        clocks.started_at,
        clocks.target_seconds,
        clocks.as_of_at,
        counted.open_seconds_at_start,
        counted.open_seconds_at_stop - counted.open_seconds_at_start as open_seconds
    from clocks
    inner join counted on clocks.case_id = counted.case_id and clocks.clock = counted.clock and counted.stretch = 'run'
),

ordered_pauses as (
    select
        case_id,
        clock,
        is_now,
        open_seconds_at_start,
        open_seconds_at_stop - open_seconds_at_start as paused_seconds,
        sum(open_seconds_at_stop - open_seconds_at_start) over (
            partition by case_id, clock
            order by started_at
            rows between unbounded preceding and current row
        ) as paused_seconds_so_far
    from counted
    where stretch = 'pause'
),

-- A pause that begins once the target has been reached no longer moves the due instant.
paused as (
    select
        pauses.case_id,
        pauses.clock,
        sum(pauses.paused_seconds) as paused_seconds,
        sum(
            case
                when
                    pauses.open_seconds_at_start - running.open_seconds_at_start
                    - (pauses.paused_seconds_so_far - pauses.paused_seconds) < running.target_seconds
                    then pauses.paused_seconds
                else 0
            end
        ) as paused_seconds_before_due,
        bool_or(pauses.is_now) as is_paused
    from ordered_pauses as pauses
    inner join running on pauses.case_id = running.case_id and pauses.clock = running.clock
    group by pauses.case_id, pauses.clock
),

measured as (
    select
        running.case_id,
        running.intake_date,
        running.clock,
        running.calendar,
        running.started_at,
        running.target_seconds,
        running.as_of_at,
        coalesce(paused.is_paused, false) as is_paused,
        running.open_seconds - coalesce(paused.paused_seconds, 0) as elapsed_seconds,
        running.open_seconds_at_start + coalesce(paused.paused_seconds_before_due, 0) + running.target_seconds
            as open_seconds_at_due
    from running
    left join paused on running.case_id = paused.case_id and running.clock = paused.clock
),

-- The inverse of F: the last open segment that begins with fewer open seconds before it. At the same count the clock
-- sorts first, so that a clock due exactly at closing time is due then and not at the next opening.
marks as (
    select
        calendar,
        open_seconds_before as open_seconds,
        1 as rank_at_tie,
        segment_start_at,
        segment_end_at,
        open_seconds_before,
        cast(null as varchar) as case_id,
        cast(null as varchar) as clock
    from business_time
    where is_open

    union all

    select
        calendar,
        open_seconds_at_due as open_seconds,
        0 as rank_at_tie,
        cast(null as timestamp) as segment_start_at,
        cast(null as timestamp) as segment_end_at,
        cast(null as bigint) as open_seconds_before,
        case_id,
        clock
    from measured
    where open_seconds_at_due is not null
),

located as (
    select
        case_id,
        clock,
        open_seconds,
        max(segment_start_at) over up_to_here as segment_start_at,
        max(segment_end_at) over up_to_here as segment_end_at,
        max(open_seconds_before) over up_to_here as open_seconds_before
    from marks
    window up_to_here as (
        partition by calendar
        order by open_seconds, rank_at_tie, case_id, clock
        rows between unbounded preceding and current row
    )
),

due as (
    select
        case_id,
        clock,
        segment_end_at,
        segment_start_at + (open_seconds - open_seconds_before) * interval 1 second as due_at
    from located
    where case_id is not null
)

select
    measured.case_id,
    measured.clock,
    cases.tier,
    cases.case_type,
    cases.priority,
    cases.team,
    measured.started_at,
    cast(measured.elapsed_seconds as bigint) as elapsed_seconds,
    measured.target_seconds,
    cast(measured.target_seconds - measured.elapsed_seconds as bigint) as remaining_seconds,
    cast(
        case
            when measured.is_paused and measured.elapsed_seconds < measured.target_seconds then null
            when due.due_at <= due.segment_end_at then due.due_at
        end as timestamp
    ) as due_at,
    case
        when measured.elapsed_seconds is null then 'unknown'
        when measured.elapsed_seconds > measured.target_seconds then 'breached'
        else 'running'
    end as outcome,
    measured.is_paused,
    measured.as_of_at
from measured
inner join staging.case_milestones as cases
    on measured.case_id = cases.case_id and measured.intake_date = cases.intake_date
left join due on measured.case_id = due.case_id and measured.clock = due.clock
