-- The Spark SQL of sql/mart/ownership/misattribution.sql, written by `make docs`.
WITH ended_cases AS (
  SELECT
    *
  FROM staging.ownership_cases
  WHERE
    NOT is_open
    AND EXISTS(
      SELECT
        1
      FROM staging.ownership_cases AS told
      WHERE
        told.team_station_count > 0
    )
), case_scopes AS (
  SELECT
    'all' AS scope,
    'all' AS scope_value,
    queue_calendar_seconds + active_calendar_seconds + wait_customer_calendar_seconds + wait_other_calendar_seconds AS held_calendar_seconds,
    misattributed_queue_calendar_seconds + misattributed_active_calendar_seconds + misattributed_wait_customer_calendar_seconds + misattributed_wait_other_calendar_seconds AS misattributed_calendar_seconds,
    done_calendar_seconds,
    misattributed_done_calendar_seconds,
    queue_business_seconds + active_business_seconds + wait_customer_business_seconds + wait_other_business_seconds AS held_business_seconds,
    misattributed_queue_business_seconds + misattributed_active_business_seconds + misattributed_wait_customer_business_seconds + misattributed_wait_other_business_seconds AS misattributed_business_seconds
  FROM ended_cases
  UNION ALL
  SELECT
    'priority' AS scope,
    COALESCE(priority, 'none') AS scope_value,
    queue_calendar_seconds + active_calendar_seconds + wait_customer_calendar_seconds + wait_other_calendar_seconds AS held_calendar_seconds,
    misattributed_queue_calendar_seconds + misattributed_active_calendar_seconds + misattributed_wait_customer_calendar_seconds + misattributed_wait_other_calendar_seconds AS misattributed_calendar_seconds,
    done_calendar_seconds,
    misattributed_done_calendar_seconds,
    queue_business_seconds + active_business_seconds + wait_customer_business_seconds + wait_other_business_seconds AS held_business_seconds,
    misattributed_queue_business_seconds + misattributed_active_business_seconds + misattributed_wait_customer_business_seconds + misattributed_wait_other_business_seconds AS misattributed_business_seconds
  FROM ended_cases
  UNION ALL
  SELECT
    'state' AS scope,
    'queue' AS scope_value,
    queue_calendar_seconds AS held_calendar_seconds,
    misattributed_queue_calendar_seconds AS misattributed_calendar_seconds,
    0 AS done_calendar_seconds,
    0 AS misattributed_done_calendar_seconds,
    queue_business_seconds AS held_business_seconds,
    misattributed_queue_business_seconds AS misattributed_business_seconds
  FROM ended_cases
  UNION ALL
  SELECT
    'state' AS scope,
    'active' AS scope_value,
    active_calendar_seconds AS held_calendar_seconds,
    misattributed_active_calendar_seconds AS misattributed_calendar_seconds,
    0 AS done_calendar_seconds,
    0 AS misattributed_done_calendar_seconds,
    active_business_seconds AS held_business_seconds,
    misattributed_active_business_seconds AS misattributed_business_seconds
  FROM ended_cases
  UNION ALL
  SELECT
    'state' AS scope,
    'wait_customer' AS scope_value,
    wait_customer_calendar_seconds AS held_calendar_seconds,
    misattributed_wait_customer_calendar_seconds AS misattributed_calendar_seconds,
    0 AS done_calendar_seconds,
    0 AS misattributed_done_calendar_seconds,
    wait_customer_business_seconds AS held_business_seconds,
    misattributed_wait_customer_business_seconds AS misattributed_business_seconds
  FROM ended_cases
  UNION ALL
  SELECT
    'state' AS scope,
    'wait_other' AS scope_value,
    wait_other_calendar_seconds AS held_calendar_seconds,
    misattributed_wait_other_calendar_seconds AS misattributed_calendar_seconds,
    0 AS done_calendar_seconds,
    0 AS misattributed_done_calendar_seconds,
    wait_other_business_seconds AS held_business_seconds,
    misattributed_wait_other_business_seconds AS misattributed_business_seconds
  FROM ended_cases
  UNION ALL
  SELECT
    'state' AS scope,
    'done' AS scope_value,
    0 AS held_calendar_seconds,
    0 AS misattributed_calendar_seconds,
    done_calendar_seconds,
    misattributed_done_calendar_seconds,
    0 AS held_business_seconds,
    0 AS misattributed_business_seconds
  FROM ended_cases
), case_shares AS (
  SELECT
    *,
    CASE
      WHEN scope_value = 'done'
      THEN CAST(100.0 * misattributed_done_calendar_seconds AS DOUBLE) / CAST(NULLIF(done_calendar_seconds, 0) AS DOUBLE)
      ELSE CAST(100.0 * misattributed_calendar_seconds AS DOUBLE) / CAST(NULLIF(held_calendar_seconds, 0) AS DOUBLE)
    END AS misattributed_pct
  FROM case_scopes
)
SELECT
  scope,
  scope_value,
  CAST(COUNT(misattributed_pct) AS BIGINT) AS cases,
  CAST(COUNT(*) FILTER(WHERE
    misattributed_pct > 0) AS BIGINT) AS misattributed_cases,
  CAST(COUNT(*) FILTER(WHERE
    misattributed_pct >= 50) AS BIGINT) AS mostly_misattributed_cases,
  CAST(SUM(held_calendar_seconds) AS BIGINT) AS held_calendar_seconds,
  CAST(SUM(misattributed_calendar_seconds) AS BIGINT) AS misattributed_calendar_seconds,
  CAST(SUM(done_calendar_seconds) AS BIGINT) AS done_calendar_seconds,
  CAST(SUM(misattributed_done_calendar_seconds) AS BIGINT) AS misattributed_done_calendar_seconds,
  CAST(COALESCE(SUM(held_business_seconds), 0) AS BIGINT) AS held_business_seconds,
  CAST(COALESCE(SUM(misattributed_business_seconds), 0) AS BIGINT) AS misattributed_business_seconds,
  CAST(CAST(100.0 * SUM(misattributed_calendar_seconds) AS DOUBLE) / CAST(NULLIF(SUM(held_calendar_seconds), 0) AS DOUBLE) AS DOUBLE) AS misattributed_pct,
  CAST(CAST(100.0 * SUM(misattributed_calendar_seconds + misattributed_done_calendar_seconds) AS DOUBLE) / CAST(NULLIF(SUM(held_calendar_seconds + done_calendar_seconds), 0) AS DOUBLE) AS DOUBLE) AS misattributed_with_done_pct,
  CAST(CAST(100.0 * SUM(misattributed_business_seconds) AS DOUBLE) / CAST(NULLIF(SUM(held_business_seconds), 0) AS DOUBLE) AS DOUBLE) AS misattributed_business_pct,
  CAST(PERCENTILE(misattributed_pct, ARRAY(0.5, 0.9))[0] AS DOUBLE) AS misattributed_p50_pct,
  CAST(PERCENTILE(misattributed_pct, ARRAY(0.5, 0.9))[1] AS DOUBLE) AS misattributed_p90_pct
FROM case_shares
GROUP BY
  scope,
  scope_value
