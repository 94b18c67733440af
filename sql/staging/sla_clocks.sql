-- One row is one case and clock of sla_policies.yml.
-- elapsed = F(stop) - F(start) - open seconds in pause statuses between them; breached is strictly more than the target. A
-- case that ended without the stop is judged at its end: breached when over the target by then, else unknown. An open clock
-- is running and carries no figure, so that rows do not depend on as_of (docs/decisions/0005-business-time-F.md,
-- docs/decisions/0006-clock-outcomes.md).
with cases as (
    select
        source,
        case_id,
        intake_date,
        intake_ts,
        is_cancelled,
        ended_at
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

events as (
    select
        case_id,
        status,
        canonical_ts,
        source_sequence,
        event_id
    from staging.events_clean
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

spans as (
    select
        case_id,
        status,
        started_at,
        ended_at
    from staging.status_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

rules as (
    select
        clock,
        calendar,
        role,
        status,
        target_seconds
    from staging.sla_clock_rules
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
        clock,
        max(calendar) as calendar,
        max(target_seconds) as target_seconds,
        bool_or(role = 'start' and status = 'INTAKE') as starts_at_intake,
        bool_or(role = 'pause') as has_pauses
    from rules
    group by clock
),

-- Intake is no event here: the case's own intake_ts says when it was.
starting_events as (
    select
        events.case_id,
        rules.clock,
        case when events.canonical_ts < cases.intake_ts then cases.intake_ts else events.canonical_ts end as start_ts,
        events.source_sequence,
        row_number() over (
            partition by events.case_id, rules.clock order by events.canonical_ts, events.source_sequence, events.event_id
        ) as start_number
    from events
    inner join rules on events.status = rules.status
    inner join clocks on rules.clock = clocks.clock
    inner join cases on events.case_id = cases.case_id
    where rules.role = 'start' and not clocks.starts_at_intake
),

later_starts as (
    select
        case_id,
        clock,
        start_ts as first_start_ts,
        source_sequence
    from starting_events
    where start_number = 1
),

-- What stopped before a clock started later than intake belongs to something earlier: a case may be resolved, reopened and
-- resolved again. At the same instant the source's order decides. Nothing is earlier than intake: a stop before it is a wrong
-- stamp, and a clock that starts there is unknown.
stops as (
    select
        events.case_id,
        rules.clock,
        min(events.canonical_ts) as first_stop_ts
    from events
    inner join rules on events.status = rules.status
    left join later_starts on events.case_id = later_starts.case_id and rules.clock = later_starts.clock
    where
        rules.role = 'stop'
        and (
            later_starts.first_start_ts is null
            or events.canonical_ts > later_starts.first_start_ts
            or (
                events.canonical_ts = later_starts.first_start_ts
                and events.source_sequence > later_starts.source_sequence
            )
        )
    group by events.case_id, rules.clock
),

bounded as (
    select
        cases.source,
        cases.case_id,
        cases.intake_date,
        clocks.clock,
        clocks.calendar,
        clocks.target_seconds,
        clocks.has_pauses,
        cases.intake_ts,
        case when clocks.starts_at_intake then cases.intake_ts else later_starts.first_start_ts end as first_start_ts,
        stops.first_stop_ts,
        cases.is_cancelled,
        cases.ended_at
    from cases
    cross join clocks
    left join later_starts on cases.case_id = later_starts.case_id and clocks.clock = later_starts.clock
    left join stops on cases.case_id = stops.case_id and clocks.clock = stops.clock
),

-- A clock that never started has no row; an event before intake is clipped to it.
runs as (
    select
        source,
        case_id,
        intake_date,
        clock,
        calendar,
        target_seconds,
        has_pauses,
        first_start_ts as started_at,
        coalesce(first_stop_ts, ended_at) as stopped_at,
        first_stop_ts is not null as is_stopped_by_event,
        case
            when first_stop_ts is not null then null
            when is_cancelled then 'cancelled'
            else 'ended_without_stop'
        end as reason_without_stop
    from bounded
    where first_start_ts is not null
),

-- F at both ends; one look-up each is cheaper than finding out which instants clocks share.
counted as (
    select
        runs.*,
        start_time.open_seconds_before
        + case
            when start_time.is_open
                then (epoch_us(runs.started_at) - epoch_us(start_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_start,
        stop_time.open_seconds_before
        + case
            when stop_time.is_open
                then (epoch_us(runs.stopped_at) - epoch_us(stop_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_stop
    from runs
    left join business_time as start_time
        on
            runs.calendar = start_time.calendar
            and cast(runs.started_at as date) = start_time.utc_date
            and runs.started_at >= start_time.segment_start_at
            and runs.started_at < start_time.segment_end_at
    left join business_time as stop_time
        on
            runs.calendar = stop_time.calendar
            and cast(runs.stopped_at as date) = stop_time.utc_date
            and runs.stopped_at >= stop_time.segment_start_at
            and runs.stopped_at < stop_time.segment_end_at
),

-- The parts of pause-status spans that lie between start and stop; spans are disjoint, so nothing is counted twice.
pauses as (
    select
        runs.case_id,
        runs.clock,
        runs.calendar,
        case when spans.started_at < runs.started_at then runs.started_at else spans.started_at end as started_at,
        case when spans.ended_at < runs.stopped_at then spans.ended_at else runs.stopped_at end as stopped_at
    from spans
    inner join rules on spans.status = rules.status and rules.role = 'pause'
    inner join runs on spans.case_id = runs.case_id and rules.clock = runs.clock
    where
        runs.has_pauses
        and spans.started_at < runs.stopped_at
        and (spans.ended_at is null or spans.ended_at > runs.started_at)
),

paused as (
    select
        pauses.case_id,
        pauses.clock,
        sum(
            stop_time.open_seconds_before
            + case
                when stop_time.is_open
                    then (epoch_us(pauses.stopped_at) - epoch_us(stop_time.segment_start_at)) // 1000000
                else 0
            end
            - start_time.open_seconds_before
            - case
                when start_time.is_open
                    then (epoch_us(pauses.started_at) - epoch_us(start_time.segment_start_at)) // 1000000
                else 0
            end
        ) as paused_seconds
    from pauses
    left join business_time as start_time
        on
            pauses.calendar = start_time.calendar
            and cast(pauses.started_at as date) = start_time.utc_date
            and pauses.started_at >= start_time.segment_start_at
            and pauses.started_at < start_time.segment_end_at
    left join business_time as stop_time
        on
            pauses.calendar = stop_time.calendar
            and cast(pauses.stopped_at as date) = stop_time.utc_date
            and pauses.stopped_at >= stop_time.segment_start_at
            and pauses.stopped_at < stop_time.segment_end_at
    group by pauses.case_id, pauses.clock
),

elapsed as (
    select
        counted.*,
        coalesce(paused.paused_seconds, 0) as paused_seconds,
        counted.open_seconds_at_stop - counted.open_seconds_at_start - coalesce(paused.paused_seconds, 0)
            as elapsed_seconds,
        case
            when counted.stopped_at < counted.started_at then 'stopped_before_start'
            when counted.open_seconds_at_start is null then 'outside_calendar_horizon'
            when counted.stopped_at is not null and counted.open_seconds_at_stop is null
                then 'outside_calendar_horizon'
        end as reason_uncountable
    from counted
    left join paused on counted.case_id = paused.case_id and counted.clock = paused.clock
),

judged as (
    select
        *,
        case
            when reason_uncountable is not null then 'unknown'
            when stopped_at is null then 'running'
            when elapsed_seconds > target_seconds then 'breached'
            when reason_without_stop is not null then 'unknown'
            else 'met'
        end as outcome
    from elapsed
)

select
    source,
    case_id,
    intake_date,
    clock,
    calendar,
    started_at,
    stopped_at,
    cast(case when outcome in ('met', 'breached') then elapsed_seconds end as bigint) as elapsed_seconds,
    cast(case when outcome in ('met', 'breached') then paused_seconds end as bigint) as paused_seconds,
    target_seconds,
    outcome,
    case when outcome = 'unknown' then coalesce(reason_uncountable, reason_without_stop) end as reason,
    is_stopped_by_event,
    stopped_at is null as is_open
from judged
