-- The Spark SQL of sql/checks/staging.sla_clocks/assert_verdicts_follow_the_rule.sql, written by `make docs`.
SELECT
  case_id,
  policy,
  metric,
  cycle,
  outcome,
  reason,
  elapsed_seconds,
  target_seconds,
  stopped_at,
  is_stopped_by_event,
  is_open
FROM staging.sla_clocks
WHERE
  intake_date >= :start_date
  AND intake_date < :end_date
  AND NOT (
    CASE outcome
      WHEN 'met'
      THEN elapsed_seconds <= target_seconds AND is_stopped_by_event
      WHEN 'breached'
      THEN elapsed_seconds > target_seconds AND is_stopped_by_event
      WHEN 'running'
      THEN is_open AND stopped_at IS NULL AND elapsed_seconds IS NULL
      ELSE NOT reason IS NULL
    END
  ) IS TRUE
