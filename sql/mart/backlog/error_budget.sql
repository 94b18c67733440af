-- One row is one promise with an objective: what of its error budget is left, over the clocks that fell due in the last 20 business days.
-- The cohort is what fell due, not what stopped: a queue that stands still burns. A clock that was stopped in time counts when it would have fallen
-- due. Bad: broken, or open past its target now. budget = (1 - objective) x cohort (docs/decisions/0040-error-budget-and-now.md).
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

clocks as (
    select
        clocks.policy,
        clocks.metric,
        clocks.due_at,
        clocks.is_bad
    from mart.due_clocks as clocks
    inner join period on clocks.due_at > period.from_at and clocks.due_at <= period.now_at
),

clock_counts as (
    select
        policy,
        metric,
        count(*) as due_clocks,
        count(*) filter (where is_bad) as bad_clocks
    from clocks
    group by policy, metric
)

select
    cast(period.now_at as timestamp) as now_at,
    objectives.policy,
    objectives.metric,
    objectives.objective_pct,
    cast(period.from_at as timestamp) as period_from_at,
    cast(coalesce(clock_counts.due_clocks, 0) as bigint) as due_clocks,
    cast(coalesce(clock_counts.bad_clocks, 0) as bigint) as bad_clocks,
    cast(100.0 * (clock_counts.due_clocks - clock_counts.bad_clocks) / nullif(clock_counts.due_clocks, 0) as double) as kept_pct,
    cast(coalesce(clock_counts.due_clocks, 0) * (100.0 - objectives.objective_pct) / 100.0 as double) as budget_clocks,
    cast(coalesce(clock_counts.due_clocks, 0) * (100.0 - objectives.objective_pct) / 100.0 - coalesce(clock_counts.bad_clocks, 0) as double)
        as budget_left_clocks,
    cast(
        (100.0 * clock_counts.bad_clocks / nullif(clock_counts.due_clocks, 0)) / nullif(100.0 - objectives.objective_pct, 0) as double
    ) as budget_burn
from objectives
cross join period
left join clock_counts on objectives.policy = clock_counts.policy and objectives.metric = clock_counts.metric
