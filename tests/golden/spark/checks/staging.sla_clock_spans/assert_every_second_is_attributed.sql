-- The Spark SQL of sql/checks/staging.sla_clock_spans/assert_every_second_is_attributed.sql, written by `make docs`.
WITH span_totals AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    MIN(started_at) AS started_at,
    MAX(stopped_at) AS stopped_at,
    COUNT(*) = COUNT(running_seconds) AS is_counted,
    SUM(
      running_seconds + paused_seconds + closed_hours_seconds + holiday_seconds + policy_switch_seconds
    ) AS seconds,
    MIN(closed_hours_seconds) AS least_closed_hours_seconds
  FROM staging.sla_clock_spans
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    case_id,
    policy,
    metric,
    cycle
), runs AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    started_at,
    stopped_at,
    CAST(UNIX_MICROS(CAST(stopped_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS seconds
  FROM staging.sla_clock_windows
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND stopped_at >= started_at
)
SELECT
  runs.case_id,
  runs.policy,
  runs.metric,
  runs.cycle,
  runs.seconds,
  span_totals.seconds AS attributed_seconds
FROM runs
LEFT JOIN span_totals
  ON runs.case_id = span_totals.case_id
  AND runs.policy = span_totals.policy
  AND runs.metric = span_totals.metric
  AND runs.cycle = span_totals.cycle
WHERE
  span_totals.case_id IS NULL
  OR span_totals.started_at <> runs.started_at
  OR span_totals.stopped_at <> runs.stopped_at
  OR (
    span_totals.is_counted AND span_totals.seconds IS DISTINCT FROM runs.seconds
  )
  OR span_totals.least_closed_hours_seconds < 0
