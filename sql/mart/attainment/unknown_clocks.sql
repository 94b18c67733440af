-- One row is one source, policy, metric and reason: clocks that nobody can judge, over everything loaded.
-- The same clocks as unknown_clocks of mart.sla_overview, by why they are unknown (docs/decisions/0006-clock-outcomes.md).
select
    source,
    policy,
    metric,
    is_source_promise,
    reason,
    cast(count(*) as bigint) as unknown_clocks
from staging.sla_clocks
where outcome = 'unknown'
group by source, policy, metric, is_source_promise, reason
