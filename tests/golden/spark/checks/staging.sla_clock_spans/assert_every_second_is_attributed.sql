-- The Spark SQL of sql/checks/staging.sla_clock_spans/assert_every_second_is_attributed.sql, written by `make docs`.
WITH attributed AS (
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
  attributed.seconds AS attributed_seconds
FROM runs
LEFT JOIN attributed
  ON runs.case_id = attributed.case_id
  AND runs.policy = attributed.policy
  AND runs.metric = attributed.metric
  AND runs.cycle = attributed.cycle
WHERE
  attributed.case_id IS NULL
  OR attributed.started_at <> runs.started_at
  OR attributed.stopped_at <> runs.stopped_at
  OR (
    attributed.is_counted AND attributed.seconds IS DISTINCT FROM runs.seconds
  )
  OR attributed.least_closed_hours_seconds < 0
