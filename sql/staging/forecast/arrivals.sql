-- One row is the arrivals of cases of one intake date: in one queue, on one local date, known since one local date.
-- An arrival is a case that came in, came back or was moved into the queue, as in mart.backlog_daily. It is known from the local date on which the log
-- had received every event of its instant: what a forecast at the end of a past date could see is what was known by then
-- (docs/decisions/0042-forecast.md). One received on the date itself, or by the clock of the log before it happened, is known on its date; so is one
-- that no event of the same instant tells of, as an intake that the source's list of cases alone has.
with local_dates as (
    select
        local_date,
        min(segment_start_at) as starts_at
    from staging.business_time
    where calendar = 'desk'
    group by local_date
),

-- The local dates that a UTC date has a part of.
utc_dates as (
    select
        parts.utc_date,
        parts.first_date,
        first_dates.starts_at as first_from_at,
        parts.last_date,
        last_dates.starts_at as last_from_at
    from (
        select
            utc_date,
            min(local_date) as first_date,
            max(local_date) as last_date
        from staging.business_time
        where calendar = 'desk'
        group by utc_date
    ) as parts
    inner join local_dates as first_dates on parts.first_date = first_dates.local_date
    inner join local_dates as last_dates on parts.last_date = last_dates.local_date
),

late_instants as (
    select
        events.case_id,
        events.canonical_ts,
        max(case when events.ingestion_ts >= utc_dates.last_from_at then utc_dates.last_date else utc_dates.first_date end) as known_date
    from staging.events_deduped as events
    inner join utc_dates on cast(events.ingestion_ts as date) = utc_dates.utc_date
    where
        events.intake_date >= $start_date
        and events.intake_date < $end_date
        and events.canonical_ts < case when events.ingestion_ts >= utc_dates.last_from_at then utc_dates.last_from_at else utc_dates.first_from_at end
    group by events.case_id, events.canonical_ts
),

arrived_spans as (
    select
        case_id,
        intake_date,
        started_at,
        started_date,
        began_with,
        coalesce(team, 'none') as queue
    from staging.backlog_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and is_open
        and not is_queue_kept_at_start
)

select
    spans.intake_date,
    spans.started_date as calendar_date,
    spans.queue,
    coalesce(late_instants.known_date, spans.started_date) as known_date,
    cast(count(*) filter (where spans.began_with = 'opened') as bigint) as opened_cases,
    cast(count(*) filter (where spans.began_with = 'reopened') as bigint) as reopened_cases,
    cast(count(*) filter (where spans.began_with = 'changed') as bigint) as moved_in_cases
from arrived_spans as spans
left join late_instants on spans.case_id = late_instants.case_id and spans.started_at = late_instants.canonical_ts
group by spans.intake_date, spans.started_date, spans.queue, coalesce(late_instants.known_date, spans.started_date)
