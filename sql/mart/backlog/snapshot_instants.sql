-- One row is one local date that is over by now: the instant at which the backlog is told at its end.
-- From the first intake date loaded on, dates that were not loaded included. What happened before the date's end counts, what happened at that very
-- instant belongs to the next date: seen_before_at. Who asks for another instant puts it in the place of this table: `opsla backlog --as-of`
-- (docs/decisions/0039-backlog-snapshot.md).
with day_ends as (
    select
        desk_time.local_date,
        min(desk_time.segment_start_at) as day_start_at,
        max(desk_time.segment_end_at) as day_end_at
    from staging.business_time as desk_time
    inner join mart.desk_now as desk_now on desk_time.local_date >= desk_now.first_intake_date and desk_time.local_date <= desk_now.last_intake_date
    where desk_time.calendar = 'desk'
    group by desk_time.local_date
)

select
    day_ends.local_date as snapshot_date,
    day_ends.day_start_at as snapshot_from_at,
    day_ends.day_end_at as snapshot_at,
    day_ends.day_end_at as seen_before_at
from day_ends
inner join mart.desk_now as desk_now on day_ends.day_end_at <= desk_now.now_at
