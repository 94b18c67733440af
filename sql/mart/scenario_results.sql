-- One row is one scenario of scenarios.yml.
-- A per-case counterfactual, additive over intake dates: shorten_stage takes its share of the case's own stage minutes off the
-- case's resolution; fewer_reopens saves its share of the rework of the reopened cases and moves no first resolution.
-- Hours are added up as decimals: a sum of floating-point numbers depends on the order in which rows happen to lie.
with levers as (
    select *
    from staging.scenario_levers
),

stages as (
    select
        case_id,
        tier,
        'triage_to_investigation' as stage,
        triage_to_investigation_business_minutes as business_minutes
    from staging.case_stage_durations

    union all

    select
        case_id,
        tier,
        'investigation_to_review' as stage,
        investigation_to_review_business_minutes as business_minutes
    from staging.case_stage_durations

    union all

    select
        case_id,
        tier,
        'review_to_resolved' as stage,
        review_to_resolved_business_minutes as business_minutes
    from staging.case_stage_durations
),

target as (
    select max(target_seconds) / 60.0 as target_business_minutes
    from staging.sla_clock_rules
    where clock = 'sla_a_resolution'
),

shortened as (
    select
        levers.scenario,
        metrics.is_sla_a_incl_wait_breached as is_breached_before,
        metrics.resolution_incl_wait_business_minutes - levers.reduction_rate * stages.business_minutes
        > target.target_business_minutes as is_breached_after,
        levers.reduction_rate * stages.business_minutes as saved_business_minutes
    from levers
    inner join stages on levers.stage = stages.stage and (levers.tier is null or levers.tier = stages.tier)
    inner join staging.case_sla_metrics as metrics on stages.case_id = metrics.case_id
    cross join target
    where levers.lever = 'shorten_stage'
),

stage_effect as (
    select
        scenario,
        count(*) as eligible_cases,
        count(*) filter (where is_breached_before) as breaches_before,
        count(*) filter (where is_breached_before and not is_breached_after) as breaches_avoided,
        sum(cast(saved_business_minutes as decimal(18, 6))) / 60.0 as hours_saved
    from shortened
    group by scenario
),

reopen_effect as (
    select
        levers.scenario,
        count(*) as eligible_cases,
        sum(
            cast(
                levers.reduction_rate
                * case levers.rework_measure
                    when 'proxy' then reopens.proxy_rework_business_minutes
                    else reopens.measured_rework_business_minutes
                end as decimal(18, 6)
            )
        ) / 60.0 as hours_saved
    from levers
    inner join staging.reopen_penalty as reopens on levers.tier is null or levers.tier = reopens.tier
    where levers.lever = 'fewer_reopens'
    group by levers.scenario
),

named as (
    select
        scenario,
        max(description) as description,
        max(rework_measure) as rework_measure
    from levers
    group by scenario
),

everyone as (
    select
        count(*) as sla_cases,
        count(*) filter (where is_sla_a_incl_wait_breached) as breaches
    from staging.case_sla_metrics
)

select
    named.scenario,
    named.description,
    cast(coalesce(stage_effect.eligible_cases, 0) + coalesce(reopen_effect.eligible_cases, 0) as bigint) as eligible_cases,
    cast(coalesce(stage_effect.breaches_before, 0) as bigint) as sla_a_incl_wait_breaches_before,
    cast(coalesce(stage_effect.breaches_avoided, 0) as bigint) as sla_a_incl_wait_breaches_avoided,
    cast(100.0 * everyone.breaches / nullif(everyone.sla_cases, 0) as double) as breach_pct_before,
    cast(
        100.0 * (everyone.breaches - coalesce(stage_effect.breaches_avoided, 0)) / nullif(everyone.sla_cases, 0) as double
    ) as breach_pct_after,
    cast(coalesce(stage_effect.hours_saved, 0) + coalesce(reopen_effect.hours_saved, 0) as double) as hours_saved,
    named.rework_measure
from named
left join stage_effect on named.scenario = stage_effect.scenario
left join reopen_effect on named.scenario = reopen_effect.scenario
cross join everyone
