-- The Spark SQL of sql/checks/staging.ownership_spans/assert_every_second_of_a_life_is_in_one_span.sql, written by `make docs`.
WITH lives AS (
  SELECT
    case_id,
    MIN(started_at) AS first_started_at,
    MAX(started_at) AS last_started_at,
    COUNT(*) FILTER(WHERE
      ended_at IS NULL) AS endless_spans,
    SUM(COALESCE(calendar_seconds, 0)) AS calendar_seconds
  FROM staging.ownership_spans
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    case_id
), broken_spans AS (
  SELECT
    spans.case_id,
    COUNT(*) AS broken_spans
  FROM staging.ownership_spans AS spans
  LEFT JOIN staging.ownership_spans AS next_spans
    ON spans.case_id = next_spans.case_id
    AND spans.span_number + 1 = next_spans.span_number
    AND spans.ended_at = next_spans.started_at
    AND next_spans.intake_date >= :start_date
    AND next_spans.intake_date < :end_date
  WHERE
    spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND NOT spans.ended_at IS NULL
    AND next_spans.case_id IS NULL
  GROUP BY
    spans.case_id
)
SELECT
  cases.case_id,
  cases.intake_ts,
  cases.last_terminal_at,
  lives.first_started_at,
  lives.last_started_at,
  lives.endless_spans,
  COALESCE(broken_spans.broken_spans, 0) AS broken_spans,
  lives.calendar_seconds
FROM staging.case_milestones AS cases
LEFT JOIN lives
  ON cases.case_id = lives.case_id
LEFT JOIN broken_spans
  ON cases.case_id = broken_spans.case_id
WHERE
  cases.intake_date >= :start_date
  AND cases.intake_date < :end_date
  AND (
    lives.case_id IS NULL
    OR lives.first_started_at <> cases.intake_ts
    OR lives.last_started_at < cases.last_terminal_at
    OR lives.endless_spans <> 1
    OR NOT broken_spans.case_id IS NULL
    OR lives.calendar_seconds <> CAST(UNIX_MICROS(CAST(lives.last_started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
  )
