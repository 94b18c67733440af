-- One row is one scenario of scenarios.yml.
-- A per-case counterfactual: shorten_stage takes its share of the case's own stage minutes off the case's resolution;
-- fewer_reopens saves its share of the rework of the reopened cases and moves no first resolution. A case that two levers act
-- on is one case; one whose stage or rework is unknown is not acted on.
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

rework as (
    select
        case_id,
        tier,
        'proxy' as rework_measure,
        proxy_rework_business_minutes as business_minutes
    from staging.reopen_penalty

    union all

    select
        case_id,
        tier,
        'measured' as rework_measure,
        measured_rework_business_minutes as business_minutes
    from staging.reopen_penalty
),

effects as (
    select
        levers.scenario,
        stages.case_id,
        levers.reduction_rate * stages.business_minutes as earlier_business_minutes,
        levers.reduction_rate * stages.business_minutes as saved_business_minutes
    from levers
    inner join stages on levers.stage = stages.stage and (levers.tier is null or levers.tier = stages.tier)
    where levers.lever = 'shorten_stage' and stages.business_minutes is not null

    union all

    select
        levers.scenario,
        rework.case_id,
        0.0 as earlier_business_minutes,
        levers.reduction_rate * rework.business_minutes as saved_business_minutes
    from levers
    inner join rework
        on levers.rework_measure = rework.rework_measure and (levers.tier is null or levers.tier = rework.tier)
    where levers.lever = 'fewer_reopens' and rework.business_minutes is not null
),

affected as (
    select
        scenario,
        case_id,
        max(earlier_business_minutes) as earlier_business_minutes,
        sum(cast(saved_business_minutes as decimal(18, 6))) as saved_business_minutes
    from effects
    group by scenario, case_id
),

target as (
    select max(target_seconds) / 60.0 as target_business_minutes
    from staging.sla_clock_rules
    where clock = 'sla_a_resolution'
),

outcomes as (
    select
        affected.scenario,
        affected.saved_business_minutes,
        coalesce(metrics.is_sla_a_incl_wait_breached, false) as is_breached_before,
        metrics.resolution_incl_wait_business_minutes - affected.earlier_business_minutes > target.target_business_minutes
            as is_breached_after
    from affected
    left join staging.case_sla_metrics as metrics on affected.case_id = metrics.case_id
    cross join target
),

results as (
    select
        scenario,
        count(*) as eligible_cases,
        count(*) filter (where is_breached_before) as breaches_before,
        count(*) filter (where is_breached_before and not is_breached_after) as breaches_avoided,
        sum(saved_business_minutes) / 60.0 as hours_saved
    from outcomes
    group by scenario
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
    cast(coalesce(results.eligible_cases, 0) as bigint) as eligible_cases,
    cast(coalesce(results.breaches_before, 0) as bigint) as sla_a_incl_wait_breaches_before,
    cast(coalesce(results.breaches_avoided, 0) as bigint) as sla_a_incl_wait_breaches_avoided,
    cast(100.0 * everyone.breaches / nullif(everyone.sla_cases, 0) as double) as breach_pct_before,
    cast(100.0 * (everyone.breaches - coalesce(results.breaches_avoided, 0)) / nullif(everyone.sla_cases, 0) as double)
        as breach_pct_after,
    cast(coalesce(results.hours_saved, 0) as double) as hours_saved,
    named.rework_measure
from named
left join results on named.scenario = results.scenario
cross join everyone
