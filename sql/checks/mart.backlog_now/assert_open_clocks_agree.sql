-- Running clocks that mart.open_clocks and the backlog judge otherwise as of the same instant, or that one of them does not know.
-- A failure means that the list of running clocks and the backlog contradict each other; look first at running_seconds_before and due_at of
-- sql/staging/backlog/backlog_clocks.sql.
with stretches as (
    select
        clocks.case_id,
        clocks.policy,
        clocks.metric,
        clocks.cycle,
        clocks.calendar,
        clocks.state,
        clocks.running_seconds_before,
        clocks.open_seconds_at_start,
        clocks.target_seconds,
        clocks.due_at,
        partitions.as_of_at
    from staging.backlog_clocks as clocks
    inner join ops.partition_as_of as partitions on clocks.source = partitions.source and clocks.intake_date = partitions.intake_date
    where clocks.stopped_at is null
),

measured_stretches as (
    select
        stretches.*,
        case
            when stretches.state = 'paused' then stretches.running_seconds_before
            else
                stretches.running_seconds_before
                + segments.open_seconds_before
                + case when segments.is_open then (epoch_us(stretches.as_of_at) - epoch_us(segments.segment_start_at)) // 1000000 else 0 end
                - stretches.open_seconds_at_start
        end as elapsed_seconds
    from stretches
    left join staging.business_time as segments
        on
            stretches.calendar = segments.calendar
            and cast(stretches.as_of_at as date) = segments.utc_date
            and stretches.as_of_at >= segments.segment_start_at
            and stretches.as_of_at < segments.segment_end_at
)

select
    coalesce(stretches.case_id, clocks.case_id) as case_id,
    coalesce(stretches.policy, clocks.policy) as policy,
    coalesce(stretches.metric, clocks.metric) as metric,
    stretches.elapsed_seconds as backlog_elapsed_seconds,
    clocks.elapsed_seconds,
    stretches.due_at as backlog_due_at,
    clocks.due_at
from measured_stretches as stretches
full outer join mart.open_clocks as clocks
    on
        stretches.case_id = clocks.case_id
        and stretches.policy = clocks.policy
        and stretches.metric = clocks.metric
        and stretches.cycle = clocks.cycle
where
    -- A stretch that begins later than the look at its date has not begun for mart.open_clocks.
    coalesce(clocks.elapsed_seconds <> 0 or stretches.elapsed_seconds >= 0, true)
    and (
        stretches.case_id is null
        or clocks.case_id is null
        or stretches.elapsed_seconds is distinct from clocks.elapsed_seconds
        or stretches.due_at is distinct from clocks.due_at
    )
