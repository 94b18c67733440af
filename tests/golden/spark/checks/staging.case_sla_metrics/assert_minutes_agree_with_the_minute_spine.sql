-- The Spark SQL of sql/checks/staging.case_sla_metrics/assert_minutes_agree_with_the_minute_spine.sql, written by `make docs`.
WITH single_span_clocks AS (
  SELECT DISTINCT
    case_id,
    stopped_at
  FROM staging.sla_clock_spans
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND metric = 'first_resolution'
    AND calendar = 'desk'
    AND is_only_span
), resolved_cases AS (
  SELECT
    case_id,
    intake_ts,
    resolution_ts,
    resolution_incl_wait_business_minutes
  FROM staging.case_sla_metrics
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND resolution_calendar = 'desk'
), cases AS (
  SELECT
    resolved_cases.*
  FROM resolved_cases
  INNER JOIN single_span_clocks
    ON resolved_cases.case_id = single_span_clocks.case_id
    AND resolved_cases.resolution_ts = single_span_clocks.stopped_at
), spine AS (
  SELECT
    minute_start_at,
    minute_number
  FROM staging.business_minutes_dim
  WHERE
    business_date >= :start_date - INTERVAL '7' DAY
), instants AS (
  SELECT
    intake_ts AS instant,
    CAST(NULL AS BIGINT) AS minute_number
  FROM cases
  UNION
  SELECT
    resolution_ts AS instant,
    CAST(NULL AS BIGINT) AS minute_number
  FROM cases
  UNION ALL
  SELECT
    minute_start_at AS instant,
    minute_number
  FROM spine
), spine_positions AS (
  SELECT
    instant,
    minute_number,
    MAX(minute_number) OVER (ORDER BY instant NULLS LAST) AS minutes_before,
    MIN(minute_number) OVER (ORDER BY instant DESC range BETWEEN UNBOUNDED preceding AND CURRENT ROW) AS next_minute
  FROM instants
), minute_counts AS (
  SELECT
    instant,
    MAX(minutes_before) AS minutes
  FROM spine_positions
  WHERE
    minute_number IS NULL
    AND (
      next_minute = minutes_before + 1 OR next_minute = minutes_before
    )
  GROUP BY
    instant
)
SELECT
  cases.case_id,
  cases.intake_ts,
  cases.resolution_ts,
  cases.resolution_incl_wait_business_minutes,
  resolved.minutes - intake.minutes AS spine_minutes
FROM cases
INNER JOIN minute_counts AS intake
  ON cases.intake_ts = intake.instant
INNER JOIN minute_counts AS resolved
  ON cases.resolution_ts = resolved.instant
WHERE
  ABS(resolved.minutes - intake.minutes - cases.resolution_incl_wait_business_minutes) > 1
