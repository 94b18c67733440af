-- One row is one reopened case and its measured rework.
-- It runs from the first reopen to the last RESOLVED, or to a later CLOSED that ended the case, in open minutes of the calendar on which its
-- first resolution counts; NULL while the case is open again (docs/decisions/0005-business-time-F.md).
with endings as (
    select
        case_id,
        intake_date,
        tier,
        case_type,
        reopen_count,
        reopened_ts,
        last_resolved_ts,
        case
            when is_open then null
            when is_cancelled or last_resolved_ts > ended_at then last_resolved_ts
            else ended_at
        end as done_ts
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and reopen_count > 0
),

cases as (
    select
        *,
        case when done_ts >= reopened_ts then done_ts end as reworked_ts
    from endings
),

-- A case whose first resolution was not judged counts on the desk's own hours.
rework_spans as (
    select
        cases.*,
        coalesce(metrics.resolution_calendar, 'desk') as calendar
    from cases
    left join staging.case_sla_metrics as metrics
        on
            cases.case_id = metrics.case_id
            and cases.intake_date = metrics.intake_date
            and metrics.intake_date >= $start_date
            and metrics.intake_date < $end_date
)

select
    rework_spans.case_id,
    rework_spans.intake_date,
    rework_spans.tier,
    rework_spans.case_type,
    rework_spans.reopen_count,
    rework_spans.reopened_ts,
    rework_spans.last_resolved_ts,
    cast(
        (
            stop_time.open_seconds_before
            + case
                when stop_time.is_open
                    then (epoch_us(rework_spans.reworked_ts) - epoch_us(stop_time.segment_start_at)) // 1000000
                else 0
            end
            - start_time.open_seconds_before
            - case
                when start_time.is_open
                    then (epoch_us(rework_spans.reopened_ts) - epoch_us(start_time.segment_start_at)) // 1000000
                else 0
            end
        ) / 60.0 as double
    ) as measured_rework_business_minutes
from rework_spans
left join staging.business_time as start_time
    on
        rework_spans.calendar = start_time.calendar
        and cast(rework_spans.reopened_ts as date) = start_time.utc_date
        and rework_spans.reopened_ts >= start_time.segment_start_at
        and rework_spans.reopened_ts < start_time.segment_end_at
left join staging.business_time as stop_time
    on
        rework_spans.calendar = stop_time.calendar
        and cast(rework_spans.reworked_ts as date) = stop_time.utc_date
        and rework_spans.reworked_ts >= stop_time.segment_start_at
        and rework_spans.reworked_ts < stop_time.segment_end_at
