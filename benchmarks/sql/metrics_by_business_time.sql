-- One row is one case with TRIAGE and RESOLVED: the brief's case metrics, counted through staging.business_time.
-- The same instants as in metrics_by_minute_spine.sql, and the same result.
with cases as (
    select
        source,
        case_id,
        intake_date,
        intake_ts,
        tier,
        case_type,
        priority,
        triage_ts,
        resolved_ts,
        reopen_count
    from staging.case_milestones
    where triage_ts is not null and resolved_ts is not null
),

waits as (
    select
        spans.case_id,
        spans.started_at,
        case when spans.ended_at < cases.resolved_ts then spans.ended_at else cases.resolved_ts end as ended_at
    from staging.status_spans as spans
    inner join cases on spans.case_id = cases.case_id
    where spans.status = 'CUSTOMER_WAIT' and spans.started_at < cases.resolved_ts
),

business_time as (
    select
        utc_date,
        segment_start_at,
        segment_end_at,
        is_open,
        open_seconds_before
    from staging.business_time
    where calendar = 'desk'
),

paused as (
    select
        waits.case_id,
        sum(
            stop_time.open_seconds_before
            + case
                when stop_time.is_open then (epoch_us(waits.ended_at) - epoch_us(stop_time.segment_start_at)) // 1000000
                else 0
            end
            - start_time.open_seconds_before
            - case
                when start_time.is_open then (epoch_us(waits.started_at) - epoch_us(start_time.segment_start_at)) // 1000000
                else 0
            end
        ) as paused_seconds
    from waits
    inner join business_time as start_time
        on
            cast(waits.started_at as date) = start_time.utc_date
            and waits.started_at >= start_time.segment_start_at
            and waits.started_at < start_time.segment_end_at
    inner join business_time as stop_time
        on
            cast(waits.ended_at as date) = stop_time.utc_date
            and waits.ended_at >= stop_time.segment_start_at
            and waits.ended_at < stop_time.segment_end_at
    group by waits.case_id
),

counted as (
    select
        cases.*,
        intake_time.open_seconds_before
        + case
            when intake_time.is_open then (epoch_us(cases.intake_ts) - epoch_us(intake_time.segment_start_at)) // 1000000
            else 0
        end as intake_seconds,
        triage_time.open_seconds_before
        + case
            when triage_time.is_open then (epoch_us(cases.triage_ts) - epoch_us(triage_time.segment_start_at)) // 1000000
            else 0
        end as triage_seconds,
        resolved_time.open_seconds_before
        + case
            when resolved_time.is_open then (epoch_us(cases.resolved_ts) - epoch_us(resolved_time.segment_start_at)) // 1000000
            else 0
        end as resolved_seconds
    from cases
    inner join business_time as intake_time
        on
            cast(cases.intake_ts as date) = intake_time.utc_date
            and cases.intake_ts >= intake_time.segment_start_at
            and cases.intake_ts < intake_time.segment_end_at
    inner join business_time as triage_time
        on
            cast(cases.triage_ts as date) = triage_time.utc_date
            and cases.triage_ts >= triage_time.segment_start_at
            and cases.triage_ts < triage_time.segment_end_at
    inner join business_time as resolved_time
        on
            cast(cases.resolved_ts as date) = resolved_time.utc_date
            and cases.resolved_ts >= resolved_time.segment_start_at
            and cases.resolved_ts < resolved_time.segment_end_at
),

seconds as (
    select
        counted.*,
        case when counted.triage_ts >= counted.intake_ts then counted.triage_seconds - counted.intake_seconds end
            as first_touch_seconds,
        case when counted.resolved_ts >= counted.intake_ts then counted.resolved_seconds - counted.intake_seconds end
            as resolution_seconds,
        coalesce(paused.paused_seconds, 0) as paused_seconds
    from counted
    left join paused on counted.case_id = paused.case_id
)

select
    source,
    case_id,
    intake_date,
    intake_ts,
    tier,
    case_type,
    priority,
    triage_ts as first_touch_ts,
    resolved_ts as resolution_ts,
    cast(first_touch_seconds / 60.0 as double) as first_touch_business_minutes,
    cast(resolution_seconds / 60.0 as double) as resolution_incl_wait_business_minutes,
    cast((resolution_seconds - paused_seconds) / 60.0 as double) as resolution_paused_business_minutes,
    coalesce(first_touch_seconds > 120 * 60, false) as is_sla_b_breached,
    coalesce(resolution_seconds > 1440 * 60, false) as is_sla_a_incl_wait_breached,
    coalesce(resolution_seconds - paused_seconds > 1440 * 60, false) as is_sla_a_paused_breached,
    reopen_count > 0 as is_reopened
from seconds
