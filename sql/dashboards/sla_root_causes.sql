-- One row is one stage or owner of a source's policy and metric: what the breaches are put down to.
-- Breaches: clocks by the stage and by the owner that took most beyond the peers, worst first. A share is of all breaches of the promise, as in the report:
-- those of which nobody or no stage is known, and those still open, have no row, so that a column adds up to less than 100 by them.
select
    causes.source,
    causes.policy,
    causes.metric,
    causes.dimension,
    causes.dimension_value,
    causes.breached_clocks,
    100.0 * causes.breached_clocks / nullif(promises.breached_clocks + promises.open_breached_clocks, 0) as share_pct,
    causes.late_avg_business_minutes
from mart.sla_overview as causes
inner join mart.sla_overview as promises
    on
        causes.source = promises.source
        and causes.policy = promises.policy
        and causes.metric = promises.metric
        and promises.dimension = 'all'
where causes.dimension in ('root_cause_stage', 'root_cause_owner')
order by causes.source, causes.policy, causes.metric, causes.dimension, causes.breached_clocks desc, causes.dimension_value
