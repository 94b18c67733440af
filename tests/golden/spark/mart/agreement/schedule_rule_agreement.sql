-- The Spark SQL of sql/mart/agreement/schedule_rule_agreement.sql, written by `make docs`.
WITH measured_clocks AS (
  SELECT
    source,
    metric,
    'in_force' AS schedule_rule,
    schedule_change = 'in_force' AS is_applied,
    in_force_elapsed_seconds - source_elapsed_seconds AS difference_seconds
  FROM staging.schedule_change_clocks
  WHERE
    NOT in_force_elapsed_seconds IS NULL AND NOT source_elapsed_seconds IS NULL
  UNION ALL
  SELECT
    source,
    metric,
    'last' AS schedule_rule,
    schedule_change = 'last' AS is_applied,
    last_elapsed_seconds - source_elapsed_seconds AS difference_seconds
  FROM staging.schedule_change_clocks
  WHERE
    NOT last_elapsed_seconds IS NULL AND NOT source_elapsed_seconds IS NULL
)
SELECT
  source,
  metric,
  schedule_rule,
  BOOL_OR(is_applied) AS is_applied_rule,
  CAST(COUNT(*) AS BIGINT) AS compared_clocks,
  CAST(COUNT(*) FILTER(WHERE
    ABS(difference_seconds) < 60) AS BIGINT) AS agreeing_clocks,
  CAST(CAST(100.0 * COUNT(*) FILTER(WHERE
    ABS(difference_seconds) < 60) AS DOUBLE) / CAST(NULLIF(COUNT(*), 0) AS DOUBLE) AS DOUBLE) AS agreeing_pct
FROM measured_clocks
GROUP BY
  source,
  metric,
  schedule_rule
