-- The Spark SQL of sql/dashboards/due_next.sql, written by `make docs`.
SELECT
  clocks.case_id,
  clocks.policy,
  clocks.metric,
  clocks.cycle,
  cases.priority,
  cases.tier,
  cases.team,
  clocks.due_at,
  CAST(clocks.remaining_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS remaining_business_minutes,
  clocks.is_paused,
  clocks.snapshot_at
FROM mart.clock_now AS clocks
LEFT JOIN mart.backlog_now AS cases
  ON clocks.case_id = cases.case_id
WHERE
  NOT clocks.is_past_target
ORDER BY
  clocks.due_at NULLS LAST,
  clocks.remaining_seconds NULLS LAST,
  clocks.case_id NULLS LAST,
  clocks.policy NULLS LAST,
  clocks.metric NULLS LAST,
  clocks.cycle NULLS LAST
