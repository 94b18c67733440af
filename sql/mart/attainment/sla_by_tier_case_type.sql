-- One row is one tier and case type, over everything loaded.
-- Percentages and percentiles are over the SLA cases (with TRIAGE and RESOLVED); exact percentiles, never averages of days.
with sla_case_measures as (
    select
        coalesce(tier, 'unknown') as tier,
        coalesce(case_type, 'unknown') as case_type,
        count(*) as sla_cases,
        count(*) filter (where is_sla_b_breached) as sla_b_breached_cases,
        count(*) filter (where is_sla_a_incl_wait_breached) as sla_a_incl_wait_breached_cases,
        count(*) filter (where is_sla_a_paused_breached) as sla_a_paused_breached_cases,
        quantile_cont(first_touch_business_minutes, [0.5, 0.9, 0.95])[1] as first_touch_p50_business_minutes,
        quantile_cont(first_touch_business_minutes, [0.5, 0.9, 0.95])[2] as first_touch_p90_business_minutes,
        quantile_cont(first_touch_business_minutes, [0.5, 0.9, 0.95])[3] as first_touch_p95_business_minutes,
        quantile_cont(resolution_incl_wait_business_minutes, [0.5, 0.9, 0.95])[1] as resolution_incl_wait_p50_business_minutes,
        quantile_cont(resolution_incl_wait_business_minutes, [0.5, 0.9, 0.95])[2] as resolution_incl_wait_p90_business_minutes,
        quantile_cont(resolution_incl_wait_business_minutes, [0.5, 0.9, 0.95])[3] as resolution_incl_wait_p95_business_minutes,
        quantile_cont(resolution_paused_business_minutes, [0.5, 0.9, 0.95])[1] as resolution_paused_p50_business_minutes,
        quantile_cont(resolution_paused_business_minutes, [0.5, 0.9, 0.95])[2] as resolution_paused_p90_business_minutes,
        quantile_cont(resolution_paused_business_minutes, [0.5, 0.9, 0.95])[3] as resolution_paused_p95_business_minutes
    from staging.case_sla_metrics
    group by coalesce(tier, 'unknown'), coalesce(case_type, 'unknown')
)

select
    tier,
    case_type,
    cast(sla_cases as bigint) as sla_cases,
    cast(sla_b_breached_cases as bigint) as sla_b_breached_cases,
    cast(sla_a_incl_wait_breached_cases as bigint) as sla_a_incl_wait_breached_cases,
    cast(sla_a_paused_breached_cases as bigint) as sla_a_paused_breached_cases,
    cast(100.0 * sla_b_breached_cases / nullif(sla_cases, 0) as double) as sla_b_breach_pct,
    cast(100.0 * sla_a_incl_wait_breached_cases / nullif(sla_cases, 0) as double) as sla_a_incl_wait_breach_pct,
    cast(100.0 * sla_a_paused_breached_cases / nullif(sla_cases, 0) as double) as sla_a_paused_breach_pct,
    cast(first_touch_p50_business_minutes as double) as first_touch_p50_business_minutes,
    cast(first_touch_p90_business_minutes as double) as first_touch_p90_business_minutes,
    cast(first_touch_p95_business_minutes as double) as first_touch_p95_business_minutes,
    cast(resolution_incl_wait_p50_business_minutes as double) as resolution_incl_wait_p50_business_minutes,
    cast(resolution_incl_wait_p90_business_minutes as double) as resolution_incl_wait_p90_business_minutes,
    cast(resolution_incl_wait_p95_business_minutes as double) as resolution_incl_wait_p95_business_minutes,
    cast(resolution_paused_p50_business_minutes as double) as resolution_paused_p50_business_minutes,
    cast(resolution_paused_p90_business_minutes as double) as resolution_paused_p90_business_minutes,
    cast(resolution_paused_p95_business_minutes as double) as resolution_paused_p95_business_minutes
from sla_case_measures
