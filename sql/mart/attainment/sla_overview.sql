-- One row is one source, policy, metric and value of one dimension, over everything loaded.
-- attainment = met / (met + breached + breached open): an open clock past its target is breached now, not only once it stops. Clocks
-- that are unknown, or run within their target, are in no percentage; they stand beside. Verdicts on cases of which records were rejected are in it,
-- and counted beside as well (mart.incomplete_cases).
with clock_counts as (
    select
        source,
        policy,
        metric,
        is_source_promise,
        dimension,
        dimension_value,
        sum(clocks) as clocks,
        sum(met_clocks) as met_clocks,
        sum(breached_clocks) as breached_clocks,
        sum(running_clocks) as running_clocks,
        sum(unknown_clocks) as unknown_clocks,
        sum(late_seconds) as late_seconds
    from mart.sla_attainment_daily
    group by source, policy, metric, is_source_promise, dimension, dimension_value
),

-- What mart.sla_attainment_daily does not tell: clocks that are open past their target, and those whose verdict rests on incomplete records.
marked_clocks as (
    select
        cases.source,
        clocks.case_id,
        cases.intake_date,
        clocks.policy,
        clocks.metric,
        coalesce(clocks.team, 'none') as queue,
        coalesce(clocks.priority, 'none') as priority,
        coalesce(clocks.tier, 'none') as tier,
        coalesce(cases.region, 'none') as region,
        coalesce(cases.brand, 'none') as brand,
        coalesce(cases.channel, 'none') as channel,
        cast(null as varchar) as root_cause_stage,
        cast(null as varchar) as root_cause_owner,
        1 as open_breached_clocks,
        0 as incomplete_clocks
    from mart.open_clocks as clocks
    inner join staging.case_milestones as cases on clocks.case_id = cases.case_id
    where clocks.outcome = 'breached'

    union all

    select
        clocks.source,
        clocks.case_id,
        clocks.intake_date,
        clocks.policy,
        clocks.metric,
        coalesce(cases.team, 'none') as queue,
        coalesce(cases.priority, 'none') as priority,
        coalesce(cases.tier, 'none') as tier,
        coalesce(cases.region, 'none') as region,
        coalesce(cases.brand, 'none') as brand,
        coalesce(cases.channel, 'none') as channel,
        root_causes.root_cause_stage,
        root_causes.root_cause_owner,
        0 as open_breached_clocks,
        1 as incomplete_clocks
    from mart.incomplete_cases as incomplete_cases
    inner join staging.sla_clocks as clocks on incomplete_cases.intake_date = clocks.intake_date and incomplete_cases.case_id = clocks.case_id
    inner join staging.case_milestones as cases on clocks.intake_date = cases.intake_date and clocks.case_id = cases.case_id
    left join staging.sla_root_causes as root_causes
        on
            clocks.outcome = 'breached'
            and clocks.intake_date = root_causes.intake_date
            and clocks.case_id = root_causes.case_id
            and clocks.policy = root_causes.policy
            and clocks.metric = root_causes.metric
            and clocks.cycle = root_causes.cycle
    left join mart.open_clocks as open_clocks
        on
            clocks.outcome = 'running'
            and clocks.case_id = open_clocks.case_id
            and clocks.policy = open_clocks.policy
            and clocks.metric = open_clocks.metric
            and clocks.cycle = open_clocks.cycle
    where coalesce(open_clocks.outcome, clocks.outcome) in ('met', 'breached')
),

marked_clock_counts as (
    select
        source,
        policy,
        metric,
        case
            when grouping(queue) = 0 then 'queue'
            when grouping(priority) = 0 then 'priority'
            when grouping(tier) = 0 then 'tier'
            when grouping(region) = 0 then 'region'
            when grouping(brand) = 0 then 'brand'
            when grouping(channel) = 0 then 'channel'
            when grouping(root_cause_stage) = 0 then 'root_cause_stage'
            when grouping(root_cause_owner) = 0 then 'root_cause_owner'
            else 'all'
        end as dimension,
        -- A clock without a root cause counts under none.
        coalesce(
            queue, priority, tier, region, brand, channel, root_cause_stage, root_cause_owner,
            case when grouping(root_cause_stage) = 1 and grouping(root_cause_owner) = 1 then 'all' end
        ) as dimension_value,
        sum(open_breached_clocks) as open_breached_clocks,
        sum(incomplete_clocks) as incomplete_clocks
    from marked_clocks
    group by
        grouping sets (
            (source, policy, metric),
            (source, policy, metric, queue),
            (source, policy, metric, priority),
            (source, policy, metric, tier),
            (source, policy, metric, region),
            (source, policy, metric, brand),
            (source, policy, metric, channel),
            (source, policy, metric, root_cause_stage),
            (source, policy, metric, root_cause_owner)
        )

    union all

    select
        marked_clocks.source,
        marked_clocks.policy,
        marked_clocks.metric,
        dimensions.dimension_name as dimension,
        coalesce(dimensions.dimension_value, 'none') as dimension_value,
        sum(marked_clocks.open_breached_clocks) as open_breached_clocks,
        sum(marked_clocks.incomplete_clocks) as incomplete_clocks
    from marked_clocks
    inner join staging.case_dimensions as dimensions
        on marked_clocks.case_id = dimensions.case_id and marked_clocks.intake_date = dimensions.intake_date
    group by marked_clocks.source, marked_clocks.policy, marked_clocks.metric, dimensions.dimension_name, coalesce(dimensions.dimension_value, 'none')
),

all_clock_counts as (
    select
        clock_counts.source,
        clock_counts.policy,
        clock_counts.metric,
        clock_counts.is_source_promise,
        clock_counts.dimension,
        clock_counts.dimension_value,
        clock_counts.clocks,
        clock_counts.met_clocks,
        clock_counts.breached_clocks,
        clock_counts.running_clocks,
        clock_counts.unknown_clocks,
        clock_counts.late_seconds,
        coalesce(marked_clock_counts.open_breached_clocks, 0) as open_breached_clocks,
        coalesce(marked_clock_counts.incomplete_clocks, 0) as incomplete_clocks
    from clock_counts
    left join marked_clock_counts
        on
            clock_counts.source = marked_clock_counts.source
            and clock_counts.policy = marked_clock_counts.policy
            and clock_counts.metric = marked_clock_counts.metric
            and clock_counts.dimension = marked_clock_counts.dimension
            and clock_counts.dimension_value = marked_clock_counts.dimension_value
)

select
    source,
    policy,
    metric,
    is_source_promise,
    dimension,
    dimension_value,
    cast(clocks as bigint) as clocks,
    cast(met_clocks as bigint) as met_clocks,
    cast(breached_clocks as bigint) as breached_clocks,
    cast(open_breached_clocks as bigint) as open_breached_clocks,
    cast(running_clocks - open_breached_clocks as bigint) as running_clocks,
    cast(unknown_clocks as bigint) as unknown_clocks,
    cast(incomplete_clocks as bigint) as incomplete_clocks,
    cast(100.0 * met_clocks / nullif(met_clocks + breached_clocks + open_breached_clocks, 0) as double) as attainment_pct,
    cast(late_seconds / 60.0 / nullif(breached_clocks, 0) as double) as late_avg_business_minutes
from all_clock_counts
