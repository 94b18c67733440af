-- The Spark SQL of sql/checks/staging.backlog_clocks/assert_last_stretches_end_as_judged.sql, written by `make docs`.
WITH last_spans AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    calendar,
    state,
    stopped_at,
    running_seconds_before,
    open_seconds_at_start
  FROM staging.backlog_clocks
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND outcome IN ('met', 'breached')
), judged_clocks AS (
  SELECT
    stretches.case_id,
    stretches.policy,
    stretches.metric,
    stretches.cycle,
    CAST(NULL AS STRING) AS outcome,
    CAST(NULL AS BIGINT) AS elapsed_seconds,
    1 AS last_spans,
    stretches.running_seconds_before + CASE
      WHEN stretches.state = 'paused'
      THEN 0
      WHEN hours.is_open
      THEN hours.open_seconds_before + CAST(UNIX_MICROS(CAST(stretches.stopped_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(hours.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - stretches.open_seconds_at_start
      ELSE hours.open_seconds_before - stretches.open_seconds_at_start
    END AS backlog_elapsed_seconds
  FROM last_spans AS stretches
  LEFT JOIN staging.business_time AS hours
    ON stretches.calendar = hours.calendar
    AND CAST(stretches.stopped_at AS DATE) = hours.utc_date
    AND stretches.stopped_at >= hours.segment_start_at
    AND stretches.stopped_at < hours.segment_end_at
  UNION ALL
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    outcome,
    elapsed_seconds,
    0 AS last_spans,
    CAST(NULL AS BIGINT) AS backlog_elapsed_seconds
  FROM staging.sla_clocks
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND outcome IN ('met', 'breached')
)
SELECT
  case_id,
  policy,
  metric,
  cycle,
  MAX(outcome) AS outcome,
  SUM(last_spans) AS last_spans,
  MAX(backlog_elapsed_seconds) AS backlog_elapsed_seconds,
  MAX(elapsed_seconds) AS elapsed_seconds
FROM judged_clocks
GROUP BY
  case_id,
  policy,
  metric,
  cycle
HAVING
  NOT MAX(outcome) IS NULL
  AND (
    SUM(last_spans) <> 1
    OR MAX(backlog_elapsed_seconds) IS DISTINCT FROM MAX(elapsed_seconds)
  )
