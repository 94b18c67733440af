-- One row is one promise with an objective: what is left of its error budget and how fast it burns, of all or of the queue $dimension_value.
with burns as (
    select
        policy,
        metric,
        max(long_burn) filter (where alert = 'page') as page_burn,
        max(long_burn) filter (where alert = 'ticket') as ticket_burn,
        max(long_burn) filter (where alert = 'slow') as slow_burn,
        bool_or(is_burning) as is_burning
    from mart.burn_rates
    where
        dimension = $dimension
        and dimension_value = $dimension_value
    group by policy, metric
),

promises as (
    select
        policy,
        metric,
        objective_pct,
        period_from_at
    from mart.error_budget
    where dimension = 'all'
),

budgets as (
    select
        policy,
        metric,
        due_clocks,
        bad_clocks,
        kept_pct,
        budget_left_clocks,
        budget_burn
    from mart.error_budget
    where
        dimension = $dimension
        and dimension_value = $dimension_value
)

select
    promises.policy,
    promises.metric,
    promises.objective_pct,
    promises.period_from_at,
    coalesce(budgets.due_clocks, 0) as due_clocks,
    coalesce(budgets.bad_clocks, 0) as bad_clocks,
    budgets.kept_pct,
    coalesce(budgets.budget_left_clocks, 0) as budget_left_clocks,
    100.0 * (1 - budgets.budget_burn) as budget_left_pct,
    budgets.budget_burn,
    burns.page_burn,
    burns.ticket_burn,
    burns.slow_burn,
    coalesce(burns.is_burning, false) as is_burning
from promises
left join budgets on promises.policy = budgets.policy and promises.metric = budgets.metric
left join burns on promises.policy = burns.policy and promises.metric = burns.metric
order by coalesce(budgets.budget_left_clocks, 0), promises.policy, promises.metric
