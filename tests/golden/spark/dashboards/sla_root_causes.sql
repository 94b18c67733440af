-- The Spark SQL of sql/dashboards/sla_root_causes.sql, written by `make docs`.
SELECT
  source,
  policy,
  metric,
  dimension,
  dimension_value,
  breached_clocks,
  CAST(100.0 * breached_clocks AS DOUBLE) / CAST(NULLIF(SUM(breached_clocks) OVER (PARTITION BY source, policy, metric, dimension), 0) AS DOUBLE) AS share_pct,
  late_avg_business_minutes
FROM mart.sla_overview
WHERE
  dimension IN ('root_cause_stage', 'root_cause_owner')
ORDER BY
  source NULLS LAST,
  policy NULLS LAST,
  metric NULLS LAST,
  dimension NULLS LAST,
  breached_clocks DESC,
  dimension_value NULLS LAST
