-- The Spark SQL of sql/dashboards/sla_attainment_trend.sql, written by `make docs`.
SELECT
  intake_date,
  source,
  policy,
  metric,
  clocks,
  CAST(100.0 * met_clocks AS DOUBLE) / CAST(NULLIF(met_clocks + breached_clocks, 0) AS DOUBLE) AS attainment_pct,
  breached_clocks,
  running_clocks,
  unknown_clocks
FROM mart.sla_attainment_daily
WHERE
  dimension = 'all'
ORDER BY
  source NULLS LAST,
  policy NULLS LAST,
  metric NULLS LAST,
  intake_date NULLS LAST
