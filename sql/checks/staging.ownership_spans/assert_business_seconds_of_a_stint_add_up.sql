-- Stints whose spans' business seconds are not the open time of their calendar from their start to their end.
-- A failure means that open time is counted twice or lost; look first at sql/staging/events/ownership_spans.sql.
with stints as (
    select
        case_id,
        stint,
        calendar,
        min(started_at) as started_at,
        max(ended_at) as ended_at,
        sum(business_seconds) as business_seconds,
        sum(inactive_business_seconds) as inactive_business_seconds,
        bool_or(calendar_seconds > 0 and business_seconds is null) as is_outside_horizon
    from staging.ownership_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and ended_at is not null
    group by case_id, stint, calendar
)

select
    stints.case_id,
    stints.stint,
    stints.calendar,
    stints.business_seconds,
    stints.inactive_business_seconds
from stints
inner join staging.business_time as start_time
    on
        stints.calendar = start_time.calendar
        and cast(stints.started_at as date) = start_time.utc_date
        and stints.started_at >= start_time.segment_start_at
        and stints.started_at < start_time.segment_end_at
inner join staging.business_time as stop_time
    on
        stints.calendar = stop_time.calendar
        and cast(stints.ended_at as date) = stop_time.utc_date
        and stints.ended_at >= stop_time.segment_start_at
        and stints.ended_at < stop_time.segment_end_at
where
    not stints.is_outside_horizon
    and stints.business_seconds
    <> stop_time.open_seconds_before
    + case when stop_time.is_open then (epoch_us(stints.ended_at) - epoch_us(stop_time.segment_start_at)) // 1000000 else 0 end
    - start_time.open_seconds_before
    - case when start_time.is_open then (epoch_us(stints.started_at) - epoch_us(start_time.segment_start_at)) // 1000000 else 0 end
