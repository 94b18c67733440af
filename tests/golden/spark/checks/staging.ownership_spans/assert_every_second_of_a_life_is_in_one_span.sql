-- The Spark SQL of sql/checks/staging.ownership_spans/assert_every_second_of_a_life_is_in_one_span.sql, written by `make docs`.
WITH spans AS (
  SELECT
    case_id,
    started_at,
    ended_at,
    calendar_seconds,
    LEAD(started_at) OVER (PARTITION BY case_id ORDER BY span_number NULLS LAST) AS next_started_at
  FROM staging.ownership_spans
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), lives AS (
  SELECT
    case_id,
    MIN(started_at) AS first_started_at,
    MAX(started_at) AS last_started_at,
    COUNT(*) FILTER(WHERE
      ended_at IS NULL) AS endless_spans,
    COUNT(*) FILTER(WHERE
      ended_at IS DISTINCT FROM next_started_at) AS broken_spans,
    SUM(COALESCE(calendar_seconds, 0)) AS calendar_seconds
  FROM spans
  GROUP BY
    case_id
)
SELECT
  cases.case_id,
  cases.intake_ts,
  cases.last_terminal_at,
  lives.first_started_at,
  lives.last_started_at,
  lives.endless_spans,
  lives.broken_spans,
  lives.calendar_seconds
FROM staging.case_milestones AS cases
LEFT JOIN lives
  ON cases.case_id = lives.case_id
WHERE
  cases.intake_date >= :start_date
  AND cases.intake_date < :end_date
  AND (
    lives.case_id IS NULL
    OR lives.first_started_at <> cases.intake_ts
    OR lives.last_started_at < cases.last_terminal_at
    OR lives.endless_spans <> 1
    OR lives.broken_spans <> 0
    OR lives.calendar_seconds <> CAST(UNIX_MICROS(CAST(lives.last_started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
  )
