-- The Spark SQL of sql/mart/ownership/routing_loops.sql, written by `make docs`.
SELECT
  loop_path,
  is_planned,
  loop_handoff_count,
  CAST(SUM(loop_count) AS BIGINT) AS loop_count,
  CAST(SUM(cases) AS BIGINT) AS cases,
  CAST(SUM(away_calendar_seconds) AS BIGINT) AS away_calendar_seconds
FROM staging.routing_loop_paths
GROUP BY
  loop_path,
  is_planned,
  loop_handoff_count
