-- One row is one case with TRIAGE and RESOLVED: the SELECT that metrics_by_minute_spine.sql and metrics_by_business_time.sql share, in wall-clock time.
-- Nothing is looked up, so that it takes what neither of them can go below.
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

paused as (
    select
        waits.case_id,
        sum(epoch_us(waits.ended_at) // 1000000 - epoch_us(waits.started_at) // 1000000) as paused_seconds
    from waits
    group by waits.case_id
),

counted as (
    select
        cases.*,
        epoch_us(cases.intake_ts) // 1000000
            as intake_seconds,
        epoch_us(cases.triage_ts) // 1000000
            as triage_seconds,
        epoch_us(cases.resolved_ts) // 1000000
            as resolved_seconds
    from cases
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
