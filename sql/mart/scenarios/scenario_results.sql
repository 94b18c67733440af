-- One row is one scenario of scenarios.yml.
-- A per-case counterfactual: shorten_stage takes its share of the case's own stage minutes off the case's resolution;
-- fewer_reopens saves its share of the rework of the reopened cases and moves no first resolution. A case that two levers act
-- on is one case; one whose stage or rework is unknown is not acted on.
-- Hours are added up as decimals: a sum of floating-point numbers depends on the order in which rows happen to lie.
with shortened_stages as (
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

reduced_rework as (
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

affected_cases as (
    select
        coalesce(shortened_stages.scenario, reduced_rework.scenario) as scenario,
        coalesce(shortened_stages.case_id, reduced_rework.case_id) as case_id,
        coalesce(shortened_stages.business_minutes, 0) as earlier_business_minutes,
        cast(coalesce(shortened_stages.business_minutes, 0) as decimal(18, 6))
        + cast(coalesce(reduced_rework.business_minutes, 0) as decimal(18, 6)) as saved_business_minutes
    from shortened_stages
    full join reduced_rework on shortened_stages.scenario = reduced_rework.scenario and shortened_stages.case_id = reduced_rework.case_id
    where shortened_stages.business_minutes is not null or reduced_rework.business_minutes is not null
),

case_verdicts as (
    select
        case_id,
        resolution_incl_wait_business_minutes,
        resolution_incl_wait_target_business_minutes
    from staging.case_sla_metrics
    where is_sla_a_incl_wait_breached
),

results as (
    select
        affected_cases.scenario,
        count(*) as eligible_cases,
        count(case_verdicts.case_id) as breaches_before,
        count(*) filter (
            where
            case_verdicts.resolution_incl_wait_business_minutes - affected_cases.earlier_business_minutes
            <= case_verdicts.resolution_incl_wait_target_business_minutes
        ) as breaches_avoided,
        sum(affected_cases.saved_business_minutes) / 60.0 as hours_saved
    from affected_cases
    left join case_verdicts on affected_cases.case_id = case_verdicts.case_id
    group by affected_cases.scenario
),

scenario_names as (
    select
        scenario,
        max(description) as description,
        max(rework_measure) as rework_measure
    from staging.scenario_levers
    group by scenario
),

all_cases as (
    select
        count(*) as sla_cases,
        count(*) filter (where is_sla_a_incl_wait_breached) as breaches
    from staging.case_sla_metrics
)

select
    scenario_names.scenario,
    scenario_names.description,
    cast(coalesce(results.eligible_cases, 0) as bigint) as eligible_cases,
    cast(coalesce(results.breaches_before, 0) as bigint) as sla_a_incl_wait_breaches_before,
    cast(coalesce(results.breaches_avoided, 0) as bigint) as sla_a_incl_wait_breaches_avoided,
    cast(100.0 * all_cases.breaches / nullif(all_cases.sla_cases, 0) as double) as breach_pct_before,
    cast(100.0 * (all_cases.breaches - coalesce(results.breaches_avoided, 0)) / nullif(all_cases.sla_cases, 0) as double)
        as breach_pct_after,
    cast(coalesce(results.hours_saved, 0) as double) as hours_saved,
    scenario_names.rework_measure
from scenario_names
left join results on scenario_names.scenario = results.scenario
cross join all_cases
