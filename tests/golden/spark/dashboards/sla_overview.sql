-- The Spark SQL of sql/dashboards/sla_overview.sql, written by `make docs`.
SELECT
  source,
  policy,
  metric,
  dimension,
  dimension_value,
  clocks,
  attainment_pct,
  met_clocks,
  breached_clocks + open_breached_clocks AS broken_clocks,
  running_clocks,
  unknown_clocks,
  late_avg_business_minutes
FROM mart.sla_overview
WHERE
  NOT dimension IN ('root_cause_stage', 'root_cause_owner')
ORDER BY
  source NULLS LAST,
  policy NULLS LAST,
  metric NULLS LAST,
  dimension NULLS LAST,
  attainment_pct NULLS LAST,
  dimension_value NULLS LAST
