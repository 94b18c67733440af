-- One row is one source, policy, metric and value of one dimension: attainment.
-- Attainment by queue, priority, tier, region, brand and channel; for a BI tool, on the published marts.duckdb.
select
    source,
    policy,
    metric,
    dimension,
    dimension_value,
    clocks,
    attainment_pct,
    met_clocks,
    breached_clocks + open_breached_clocks as broken_clocks,
    running_clocks,
    unknown_clocks,
    late_avg_business_minutes
from mart.sla_overview
where dimension not in ('root_cause_stage', 'root_cause_owner')
order by source, policy, metric, dimension, attainment_pct, dimension_value
