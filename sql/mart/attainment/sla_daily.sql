-- One row is one intake date.
-- Percentages and percentiles are over the SLA cases (with TRIAGE and RESOLVED) of that date; exact percentiles.
with opened as (
    select
        intake_date,
        count(*) as opened_cases
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

judged as (
    select
        intake_date,
        count(*) as sla_cases,
        count(*) filter (where is_sla_b_breached) as sla_b_breached_cases,
        count(*) filter (where is_sla_a_incl_wait_breached) as sla_a_incl_wait_breached_cases,
        count(*) filter (where is_sla_a_paused_breached) as sla_a_paused_breached_cases,
        quantile_cont(first_touch_business_minutes, 0.5) as first_touch_p50_business_minutes,
        quantile_cont(first_touch_business_minutes, 0.9) as first_touch_p90_business_minutes,
        quantile_cont(first_touch_business_minutes, 0.95) as first_touch_p95_business_minutes,
        quantile_cont(resolution_incl_wait_business_minutes, 0.5) as resolution_incl_wait_p50_business_minutes,
        quantile_cont(resolution_incl_wait_business_minutes, 0.9) as resolution_incl_wait_p90_business_minutes,
        quantile_cont(resolution_incl_wait_business_minutes, 0.95) as resolution_incl_wait_p95_business_minutes,
        quantile_cont(resolution_paused_business_minutes, 0.5) as resolution_paused_p50_business_minutes,
        quantile_cont(resolution_paused_business_minutes, 0.9) as resolution_paused_p90_business_minutes,
        quantile_cont(resolution_paused_business_minutes, 0.95) as resolution_paused_p95_business_minutes
    from staging.case_sla_metrics
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
)

select
    opened.intake_date,
    cast(opened.opened_cases as bigint) as opened_cases,
    cast(coalesce(judged.sla_cases, 0) as bigint) as sla_cases,
    cast(coalesce(judged.sla_b_breached_cases, 0) as bigint) as sla_b_breached_cases,
    cast(coalesce(judged.sla_a_incl_wait_breached_cases, 0) as bigint) as sla_a_incl_wait_breached_cases,
    cast(coalesce(judged.sla_a_paused_breached_cases, 0) as bigint) as sla_a_paused_breached_cases,
    cast(100.0 * judged.sla_b_breached_cases / nullif(judged.sla_cases, 0) as double) as sla_b_breach_pct,
    cast(100.0 * judged.sla_a_incl_wait_breached_cases / nullif(judged.sla_cases, 0) as double)
        as sla_a_incl_wait_breach_pct,
    cast(100.0 * judged.sla_a_paused_breached_cases / nullif(judged.sla_cases, 0) as double) as sla_a_paused_breach_pct,
    cast(judged.first_touch_p50_business_minutes as double) as first_touch_p50_business_minutes,
    cast(judged.first_touch_p90_business_minutes as double) as first_touch_p90_business_minutes,
    cast(judged.first_touch_p95_business_minutes as double) as first_touch_p95_business_minutes,
    cast(judged.resolution_incl_wait_p50_business_minutes as double) as resolution_incl_wait_p50_business_minutes,
    cast(judged.resolution_incl_wait_p90_business_minutes as double) as resolution_incl_wait_p90_business_minutes,
    cast(judged.resolution_incl_wait_p95_business_minutes as double) as resolution_incl_wait_p95_business_minutes,
    cast(judged.resolution_paused_p50_business_minutes as double) as resolution_paused_p50_business_minutes,
    cast(judged.resolution_paused_p90_business_minutes as double) as resolution_paused_p90_business_minutes,
    cast(judged.resolution_paused_p95_business_minutes as double) as resolution_paused_p95_business_minutes
from opened
left join judged on opened.intake_date = judged.intake_date
