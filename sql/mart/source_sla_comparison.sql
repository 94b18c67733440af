-- One row is one source that has verdicts or resolved stamps of its own: they stand beside ours.
-- Ours is the clock of first_resolution by the promise that the source itself made to the case (its due date, the policy it applied);
-- of a source that promises nobody a resolution, SLA A, customer wait counted. The hours are calendar hours from intake to the source's
-- own resolved stamp.
with comparable as (
    select distinct source
    from staging.case_milestones
    where source_is_sla_met is not null or source_resolved_ts is not null
),

clocks as (
    select
        source,
        case_id,
        outcome,
        is_source_promise,
        bool_or(is_source_promise) over (partition by source) as is_promised_by_source
    from staging.sla_clocks
    where
        metric = 'first_resolution'
        and cycle = 1
        and not is_superseded
        and source in (select comparable.source from comparable)
),

-- Both sides of a case as rows and grouped, not joined: without a comparable source neither table is read.
sides as (
    select
        milestones.source,
        milestones.case_id,
        milestones.source_is_sla_met,
        cast(null as boolean) as our_is_sla_met,
        milestones.intake_ts,
        milestones.source_resolved_ts
    from comparable
    inner join staging.case_milestones as milestones on comparable.source = milestones.source

    union all

    select
        clocks.source,
        clocks.case_id,
        cast(null as boolean) as source_is_sla_met,
        case clocks.outcome
            when 'met' then true
            when 'breached' then false
        end as our_is_sla_met,
        cast(null as timestamp) as intake_ts,
        cast(null as timestamp) as source_resolved_ts
    from clocks
    where clocks.is_source_promise = clocks.is_promised_by_source
),

stamped as (
    select
        source,
        case_id,
        max(source_is_sla_met) as source_is_sla_met,
        max(our_is_sla_met) as our_is_sla_met,
        max(intake_ts) as intake_ts,
        max(source_resolved_ts) as source_resolved_ts
    from sides
    group by source, case_id
),

cases as (
    select
        source,
        source_is_sla_met,
        our_is_sla_met,
        source_resolved_ts,
        (epoch_us(source_resolved_ts) - epoch_us(intake_ts)) / 3600000000.0 as calendar_hours
    from stamped
)

select
    source,
    cast(count(*) as bigint) as cases,
    cast(count(source_is_sla_met) as bigint) as source_verdict_cases,
    cast(100.0 * count(*) filter (where not source_is_sla_met) / nullif(count(source_is_sla_met), 0) as double)
        as source_breach_pct,
    cast(count(our_is_sla_met) as bigint) as our_verdict_cases,
    cast(100.0 * count(*) filter (where not our_is_sla_met) / nullif(count(our_is_sla_met), 0) as double) as our_breach_pct,
    cast(count(*) filter (where source_is_sla_met is not null and our_is_sla_met is not null) as bigint)
        as both_verdict_cases,
    cast(count(*) filter (where source_is_sla_met = our_is_sla_met) as bigint) as agreeing_cases,
    cast(count(source_resolved_ts) as bigint) as source_resolved_cases,
    cast(quantile_cont(calendar_hours, 0.5) as double) as source_resolution_p50_calendar_hours,
    cast(quantile_cont(calendar_hours, 0.75) as double) as source_resolution_p75_calendar_hours,
    cast(quantile_cont(calendar_hours, 0.9) as double) as source_resolution_p90_calendar_hours,
    cast(quantile_cont(calendar_hours, 0.95) as double) as source_resolution_p95_calendar_hours
from cases
group by source
