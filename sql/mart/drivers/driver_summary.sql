-- One row is one finding: what drives time and breaches, as a key and a figure; its words are the report's.
with bottleneck as (
    select
        'primary_bottleneck' as finding,
        tier,
        stage,
        p95_business_minutes as figure,
        'business minutes' as unit
    from mart.driver_stage_durations
    order by p95_business_minutes desc, tier, stage
    limit 1
),

tiers as (
    select
        coalesce(tier, 'unknown') as tier,
        100.0 * count(*) filter (where is_sla_a_incl_wait_breached) / nullif(count(*), 0) as breach_pct
    from staging.case_sla_metrics
    group by coalesce(tier, 'unknown')
),

lifts as (
    select
        max(sla_b_breach_pct) filter (where exposure_decile = 9) - max(sla_b_breach_pct) filter (where exposure_decile = 5)
            as sla_b_lift,
        max(sla_a_incl_wait_breach_pct) filter (where exposure_decile = 9)
        - max(sla_a_incl_wait_breach_pct) filter (where exposure_decile = 5) as sla_a_lift
    from mart.driver_congestion_buckets
),

findings as (
    select
        finding,
        tier,
        stage,
        figure,
        unit
    from bottleneck

    union all

    select
        'tier_gradient' as finding,
        cast(null as varchar) as tier,
        cast(null as varchar) as stage,
        max(breach_pct) - min(breach_pct) as figure,
        'percentage points' as unit
    from tiers

    union all

    select
        'congestion_lift_sla_b' as finding,
        cast(null as varchar) as tier,
        cast(null as varchar) as stage,
        sla_b_lift as figure,
        'percentage points' as unit
    from lifts

    union all

    select
        'congestion_lift_sla_a_incl_wait' as finding,
        cast(null as varchar) as tier,
        cast(null as varchar) as stage,
        sla_a_lift as figure,
        'percentage points' as unit
    from lifts

    union all

    select
        'reopened_share' as finding,
        cast(null as varchar) as tier,
        cast(null as varchar) as stage,
        100.0 * count(*) filter (where reopen_count > 0) / nullif(count(*), 0) as figure,
        'percent' as unit
    from staging.case_milestones
)

select
    finding,
    tier,
    stage,
    cast(figure as double) as figure,
    unit
from findings
