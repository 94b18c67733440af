-- The Spark SQL of sql/checks/staging.ownership_stints/assert_stints_add_up_to_spans.sql, written by `make docs`.
WITH stints AS (
  SELECT
    case_id,
    COUNT(*) AS stint_count,
    MAX(stint) AS last_stint,
    SUM(
      queue_calendar_seconds + active_calendar_seconds + wait_customer_calendar_seconds + wait_other_calendar_seconds + done_calendar_seconds
    ) AS calendar_seconds
  FROM staging.ownership_stints
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    case_id
), spans AS (
  SELECT
    case_id,
    MAX(stint) AS last_stint,
    SUM(COALESCE(calendar_seconds, 0)) AS calendar_seconds
  FROM staging.ownership_spans
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    case_id
)
SELECT
  spans.case_id,
  spans.calendar_seconds AS span_calendar_seconds,
  stints.calendar_seconds AS stint_calendar_seconds,
  stints.stint_count
FROM spans
LEFT JOIN stints
  ON spans.case_id = stints.case_id
WHERE
  stints.case_id IS NULL
  OR stints.calendar_seconds <> spans.calendar_seconds
  OR stints.stint_count <> spans.last_stint
  OR stints.last_stint <> spans.last_stint
