-- One row is one tier and stage, over the cases that passed the stage; exact percentiles.
-- A tier's bottleneck is its stage with the largest p95; of equal ones the first in the order of the stages' names.
with stages as (
    select
        coalesce(tier, 'unknown') as tier,
        'triage_to_investigation' as stage,
        triage_to_investigation_business_minutes as business_minutes
    from staging.case_stage_durations

    union all

    select
        coalesce(tier, 'unknown') as tier,
        'investigation_to_review' as stage,
        investigation_to_review_business_minutes as business_minutes
    from staging.case_stage_durations

    union all

    select
        coalesce(tier, 'unknown') as tier,
        'review_to_resolved' as stage,
        review_to_resolved_business_minutes as business_minutes
    from staging.case_stage_durations
),

percentiles as (
    select
        tier,
        stage,
        count(*) as cases,
        quantile_cont(business_minutes, [0.5, 0.9, 0.95])[1] as p50_business_minutes,
        quantile_cont(business_minutes, [0.5, 0.9, 0.95])[2] as p90_business_minutes,
        quantile_cont(business_minutes, [0.5, 0.9, 0.95])[3] as p95_business_minutes
    from stages
    where business_minutes is not null
    group by tier, stage
)

select
    tier,
    stage,
    cast(cases as bigint) as cases,
    cast(p50_business_minutes as double) as p50_business_minutes,
    cast(p90_business_minutes as double) as p90_business_minutes,
    cast(p95_business_minutes as double) as p95_business_minutes,
    row_number() over (partition by tier order by p95_business_minutes desc, stage) = 1 as is_tier_bottleneck
from percentiles
