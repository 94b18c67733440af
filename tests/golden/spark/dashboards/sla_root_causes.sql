-- The Spark SQL of sql/dashboards/sla_root_causes.sql, written by `make docs`.
SELECT
  causes.source,
  causes.policy,
  causes.metric,
  causes.dimension,
  causes.dimension_value,
  causes.breached_clocks,
  CAST(100.0 * causes.breached_clocks AS DOUBLE) / CAST(NULLIF(promises.breached_clocks + promises.open_breached_clocks, 0) AS DOUBLE) AS share_pct,
  causes.late_avg_business_minutes
FROM mart.sla_overview AS causes
INNER JOIN mart.sla_overview AS promises
  ON causes.source = promises.source
  AND causes.policy = promises.policy
  AND causes.metric = promises.metric
  AND promises.dimension = 'all'
WHERE
  causes.dimension IN ('root_cause_stage', 'root_cause_owner')
ORDER BY
  causes.source NULLS LAST,
  causes.policy NULLS LAST,
  causes.metric NULLS LAST,
  causes.dimension NULLS LAST,
  causes.breached_clocks DESC,
  causes.dimension_value NULLS LAST
