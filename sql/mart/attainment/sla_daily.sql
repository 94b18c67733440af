-- One row is one intake date.
-- Percentages and percentiles are over the SLA cases (with TRIAGE and RESOLVED) of that date; exact percentiles.
with intake_counts as (
    select
        intake_date,
        count(*) as opened_cases
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

sla_case_measures as (
    select
        intake_date,
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
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
)

select
    intake_counts.intake_date,
    cast(intake_counts.opened_cases as bigint) as opened_cases,
    cast(coalesce(sla_case_measures.sla_cases, 0) as bigint) as sla_cases,
    cast(coalesce(sla_case_measures.sla_b_breached_cases, 0) as bigint) as sla_b_breached_cases,
    cast(coalesce(sla_case_measures.sla_a_incl_wait_breached_cases, 0) as bigint) as sla_a_incl_wait_breached_cases,
    cast(coalesce(sla_case_measures.sla_a_paused_breached_cases, 0) as bigint) as sla_a_paused_breached_cases,
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
from intake_counts
left join sla_case_measures on intake_counts.intake_date = sla_case_measures.intake_date
