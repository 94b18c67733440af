-- Promises whose queues do not add up to all: clocks that fell due, and those of them that are bad. Where no source tells queues there is nothing to add up.
-- A failure means that a clock counts for no queue or for two; look first at queue of sql/mart/backlog/due_clocks.sql.
with sums as (
    select
        policy,
        metric,
        sum(due_clocks) as due_clocks,
        sum(bad_clocks) as bad_clocks
    from mart.error_budget
    where dimension = 'queue'
    group by policy, metric
),

told_queues as (
    select bool_or(is_queue_told) as is_queue_told
    from mart.backlog_sources
)

select
    desk.policy,
    desk.metric,
    desk.due_clocks as due_clocks_of_all,
    sums.due_clocks,
    desk.bad_clocks as bad_clocks_of_all,
    sums.bad_clocks
from mart.error_budget as desk
inner join told_queues on told_queues.is_queue_told
left join sums on desk.policy = sums.policy and desk.metric = sums.metric
where
    desk.dimension = 'all'
    and (desk.due_clocks <> coalesce(sums.due_clocks, 0) or desk.bad_clocks <> coalesce(sums.bad_clocks, 0))
