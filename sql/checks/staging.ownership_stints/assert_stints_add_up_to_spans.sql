-- Cases whose stints have other seconds than their spans, or whose stints do not follow each other.
-- A failure means that a state is counted in no column, or in two; look first at sql/staging/events/ownership_stints.sql.
with stints as (
    select
        case_id,
        count(*) as stint_count,
        max(stint) as last_stint,
        sum(
            queue_calendar_seconds + active_calendar_seconds + wait_customer_calendar_seconds + wait_other_calendar_seconds
            + done_calendar_seconds
        ) as calendar_seconds
    from staging.ownership_stints
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id
),

spans as (
    select
        case_id,
        max(stint) as last_stint,
        sum(coalesce(calendar_seconds, 0)) as calendar_seconds
    from staging.ownership_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id
)

select
    spans.case_id,
    spans.calendar_seconds as span_calendar_seconds,
    stints.calendar_seconds as stint_calendar_seconds,
    stints.stint_count
from spans
left join stints on spans.case_id = stints.case_id
where
    stints.case_id is null
    or stints.calendar_seconds <> spans.calendar_seconds
    or stints.stint_count <> spans.last_stint
    or stints.last_stint <> spans.last_stint
