-- Segments that do not begin where the one before ended, or whose F does not follow from it.
-- A failure means that business time would be wrong for every clock; look first at calendars.yml and opsla_dagster/calendars.py.
with ordered_segments as (
    select
        calendar,
        segment_start_at,
        open_seconds_before,
        lag(segment_end_at) over (partition by calendar order by segment_start_at) as previous_end_at,
        lag(
            open_seconds_before
            + case when is_open then (epoch_us(segment_end_at) - epoch_us(segment_start_at)) // 1000000 else 0 end
        ) over (partition by calendar order by segment_start_at) as expected_open_seconds
    from staging.business_time
)

select *
from ordered_segments
where
    previous_end_at is not null
    and (previous_end_at <> segment_start_at or expected_open_seconds <> open_seconds_before)
