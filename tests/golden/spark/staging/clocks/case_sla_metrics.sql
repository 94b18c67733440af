-- The Spark SQL of sql/staging/clocks/case_sla_metrics.sql, written by `make docs`.
WITH cases AS (
  SELECT
    source,
    case_id,
    intake_date,
    intake_ts,
    tier,
    case_type,
    priority,
    reopen_count
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), clocks AS (
  SELECT
    case_id,
    metric,
    calendar,
    stopped_at,
    target_seconds,
    elapsed_seconds,
    paused_seconds,
    outcome,
    reason
  FROM staging.sla_clocks
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND is_stopped_by_event
    AND cycle = 1
    AND NOT is_source_promise
), promises AS (
  SELECT
    case_id,
    MAX(stopped_at) FILTER(WHERE
      metric = 'first_touch') AS first_touch_ts,
    MAX(elapsed_seconds) FILTER(WHERE
      metric = 'first_touch') AS first_touch_seconds,
    BOOL_OR(metric = 'first_touch' AND reason = 'stopped_before_start') AS is_first_touch_before_intake,
    BOOL_OR(metric = 'first_touch' AND outcome = 'breached') AS is_sla_b_breached,
    MAX(calendar) FILTER(WHERE
      metric = 'first_resolution') AS resolution_calendar,
    MAX(stopped_at) FILTER(WHERE
      metric = 'first_resolution') AS resolution_ts,
    MAX(elapsed_seconds) FILTER(WHERE
      metric = 'first_resolution') AS resolution_incl_wait_seconds,
    MAX(target_seconds) FILTER(WHERE
      metric = 'first_resolution') AS resolution_incl_wait_target_seconds,
    BOOL_OR(metric = 'first_resolution' AND outcome = 'breached') AS is_sla_a_incl_wait_breached,
    MAX(elapsed_seconds) FILTER(WHERE
      metric = 'first_resolution_paused') AS resolution_paused_seconds,
    MAX(paused_seconds) FILTER(WHERE
      metric = 'first_resolution_paused') AS wait_seconds,
    BOOL_OR(metric = 'first_resolution_paused' AND outcome = 'breached') AS is_sla_a_paused_breached
  FROM clocks
  GROUP BY
    case_id
)
SELECT
  cases.source,
  cases.case_id,
  cases.intake_date,
  cases.intake_ts,
  cases.tier,
  cases.case_type,
  cases.priority,
  promises.first_touch_ts,
  promises.resolution_ts,
  promises.resolution_calendar,
  CAST(CAST(promises.first_touch_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS first_touch_business_minutes,
  CAST(CAST(promises.resolution_incl_wait_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS resolution_incl_wait_business_minutes,
  CAST(CAST(promises.resolution_incl_wait_target_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS resolution_incl_wait_target_business_minutes,
  CAST(CAST(promises.resolution_paused_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS resolution_paused_business_minutes,
  CAST(CAST(promises.wait_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS customer_wait_business_minutes,
  CAST(CASE
    WHEN promises.resolution_ts >= cases.intake_ts
    THEN CAST(CAST(UNIX_MICROS(CAST(promises.resolution_ts AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS DOUBLE) / CAST(60.0 AS DOUBLE)
  END AS DOUBLE) AS resolution_calendar_minutes,
  COALESCE(promises.is_first_touch_before_intake, FALSE) AS is_first_touch_before_intake,
  promises.is_sla_b_breached,
  promises.is_sla_a_incl_wait_breached,
  promises.is_sla_a_paused_breached,
  cases.reopen_count > 0 AS is_reopened
FROM cases
INNER JOIN promises
  ON cases.case_id = promises.case_id
WHERE
  NOT promises.first_touch_ts IS NULL AND NOT promises.resolution_ts IS NULL
