-- Running clocks that mart.open_clocks and the backlog judge otherwise as of the same instant, or that one of them does not know.
-- A failure means that the list of running clocks and the backlog contradict each other; look first at running_seconds_before and due_at of
-- sql/staging/backlog/backlog_clocks.sql.
with clock_spans as (
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

measured_spans as (
    select
        clock_spans.*,
        case
            when clock_spans.state = 'paused' then clock_spans.running_seconds_before
            else
                clock_spans.running_seconds_before
                + segments.open_seconds_before
                + case when segments.is_open then (epoch_us(clock_spans.as_of_at) - epoch_us(segments.segment_start_at)) // 1000000 else 0 end
                - clock_spans.open_seconds_at_start
        end as elapsed_seconds
    from clock_spans
    left join staging.business_time as segments
        on
            clock_spans.calendar = segments.calendar
            and cast(clock_spans.as_of_at as date) = segments.utc_date
            and clock_spans.as_of_at >= segments.segment_start_at
            and clock_spans.as_of_at < segments.segment_end_at
)

select
    coalesce(spans.case_id, clocks.case_id) as case_id,
    coalesce(spans.policy, clocks.policy) as policy,
    coalesce(spans.metric, clocks.metric) as metric,
    spans.elapsed_seconds as backlog_elapsed_seconds,
    clocks.elapsed_seconds,
    spans.due_at as backlog_due_at,
    clocks.due_at
from measured_spans as spans
full outer join mart.open_clocks as clocks
    on
        spans.case_id = clocks.case_id
        and spans.policy = clocks.policy
        and spans.metric = clocks.metric
        and spans.cycle = clocks.cycle
where
    -- A stretch that begins later than the look at its date has not begun for mart.open_clocks.
    coalesce(clocks.elapsed_seconds <> 0 or spans.elapsed_seconds >= 0, true)
    and (
        spans.case_id is null
        or clocks.case_id is null
        or spans.elapsed_seconds is distinct from clocks.elapsed_seconds
        or spans.due_at is distinct from clocks.due_at
    )
