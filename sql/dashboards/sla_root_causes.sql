-- One row is one stage or owner of a source's policy and metric: what the breaches are put down to.
-- Breaches: clocks by the stage and by the owner that took most beyond the peers, worst first.
select
    source,
    policy,
    metric,
    dimension,
    dimension_value,
    breached_clocks,
    100.0 * breached_clocks / nullif(sum(breached_clocks) over (partition by source, policy, metric, dimension), 0) as share_pct,
    late_avg_business_minutes
from mart.sla_overview
where dimension in ('root_cause_stage', 'root_cause_owner')
order by source, policy, metric, dimension, breached_clocks desc, dimension_value
