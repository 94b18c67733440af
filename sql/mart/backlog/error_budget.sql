-- One row is one promise with an objective, and all or one queue: what of its error budget is left, over the clocks that fell due in the last 20 business days.
-- The cohort is what fell due, not what stopped: a queue that stands still burns. A clock that was stopped in time counts when it would have fallen
-- due. Bad: broken, or open past its target now. budget = (1 - objective) x cohort. A clock counts for the queue that held its case just before it was stopped in
-- time or reached its target, so that queues add up to all (docs/decisions/0040-error-budget-and-now.md).
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

-- Where one stretch ends and the next begins in the instant, the former held the case.
held_clocks as (
    select
        clocks.policy,
        clocks.metric,
        clocks.is_bad,
        coalesce(spans.team, 'none') as queue,
        row_number() over (
            partition by clocks.case_id, clocks.policy, clocks.metric, clocks.cycle order by spans.started_at, spans.ended_at nulls last
        ) as span_number
    from mart.due_clocks as clocks
    inner join objectives on clocks.policy = objectives.policy and clocks.metric = objectives.metric
    left join staging.backlog_spans as spans
        on
            clocks.case_id = spans.case_id
            and spans.started_at <= clocks.decided_at
            and (spans.ended_at >= clocks.decided_at or spans.ended_at is null)
),

clock_counts as (
    select
        policy,
        metric,
        case when grouping(queue) = 0 then 'queue' else 'all' end as dimension,
        coalesce(queue, 'all') as dimension_value,
        count(*) as due_clocks,
        count(*) filter (where is_bad) as bad_clocks
    from held_clocks
    where span_number = 1
    group by
        grouping sets (
            (policy, metric),
            (policy, metric, queue)
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
