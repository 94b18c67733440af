-- Pairs of windows whose queues do not add up to all: clocks that fell due in the long window, and those of them that are bad. Where no source tells queues
-- there is nothing to add up. A failure means that a clock burns the budget of no queue or of two; look first at queue of sql/mart/backlog/due_clocks.sql.
with sums as (
    select
        policy,
        metric,
        alert,
        sum(long_due_clocks) as due_clocks,
        sum(long_bad_clocks) as bad_clocks
    from mart.burn_rates
    where dimension = 'queue'
    group by policy, metric, alert
),

told_queues as (
    select bool_or(is_queue_told) as is_queue_told
    from mart.backlog_sources
)

select
    desk.policy,
    desk.metric,
    desk.alert,
    desk.long_due_clocks as due_clocks_of_all,
    sums.due_clocks,
    desk.long_bad_clocks as bad_clocks_of_all,
    sums.bad_clocks
from mart.burn_rates as desk
inner join told_queues on told_queues.is_queue_told
left join sums on desk.policy = sums.policy and desk.metric = sums.metric and desk.alert = sums.alert
where
    desk.dimension = 'all'
    and (desk.long_due_clocks <> coalesce(sums.due_clocks, 0) or desk.long_bad_clocks <> coalesce(sums.bad_clocks, 0))
