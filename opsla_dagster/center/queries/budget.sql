-- One row is one promise with an objective: what of its error budget is left, and how fast it burns over the pairs of windows.
with burns as (
    select
        policy,
        metric,
        max(long_burn) filter (where alert = 'page') as page_burn,
        max(long_burn) filter (where alert = 'ticket') as ticket_burn,
        max(long_burn) filter (where alert = 'slow') as slow_burn,
        bool_or(is_burning) as is_burning
    from mart.burn_rates
    group by policy, metric
)

select
    budgets.policy,
    budgets.metric,
    budgets.objective_pct,
    budgets.period_from_at,
    budgets.due_clocks,
    budgets.bad_clocks,
    budgets.kept_pct,
    budgets.budget_left_clocks,
    100.0 * budgets.budget_left_clocks / nullif(budgets.budget_clocks, 0) as budget_left_pct,
    budgets.budget_burn,
    burns.page_burn,
    burns.ticket_burn,
    burns.slow_burn,
    coalesce(burns.is_burning, false) as is_burning
from mart.error_budget as budgets
left join burns on budgets.policy = burns.policy and budgets.metric = burns.metric
order by budgets.budget_left_clocks, budgets.policy, budgets.metric
