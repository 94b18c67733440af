-- One row is one tier, case type and whether its cases were reopened: time to the first resolution, customer wait counted.
-- The mean adds up decimals: a sum of floating-point numbers depends on the order in which rows happen to lie.
with cases as (
    select
        coalesce(tier, 'unknown') as tier,
        coalesce(case_type, 'unknown') as case_type,
        is_reopened,
        resolution_incl_wait_business_minutes,
        is_sla_a_incl_wait_breached
    from staging.case_sla_metrics
)

select
    tier,
    case_type,
    is_reopened,
    cast(count(*) as bigint) as cases,
    cast(
        sum(cast(resolution_incl_wait_business_minutes as decimal(18, 6)))
        / nullif(count(resolution_incl_wait_business_minutes), 0) as double
    ) as resolution_incl_wait_avg_business_minutes,
    cast(quantile_cont(resolution_incl_wait_business_minutes, [0.5, 0.9, 0.95])[1] as double) as resolution_incl_wait_p50_business_minutes,
    cast(quantile_cont(resolution_incl_wait_business_minutes, [0.5, 0.9, 0.95])[2] as double) as resolution_incl_wait_p90_business_minutes,
    cast(quantile_cont(resolution_incl_wait_business_minutes, [0.5, 0.9, 0.95])[3] as double) as resolution_incl_wait_p95_business_minutes,
    cast(100.0 * count(*) filter (where is_sla_a_incl_wait_breached) / nullif(count(*), 0) as double)
        as sla_a_incl_wait_breach_pct
from cases
group by tier, case_type, is_reopened
