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
), measured_clocks AS (
  SELECT
    stretches.case_id,
    stretches.policy,
    stretches.metric,
    stretches.cycle,
    COUNT(*) AS last_spans,
    MAX(
      stretches.running_seconds_before + CASE
        WHEN stretches.state = 'paused'
        THEN 0
        WHEN hours.is_open
        THEN hours.open_seconds_before + CAST(UNIX_MICROS(CAST(stretches.stopped_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(hours.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - stretches.open_seconds_at_start
        ELSE hours.open_seconds_before - stretches.open_seconds_at_start
      END
    ) AS elapsed_seconds
  FROM last_spans AS stretches
  LEFT JOIN staging.business_time AS hours
    ON stretches.calendar = hours.calendar
    AND CAST(stretches.stopped_at AS DATE) = hours.utc_date
    AND stretches.stopped_at >= hours.segment_start_at
    AND stretches.stopped_at < hours.segment_end_at
  GROUP BY
    stretches.case_id,
    stretches.policy,
    stretches.metric,
    stretches.cycle
)
SELECT
  clocks.case_id,
  clocks.policy,
  clocks.metric,
  clocks.cycle,
  clocks.outcome,
  measured_clocks.last_spans,
  measured_clocks.elapsed_seconds AS backlog_elapsed_seconds,
  clocks.elapsed_seconds
FROM staging.sla_clocks AS clocks
LEFT JOIN measured_clocks
  ON clocks.case_id = measured_clocks.case_id
  AND clocks.policy = measured_clocks.policy
  AND clocks.metric = measured_clocks.metric
  AND clocks.cycle = measured_clocks.cycle
WHERE
  clocks.intake_date >= :start_date
  AND clocks.intake_date < :end_date
  AND clocks.outcome IN ('met', 'breached')
  AND (
    measured_clocks.last_spans IS DISTINCT FROM 1
    OR measured_clocks.elapsed_seconds IS DISTINCT FROM clocks.elapsed_seconds
  )
