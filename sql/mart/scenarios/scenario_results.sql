-- One row is one scenario of scenarios.yml.
-- A per-case counterfactual: shorten_stage takes its share of the case's own stage minutes off the case's resolution;
-- fewer_reopens saves its share of the rework of the reopened cases and moves no first resolution. A case that two levers act
-- on is one case; one whose stage or rework is unknown is not acted on.
-- Hours are added up as decimals: a sum of floating-point numbers depends on the order in which rows happen to lie.
with shortened as (
    select
        levers.scenario,
        stages.case_id,
        levers.reduction_rate
        * case levers.stage
            when 'triage_to_investigation' then stages.triage_to_investigation_business_minutes
            when 'investigation_to_review' then stages.investigation_to_review_business_minutes
            when 'review_to_resolved' then stages.review_to_resolved_business_minutes
        end as business_minutes
    from staging.scenario_levers as levers
    inner join staging.case_stage_durations as stages on levers.tier is null or levers.tier = stages.tier
    where levers.lever = 'shorten_stage'
),

reworked as (
    select
        levers.scenario,
        rework.case_id,
        levers.reduction_rate
        * case levers.rework_measure
            when 'proxy' then rework.proxy_rework_business_minutes
            when 'measured' then rework.measured_rework_business_minutes
        end as business_minutes
    from staging.scenario_levers as levers
    inner join staging.reopen_penalty as rework on levers.tier is null or levers.tier = rework.tier
    where levers.lever = 'fewer_reopens'
),

affected as (
    select
        coalesce(shortened.scenario, reworked.scenario) as scenario,
        coalesce(shortened.case_id, reworked.case_id) as case_id,
        coalesce(shortened.business_minutes, 0) as earlier_business_minutes,
        cast(coalesce(shortened.business_minutes, 0) as decimal(18, 6))
        + cast(coalesce(reworked.business_minutes, 0) as decimal(18, 6)) as saved_business_minutes
    from shortened
    full join reworked on shortened.scenario = reworked.scenario and shortened.case_id = reworked.case_id
    where shortened.business_minutes is not null or reworked.business_minutes is not null
),

breached as (
    select
        case_id,
        resolution_incl_wait_business_minutes,
        resolution_incl_wait_target_business_minutes
    from staging.case_sla_metrics
    where is_sla_a_incl_wait_breached
),

results as (
    select
        affected.scenario,
        count(*) as eligible_cases,
        count(breached.case_id) as breaches_before,
        count(*) filter (
            where
            breached.resolution_incl_wait_business_minutes - affected.earlier_business_minutes
            <= breached.resolution_incl_wait_target_business_minutes
        ) as breaches_avoided,
        sum(affected.saved_business_minutes) / 60.0 as hours_saved
    from affected
    left join breached on affected.case_id = breached.case_id
    group by affected.scenario
),

named as (
    select
        scenario,
        max(description) as description,
        max(rework_measure) as rework_measure
    from staging.scenario_levers
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
