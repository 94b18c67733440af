-- One row is one source that has verdicts or resolved stamps of its own: they stand beside ours.
-- A source's verdict is on all that was promised of a case at once, so ours is on the promises that the verdict is about
-- (compared_with): the source's own, all of a case together; else, of a source that judges metric by metric, our clocks of the metrics
-- that it judged; else, since nobody knows what such a verdict is about, the first resolution that sla_policies.yml promises. A case is
-- breached when one of these clocks is, and met when all of them are. The hours are calendar hours from intake to the source's own
-- resolved stamp (docs/decisions/0024-whose-promises-a-headline-speaks-of.md).
with comparable_cases as (
    select distinct source
    from staging.case_milestones
    where source_is_sla_met is not null or source_resolved_ts is not null
),

bases as (
    select
        comparable_cases.source,
        case
            when exists (
                select 1
                from staging.sla_clocks as clocks
                where clocks.source = comparable_cases.source and clocks.is_source_promise
            ) then 'own_promises'
            when exists (
                select 1
                from staging.source_clock_comparison as verdicts
                where verdicts.source = comparable_cases.source and verdicts.source_is_breached is not null
            ) then 'judged_metrics'
            else 'first_resolution'
        end as compared_with
    from comparable_cases
),

-- Both sides of a case as rows and grouped, not joined: without a comparable source neither table is read.
verdict_pairs as (
    select
        milestones.source,
        milestones.case_id,
        milestones.source_is_sla_met,
        cast(null as varchar) as outcome,
        milestones.intake_ts,
        milestones.source_resolved_ts
    from bases
    inner join staging.case_milestones as milestones on bases.source = milestones.source

    union all

    select
        clocks.source,
        clocks.case_id,
        cast(null as boolean) as source_is_sla_met,
        clocks.outcome,
        cast(null as timestamp) as intake_ts,
        cast(null as timestamp) as source_resolved_ts
    from bases
    inner join staging.sla_clocks as clocks on bases.source = clocks.source
    where
        not clocks.is_superseded
        and (
            (bases.compared_with = 'own_promises' and clocks.is_source_promise)
            or (
                bases.compared_with = 'first_resolution'
                and clocks.metric = 'first_resolution'
                and clocks.cycle = 1
                and not clocks.is_source_promise
            )
        )

    union all

    select
        verdicts.source,
        verdicts.case_id,
        cast(null as boolean) as source_is_sla_met,
        coalesce(verdicts.outcome, 'unknown') as outcome,
        cast(null as timestamp) as intake_ts,
        cast(null as timestamp) as source_resolved_ts
    from bases
    inner join staging.source_clock_comparison as verdicts on bases.source = verdicts.source
    where bases.compared_with = 'judged_metrics' and verdicts.source_is_breached is not null
),

cases as (
    select
        source,
        case_id,
        max(source_is_sla_met) as source_is_sla_met,
        case
            when count(*) filter (where outcome = 'breached') > 0 then false
            when count(outcome) > 0 and count(outcome) = count(*) filter (where outcome = 'met') then true
        end as our_is_sla_met,
        max(source_resolved_ts) as source_resolved_ts,
        (epoch_us(max(source_resolved_ts)) - epoch_us(max(intake_ts))) / 3600000000.0 as calendar_hours
    from verdict_pairs
    group by source, case_id
)

select
    cases.source,
    bases.compared_with,
    cast(count(*) as bigint) as cases,
    cast(count(cases.source_is_sla_met) as bigint) as source_verdict_cases,
    cast(100.0 * count(*) filter (where not cases.source_is_sla_met) / nullif(count(cases.source_is_sla_met), 0) as double)
        as source_breach_pct,
    cast(count(cases.our_is_sla_met) as bigint) as our_verdict_cases,
    cast(100.0 * count(*) filter (where not cases.our_is_sla_met) / nullif(count(cases.our_is_sla_met), 0) as double)
        as our_breach_pct,
    cast(count(*) filter (where cases.source_is_sla_met is not null and cases.our_is_sla_met is not null) as bigint)
        as both_verdict_cases,
    cast(count(*) filter (where cases.source_is_sla_met = cases.our_is_sla_met) as bigint) as agreeing_cases,
    cast(count(cases.source_resolved_ts) as bigint) as source_resolved_cases,
    cast(quantile_cont(cases.calendar_hours, 0.5) as double) as source_resolution_p50_calendar_hours,
    cast(quantile_cont(cases.calendar_hours, 0.75) as double) as source_resolution_p75_calendar_hours,
    cast(quantile_cont(cases.calendar_hours, 0.9) as double) as source_resolution_p90_calendar_hours,
    cast(quantile_cont(cases.calendar_hours, 0.95) as double) as source_resolution_p95_calendar_hours
from cases
inner join bases on cases.source = bases.source
group by cases.source, bases.compared_with
