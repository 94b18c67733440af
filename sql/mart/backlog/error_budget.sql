-- One row is one promise with an objective, and all or one queue: what of its error budget is left, over the clocks that fell due in the last 20 business days.
-- The cohort is what fell due, not what stopped: a queue that stands still burns. A clock that was stopped in time counts when it would have fallen
-- due. Bad: broken, or open past its target now. budget = (1 - objective) x cohort. A clock counts for its queue of
-- mart.due_clocks, so that queues add up to all (docs/decisions/0040-error-budget-and-now.md).
with objectives as (
    select
        policy,
        metric,
        objective_pct
    from staging.sla_policies
    where objective_pct is not null
),

period as (
    select
        now_at,
        from_at
    from mart.burn_windows
    where window_name = 'period'
),

told_dimensions as (
    select coalesce(bool_or(is_queue_told), false) as is_queue_told
    from mart.backlog_sources
),

clock_counts as (
    select
        clocks.policy,
        clocks.metric,
        case when grouping(clocks.queue) = 0 then 'queue' else 'all' end as dimension,
        coalesce(clocks.queue, 'all') as dimension_value,
        count(*) as due_clocks,
        count(*) filter (where clocks.is_bad) as bad_clocks
    from mart.due_clocks as clocks
    inner join objectives on clocks.policy = objectives.policy and clocks.metric = objectives.metric
    group by
        grouping sets (
            (clocks.policy, clocks.metric),
            (clocks.policy, clocks.metric, clocks.queue)
        )
),

-- All is there whether anything fell due or not.
budgets as (
    select
        objectives.policy,
        objectives.metric,
        objectives.objective_pct,
        'all' as dimension,
        'all' as dimension_value,
        coalesce(clock_counts.due_clocks, 0) as due_clocks,
        coalesce(clock_counts.bad_clocks, 0) as bad_clocks
    from objectives
    left join clock_counts
        on objectives.policy = clock_counts.policy and objectives.metric = clock_counts.metric and clock_counts.dimension = 'all'

    union all

    select
        objectives.policy,
        objectives.metric,
        objectives.objective_pct,
        clock_counts.dimension,
        clock_counts.dimension_value,
        clock_counts.due_clocks,
        clock_counts.bad_clocks
    from objectives
    inner join clock_counts
        on objectives.policy = clock_counts.policy and objectives.metric = clock_counts.metric and clock_counts.dimension = 'queue'
    inner join told_dimensions on told_dimensions.is_queue_told
)

select
    cast(period.now_at as timestamp) as now_at,
    budgets.policy,
    budgets.metric,
    budgets.dimension,
    budgets.dimension_value,
    budgets.objective_pct,
    cast(period.from_at as timestamp) as period_from_at,
    cast(budgets.due_clocks as bigint) as due_clocks,
    cast(budgets.bad_clocks as bigint) as bad_clocks,
    cast(100.0 * (budgets.due_clocks - budgets.bad_clocks) / nullif(budgets.due_clocks, 0) as double) as kept_pct,
    cast(budgets.due_clocks * (100.0 - budgets.objective_pct) / 100.0 as double) as budget_clocks,
    cast(budgets.due_clocks * (100.0 - budgets.objective_pct) / 100.0 - budgets.bad_clocks as double) as budget_left_clocks,
    cast(
        (100.0 * budgets.bad_clocks / nullif(budgets.due_clocks, 0)) / nullif(100.0 - budgets.objective_pct, 0) as double
    ) as budget_burn
from budgets
cross join period
