-- The Spark SQL of sql/checks/staging.status_spans/assert_spans_add_up_to_lifetimes.sql, written by `make docs`.
WITH spans AS (
  SELECT
    case_id,
    MIN(started_at) AS first_started_at,
    MAX(ended_at) AS last_ended_at,
    COUNT(*) FILTER(WHERE
      ended_at IS NULL) AS open_spans,
    MAX(started_at) AS last_started_at,
    SUM(
      CASE
        WHEN ended_at IS NULL
        THEN 0
        ELSE UNIX_MICROS(CAST(ended_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(started_at AS TIMESTAMP_LTZ))
      END
    ) AS closed_us
  FROM staging.status_spans
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    case_id
), cases AS (
  SELECT
    case_id,
    intake_ts,
    last_terminal_at
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
)
SELECT
  cases.case_id,
  cases.intake_ts,
  cases.last_terminal_at,
  spans.first_started_at,
  spans.last_ended_at,
  spans.open_spans
FROM cases
LEFT JOIN spans
  ON cases.case_id = spans.case_id
WHERE
  CASE
    WHEN spans.case_id IS NULL
    THEN cases.last_terminal_at IS NULL OR cases.last_terminal_at > cases.intake_ts
    WHEN spans.first_started_at <> cases.intake_ts
    THEN TRUE
    WHEN cases.last_terminal_at IS NULL
    THEN spans.open_spans <> 1
    OR spans.closed_us <> UNIX_MICROS(CAST(spans.last_started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ))
    ELSE spans.open_spans <> 0
    OR spans.closed_us <> UNIX_MICROS(CAST(cases.last_terminal_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ))
  END
