-- One row is one scenario of scenarios.yml.
-- A per-case counterfactual: shorten_stage takes its share of the case's own stage minutes off the case's resolution;
-- fewer_reopens saves its share of the rework of the reopened cases and moves no first resolution. route_right_first takes the detours off that came
-- straight back unplanned, from the hand-off to the return, and shorten_queue a share of the time queued: open time of the desk's calendar before the
-- first resolution. A case that two levers act on is one case; one whose stage, rework or detour is unknown is not acted on
-- (docs/decisions/0046-ownership.md).
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

-- What another team had of a case that came straight back, and what waited in a queue.
avoidable_spans as (
    select
        levers.scenario,
        levers.reduction_rate,
        cases.case_id,
        visits.started_at as from_at,
        case when returns.started_at < cases.resolved_ts then returns.started_at else cases.resolved_ts end as to_at
    from staging.scenario_levers as levers
    inner join staging.ownership_stints as returns
        on
            (levers.from_team is null or levers.from_team = returns.team)
            and (levers.to_team is null or levers.to_team = returns.previous_team)
    inner join staging.ownership_stints as visits
        on
            returns.intake_date = visits.intake_date
            and returns.case_id = visits.case_id
            and returns.run_number - 1 = visits.run_number
            and visits.previous_team = returns.team
    inner join staging.case_milestones as cases on returns.intake_date = cases.intake_date and returns.case_id = cases.case_id
    where
        levers.lever = 'route_right_first'
        and returns.entered_by = 'return_direct'
        and not returns.is_planned_return
        and visits.started_at < cases.resolved_ts
        and (levers.tier is null or levers.tier = cases.tier)

    union all

    select
        levers.scenario,
        levers.reduction_rate,
        cases.case_id,
        spans.started_at as from_at,
        spans.ended_at as to_at
    from staging.scenario_levers as levers
    inner join staging.ownership_spans as spans on levers.team is null or levers.team = spans.team
    inner join staging.case_milestones as cases on spans.intake_date = cases.intake_date and spans.case_id = cases.case_id
    where
        levers.lever = 'shorten_queue'
        and spans.state = 'queue'
        and spans.ended_at <= cases.resolved_ts
        and (levers.tier is null or levers.tier = cases.tier)
),

avoided_times as (
    select
        spans.scenario,
        spans.case_id,
        max(spans.reduction_rate)
        * sum(
            stop_time.open_seconds_before
            + case
                when stop_time.is_open then (epoch_us(spans.to_at) - epoch_us(stop_time.segment_start_at)) // 1000000
                else 0
            end
            - start_time.open_seconds_before
            - case
                when start_time.is_open then (epoch_us(spans.from_at) - epoch_us(start_time.segment_start_at)) // 1000000
                else 0
            end
        ) / 60.0 as business_minutes
    from avoidable_spans as spans
    inner join staging.business_time as start_time
        on
            start_time.calendar = 'desk'
            and cast(spans.from_at as date) = start_time.utc_date
            and spans.from_at >= start_time.segment_start_at
            and spans.from_at < start_time.segment_end_at
    inner join staging.business_time as stop_time
        on
            stop_time.calendar = 'desk'
            and cast(spans.to_at as date) = stop_time.utc_date
            and spans.to_at >= stop_time.segment_start_at
            and spans.to_at < stop_time.segment_end_at
    group by spans.scenario, spans.case_id
),

earlier_resolutions as (
    select
        scenario,
        case_id,
        business_minutes
    from shortened_stages

    union all

    select
        scenario,
        case_id,
        business_minutes
    from avoided_times
),

affected_cases as (
    select
        coalesce(earlier_resolutions.scenario, reduced_rework.scenario) as scenario,
        coalesce(earlier_resolutions.case_id, reduced_rework.case_id) as case_id,
        coalesce(earlier_resolutions.business_minutes, 0) as earlier_business_minutes,
        cast(coalesce(earlier_resolutions.business_minutes, 0) as decimal(18, 6))
        + cast(coalesce(reduced_rework.business_minutes, 0) as decimal(18, 6)) as saved_business_minutes
    from earlier_resolutions
    full join reduced_rework on earlier_resolutions.scenario = reduced_rework.scenario and earlier_resolutions.case_id = reduced_rework.case_id
    where earlier_resolutions.business_minutes is not null or reduced_rework.business_minutes is not null
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
