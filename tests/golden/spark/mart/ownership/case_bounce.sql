-- The Spark SQL of sql/mart/ownership/case_bounce.sql, written by `make docs`.
WITH cases AS (
  SELECT
    *,
    return_direct_count + return_indirect_count AS return_count,
    queue_calendar_seconds + active_calendar_seconds + wait_customer_calendar_seconds + wait_other_calendar_seconds AS held_calendar_seconds,
    misattributed_queue_calendar_seconds + misattributed_active_calendar_seconds + misattributed_wait_customer_calendar_seconds + misattributed_wait_other_calendar_seconds AS misattributed_calendar_seconds
  FROM staging.ownership_cases
)
SELECT
  source,
  case_id,
  intake_date,
  intake_ts,
  priority,
  tier,
  case_type,
  is_open,
  ended_at,
  first_team,
  last_team,
  stint_count,
  team_station_count,
  team_handoff_count,
  CAST(return_direct_count - planned_return_count AS BIGINT) AS ping_pong_count,
  CAST(return_count AS BIGINT) AS return_count,
  return_direct_count,
  return_indirect_count,
  planned_return_count,
  CAST(CAST(100.0 * (
    return_count - planned_return_count
  ) AS DOUBLE) / CAST(NULLIF(team_handoff_count, 0) AS DOUBLE) AS DOUBLE) AS loop_pct,
  CAST(held_calendar_seconds AS BIGINT) AS held_calendar_seconds,
  CAST(misattributed_calendar_seconds AS BIGINT) AS misattributed_calendar_seconds,
  done_calendar_seconds,
  misattributed_done_calendar_seconds,
  CAST(CASE
    WHEN NOT is_open
    THEN CAST(100.0 * misattributed_calendar_seconds AS DOUBLE) / CAST(NULLIF(held_calendar_seconds, 0) AS DOUBLE)
  END AS DOUBLE) AS misattributed_pct,
  CAST(CASE
    WHEN NOT is_open
    THEN CAST(100.0 * (
      misattributed_calendar_seconds + misattributed_done_calendar_seconds
    ) AS DOUBLE) / CAST(NULLIF(held_calendar_seconds + done_calendar_seconds, 0) AS DOUBLE)
  END AS DOUBLE) AS misattributed_with_done_pct,
  is_initial_missing,
  contradiction_count
FROM cases
