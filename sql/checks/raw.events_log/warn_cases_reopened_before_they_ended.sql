-- Cases of the window with a reopen that is stamped before the end which the source's order puts ahead of it. Events of which the source says that
-- their zone is wrong are not judged.
-- A failure means that the records of these cases do not come in the order in which things happened, so that the cases count as reopened, and
-- most of them as open; look first whether the log's newest records come first, and set `newest_first` in sources.yml; where records or files
-- come in any other order, set `order_by` to the column of the stamp (docs/add_a_source.md).
with events as (
    select
        source,
        case_id,
        event_id,
        status,
        event_ts,
        source_sequence,
        is_reopen
    from raw.events_log
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and event_ts is not null
        and not coalesce(is_tz_inconsistent, false)
),

reopens as (
    select
        source,
        case_id,
        event_id,
        event_ts,
        source_sequence
    from events
    where is_reopen
),

ends as (
    select
        case_id,
        event_ts,
        source_sequence
    from events
    where status in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
)

select
    reopens.source,
    reopens.case_id,
    count(distinct reopens.event_id) as reopens,
    min(reopens.event_ts) as reopened_at,
    max(ends.event_ts) as ended_at
from reopens
inner join ends
    on
        reopens.case_id = ends.case_id
        and reopens.source_sequence > ends.source_sequence
        and reopens.event_ts < ends.event_ts
group by reopens.source, reopens.case_id
