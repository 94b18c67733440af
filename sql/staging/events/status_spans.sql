-- One row is one contiguous stretch of a case in one status.
-- Half-open, disjoint and gap-free from intake to the last terminal event of a case that has ended: a clock that CLOSED stops may stand
-- still in RESOLVED. The last span of an open case has no end. Events before intake are clipped to it, those after the last terminal one
-- left out. Of several statuses at one instant, or up to intake, the one stamped last holds, of those stamped alike the last in the order
-- (source sequence, event_id); the last terminal event beats all.
with cases as (
    select
        source,
        case_id,
        intake_date,
        intake_ts,
        last_terminal_at,
        -- Windows sort by a number in less time than by an id.
        row_number() over (order by case_id) as case_number
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

changes as (
    -- Every case is in INTAKE from its intake on, whether or not the log has an event that says so.
    select
        case_number,
        'INTAKE' as status,
        intake_ts as instant,
        intake_ts as canonical_ts,
        cast(-1 as bigint) as source_sequence,
        cast(null as varchar) as event_id
    from cases

    union all

    select
        cases.case_number,
        events.status,
        case when events.canonical_ts < cases.intake_ts then cases.intake_ts else events.canonical_ts end as instant,
        events.canonical_ts,
        events.source_sequence,
        events.event_id
    from events
    inner join cases on events.case_id = cases.case_id
    where cases.last_terminal_at is null or events.canonical_ts < cases.last_terminal_at
),

ordered_changes as (
    select
        *,
        lead(instant) over (
            partition by case_number order by instant, canonical_ts, source_sequence, event_id nulls first
        ) as next_instant
    from changes
),

lasting_changes as (
    select
        *,
        lag(status) over (
            partition by case_number order by instant
        ) as previous_status
    from ordered_changes
    where next_instant is null or next_instant > instant
),

merged_changes as (
    select
        *,
        row_number() over (partition by case_number order by instant) as span_number,
        lead(instant) over (partition by case_number order by instant) as next_stretch_at
    from lasting_changes
    where previous_status is null or previous_status <> status
)

select
    cases.source,
    cases.case_id,
    cases.intake_date,
    cast(merged_changes.span_number as bigint) as span_number,
    merged_changes.status,
    merged_changes.instant as started_at,
    coalesce(merged_changes.next_stretch_at, cases.last_terminal_at) as ended_at,
    merged_changes.next_stretch_at is null and cases.last_terminal_at is null as is_open,
    merged_changes.event_id
from merged_changes
inner join cases on merged_changes.case_number = cases.case_number
where merged_changes.next_stretch_at is not null or cases.last_terminal_at is null or merged_changes.instant < cases.last_terminal_at
