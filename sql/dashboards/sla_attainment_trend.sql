-- One row is one intake date, source, policy and metric.
-- Attainment by intake date: clocks that have stopped; those that still run are in mart.sla_overview.
select
    intake_date,
    source,
    policy,
    metric,
    clocks,
    100.0 * met_clocks / nullif(met_clocks + breached_clocks, 0) as attainment_pct,
    breached_clocks,
    running_clocks,
    unknown_clocks
from mart.sla_attainment_daily
where dimension = 'all'
order by source, policy, metric, intake_date
