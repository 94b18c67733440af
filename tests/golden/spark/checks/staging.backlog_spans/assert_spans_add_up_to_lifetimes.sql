-- The Spark SQL of sql/checks/staging.backlog_spans/assert_spans_add_up_to_lifetimes.sql, written by `make docs`.
WITH spans AS (
  SELECT
    case_id,
    COUNT(*) AS spans,
    COUNT(*) FILTER(WHERE
      ended_at IS NULL) AS open_ended_spans,
    MIN(started_at) AS first_started_at,
    MAX(ended_at) AS last_ended_at,
    SUM(
      CASE
        WHEN NOT ended_at IS NULL
        THEN (
          UNIX_MICROS(CAST(ended_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(started_at AS TIMESTAMP_LTZ))
        )
      END
    ) AS covered_microseconds,
    MAX(CASE WHEN ended_at IS NULL THEN started_at END) AS open_ended_from_at
  FROM staging.backlog_spans
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    case_id
), cases AS (
  SELECT
    case_id,
    intake_ts,
    ended_at
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
)
SELECT
  cases.case_id,
  cases.intake_ts,
  cases.ended_at,
  spans.spans,
  spans.open_ended_spans,
  spans.covered_microseconds
FROM cases
LEFT JOIN spans
  ON cases.case_id = spans.case_id
WHERE
  spans.case_id IS NULL
  OR spans.first_started_at <> cases.intake_ts
  OR spans.open_ended_spans <> CASE WHEN cases.ended_at IS NULL THEN 1 ELSE 0 END
  OR COALESCE(spans.covered_microseconds, 0) <> UNIX_MICROS(CAST(COALESCE(cases.ended_at, spans.open_ended_from_at) AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ))
  OR COALESCE(spans.last_ended_at > COALESCE(cases.ended_at, spans.open_ended_from_at), FALSE)
