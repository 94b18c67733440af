-- The Spark SQL of sql/mart/ownership/bounce_pairs.sql, written by `make docs`.
SELECT
  from_team,
  to_team,
  CAST(SUM(team_handoff_count) AS BIGINT) AS team_handoff_count,
  CAST(SUM(cases) AS BIGINT) AS cases,
  CAST(SUM(returned_directly_count) AS BIGINT) AS returned_directly_count,
  CAST(SUM(returned_count) AS BIGINT) AS returned_count,
  CAST(SUM(planned_return_count) AS BIGINT) AS planned_return_count,
  CAST(SUM(returned_directly_count - planned_return_count) AS BIGINT) AS ping_pong_count,
  CAST(CAST(100.0 * SUM(returned_directly_count) AS DOUBLE) / CAST(NULLIF(SUM(team_handoff_count), 0) AS DOUBLE) AS DOUBLE) AS returned_directly_pct,
  CAST(CAST(100.0 * SUM(returned_count) AS DOUBLE) / CAST(NULLIF(SUM(team_handoff_count), 0) AS DOUBLE) AS DOUBLE) AS returned_pct,
  CAST(CAST(100.0 * SUM(returned_directly_count - planned_return_count) AS DOUBLE) / CAST(NULLIF(SUM(team_handoff_count), 0) AS DOUBLE) AS DOUBLE) AS ping_pong_pct,
  CAST(SUM(detour_calendar_seconds) AS BIGINT) AS detour_calendar_seconds
FROM staging.handoff_pairs
GROUP BY
  from_team,
  to_team
