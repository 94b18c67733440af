-- One row: everything loaded.
-- Percentages and percentiles are over the SLA cases (with TRIAGE and RESOLVED); exact percentiles, never averages of days.
with sla_case_measures as (
    select
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
),

intake_counts as (
    select
        min(intake_date) as first_intake_date,
        max(intake_date) as last_intake_date,
        coalesce(sum(opened_cases), 0) as opened_cases
    from mart.sla_daily
)

select
    intake_counts.first_intake_date,
    intake_counts.last_intake_date,
    cast(intake_counts.opened_cases as bigint) as opened_cases,
    cast(sla_case_measures.sla_cases as bigint) as sla_cases,
    cast(sla_case_measures.sla_b_breached_cases as bigint) as sla_b_breached_cases,
    cast(sla_case_measures.sla_a_incl_wait_breached_cases as bigint) as sla_a_incl_wait_breached_cases,
    cast(sla_case_measures.sla_a_paused_breached_cases as bigint) as sla_a_paused_breached_cases,
    cast(100.0 * sla_case_measures.sla_b_breached_cases / nullif(sla_case_measures.sla_cases, 0) as double) as sla_b_breach_pct,
    cast(100.0 * sla_case_measures.sla_a_incl_wait_breached_cases / nullif(sla_case_measures.sla_cases, 0) as double)
        as sla_a_incl_wait_breach_pct,
    cast(100.0 * sla_case_measures.sla_a_paused_breached_cases / nullif(sla_case_measures.sla_cases, 0) as double) as sla_a_paused_breach_pct,
    cast(sla_case_measures.first_touch_p50_business_minutes as double) as first_touch_p50_business_minutes,
    cast(sla_case_measures.first_touch_p90_business_minutes as double) as first_touch_p90_business_minutes,
    cast(sla_case_measures.first_touch_p95_business_minutes as double) as first_touch_p95_business_minutes,
    cast(sla_case_measures.resolution_incl_wait_p50_business_minutes as double) as resolution_incl_wait_p50_business_minutes,
    cast(sla_case_measures.resolution_incl_wait_p90_business_minutes as double) as resolution_incl_wait_p90_business_minutes,
    cast(sla_case_measures.resolution_incl_wait_p95_business_minutes as double) as resolution_incl_wait_p95_business_minutes,
    cast(sla_case_measures.resolution_paused_p50_business_minutes as double) as resolution_paused_p50_business_minutes,
    cast(sla_case_measures.resolution_paused_p90_business_minutes as double) as resolution_paused_p90_business_minutes,
    cast(sla_case_measures.resolution_paused_p95_business_minutes as double) as resolution_paused_p95_business_minutes
from sla_case_measures
cross join intake_counts
