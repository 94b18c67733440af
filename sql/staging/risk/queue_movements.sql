-- One row is the cases of one intake date that came into one queue, or left it, from one date on.
-- A movement counts from the local date on which it happened; one that the log received only after the end of that date counts a day after
-- it was received, so that what is added up before a date was known before it
-- began; a case is known from its intake on. Additive, as staging.daily_flow
-- (docs/decisions/0043-breach-risk.md).
with desk_midnights as (
    select
        local_dates.local_date,
        local_dates.starts_at,
        cast(local_dates.starts_at as date) as utc_date
    from (
        select
            local_date,
            min(segment_start_at) as starts_at
        from staging.business_time
        where calendar = 'desk'
        group by local_date
    ) as local_dates
),

late_events as (
    select
        events.case_id,
        events.canonical_ts,
        max(cast(events.ingestion_ts as date)) + interval 1 day as known_from_date
    from staging.events_clean as events
    left join desk_midnights on cast(events.ingestion_ts as date) = desk_midnights.utc_date
    where
        events.intake_date >= $start_date
        and events.intake_date < $end_date
        and events.ingestion_ts > events.canonical_ts
        and (
            cast(events.ingestion_ts as date) > cast(events.canonical_ts as date)
            or (events.canonical_ts < desk_midnights.starts_at and events.ingestion_ts >= desk_midnights.starts_at)
        )
    group by events.case_id, events.canonical_ts
),

movements as (
    select
        spans.intake_date,
        coalesce(spans.team, 'none') as queue_name,
        case when late_events.known_from_date > spans.started_date then cast(late_events.known_from_date as date) else spans.started_date end as counted_from_date,
        1 as arrived_cases,
        0 as gone_cases
    from staging.backlog_spans as spans
    left join late_events on spans.case_id = late_events.case_id and spans.started_at = late_events.canonical_ts and spans.began_with <> 'opened'
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
        and spans.is_open
        and not spans.is_queue_kept_at_start

    union all

    select
        spans.intake_date,
        coalesce(spans.team, 'none') as queue_name,
        case when late_events.known_from_date > spans.ended_date then cast(late_events.known_from_date as date) else spans.ended_date end as counted_from_date,
        0 as arrived_cases,
        1 as gone_cases
    from staging.backlog_spans as spans
    left join late_events on spans.case_id = late_events.case_id and spans.ended_at = late_events.canonical_ts
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
        and spans.is_open
        and spans.ended_at is not null
        and not spans.is_queue_kept_at_end
)

select
    intake_date,
    queue_name,
    counted_from_date,
    cast(sum(arrived_cases) as bigint) as arrived_cases,
    cast(sum(gone_cases) as bigint) as gone_cases
from movements
group by intake_date, queue_name, counted_from_date
