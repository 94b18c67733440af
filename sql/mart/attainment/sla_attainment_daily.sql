-- One row is one intake date, source, policy, metric and value of one dimension: how its clocks stand, counted once each.
-- The dimension `all` has every clock; a case without a value counts under `none`; root_cause_stage and root_cause_owner have breached
-- clocks only; a dimension that sources.yml names has the clocks of the source that names it. Counts add up over dates. Running clocks are not judged here, for that depends on when one looks (mart.sla_overview does).
with clocks as (
    select
        clocks.case_id,
        clocks.intake_date,
        clocks.source,
        clocks.policy,
        clocks.metric,
        clocks.is_source_promise,
        clocks.outcome,
        clocks.early_seconds,
        coalesce(cases.team, 'none') as queue,
        coalesce(cases.priority, 'none') as priority,
        coalesce(cases.tier, 'none') as tier,
        coalesce(cases.region, 'none') as region,
        coalesce(cases.brand, 'none') as brand,
        coalesce(cases.channel, 'none') as channel,
        root_causes.root_cause_stage,
        root_causes.root_cause_owner
    from staging.sla_clocks as clocks
    inner join staging.case_milestones as cases on clocks.case_id = cases.case_id
    left join staging.sla_root_causes as root_causes
        on
            clocks.outcome = 'breached'
            and clocks.case_id = root_causes.case_id
            and clocks.policy = root_causes.policy
            and clocks.metric = root_causes.metric
            and clocks.cycle = root_causes.cycle
            and root_causes.intake_date >= $start_date
            and root_causes.intake_date < $end_date
    where
        clocks.intake_date >= $start_date
        and clocks.intake_date < $end_date
        and cases.intake_date >= $start_date
        and cases.intake_date < $end_date
),

-- Most clocks are like others in all of this: what is alike is counted once, before it is told apart by one dimension at a time.
like_clocks as (
    select
        intake_date,
        source,
        policy,
        metric,
        is_source_promise,
        queue,
        priority,
        tier,
        region,
        brand,
        channel,
        root_cause_stage,
        root_cause_owner,
        count(*) as clocks,
        count(*) filter (where outcome = 'met') as met_clocks,
        count(*) filter (where outcome = 'breached') as breached_clocks,
        count(*) filter (where outcome = 'running') as running_clocks,
        count(*) filter (where outcome = 'unknown') as unknown_clocks,
        sum(case when outcome = 'breached' then -early_seconds end) as late_seconds
    from clocks
    group by
        intake_date,
        source,
        policy,
        metric,
        is_source_promise,
        queue,
        priority,
        tier,
        region,
        brand,
        channel,
        root_cause_stage,
        root_cause_owner
),

clock_counts as (
    select
        intake_date,
        source,
        policy,
        metric,
        is_source_promise,
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
        coalesce(queue, priority, tier, region, brand, channel, root_cause_stage, root_cause_owner) as dimension_value,
        sum(clocks) as clocks,
        sum(met_clocks) as met_clocks,
        sum(breached_clocks) as breached_clocks,
        sum(running_clocks) as running_clocks,
        sum(unknown_clocks) as unknown_clocks,
        coalesce(sum(late_seconds), 0) as late_seconds
    from like_clocks
    group by
        grouping sets (
            (intake_date, source, policy, metric, is_source_promise),
            (intake_date, source, policy, metric, is_source_promise, queue),
            (intake_date, source, policy, metric, is_source_promise, priority),
            (intake_date, source, policy, metric, is_source_promise, tier),
            (intake_date, source, policy, metric, is_source_promise, region),
            (intake_date, source, policy, metric, is_source_promise, brand),
            (intake_date, source, policy, metric, is_source_promise, channel),
            (intake_date, source, policy, metric, is_source_promise, root_cause_stage),
            (intake_date, source, policy, metric, is_source_promise, root_cause_owner)
        )

    union all

    select
        clocks.intake_date,
        clocks.source,
        clocks.policy,
        clocks.metric,
        clocks.is_source_promise,
        dimensions.dimension_name as dimension,
        coalesce(dimensions.dimension_value, 'none') as dimension_value,
        count(*) as clocks,
        count(*) filter (where clocks.outcome = 'met') as met_clocks,
        count(*) filter (where clocks.outcome = 'breached') as breached_clocks,
        count(*) filter (where clocks.outcome = 'running') as running_clocks,
        count(*) filter (where clocks.outcome = 'unknown') as unknown_clocks,
        coalesce(sum(case when clocks.outcome = 'breached' then -clocks.early_seconds end), 0) as late_seconds
    from clocks
    inner join staging.case_dimensions as dimensions on clocks.case_id = dimensions.case_id and clocks.intake_date = dimensions.intake_date
    where
        dimensions.intake_date >= $start_date
        and dimensions.intake_date < $end_date
    group by
        clocks.intake_date,
        clocks.source,
        clocks.policy,
        clocks.metric,
        clocks.is_source_promise,
        dimensions.dimension_name,
        coalesce(dimensions.dimension_value, 'none')
)

select
    intake_date,
    source,
    policy,
    metric,
    is_source_promise,
    dimension,
    coalesce(dimension_value, 'all') as dimension_value,
    cast(clocks as bigint) as clocks,
    cast(met_clocks as bigint) as met_clocks,
    cast(breached_clocks as bigint) as breached_clocks,
    cast(running_clocks as bigint) as running_clocks,
    cast(unknown_clocks as bigint) as unknown_clocks,
    cast(late_seconds as bigint) as late_seconds
from clock_counts
where dimension_value is not null or dimension = 'all'
