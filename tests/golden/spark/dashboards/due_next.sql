-- The Spark SQL of sql/dashboards/due_next.sql, written by `make docs`.
SELECT
  case_id,
  policy,
  metric,
  cycle,
  priority,
  tier,
  team,
  due_at,
  CAST(remaining_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS remaining_business_minutes,
  is_paused,
  as_of_at
FROM mart.open_clocks
WHERE
  outcome = 'running'
ORDER BY
  due_at NULLS LAST,
  remaining_seconds NULLS LAST,
  case_id NULLS LAST,
  policy NULLS LAST,
  metric NULLS LAST,
  cycle NULLS LAST
