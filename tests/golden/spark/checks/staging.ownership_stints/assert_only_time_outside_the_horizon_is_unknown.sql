-- The Spark SQL of sql/checks/staging.ownership_stints/assert_only_time_outside_the_horizon_is_unknown.sql, written by `make docs`.
WITH unknown_spans AS (
  SELECT DISTINCT
    case_id,
    stint
  FROM staging.ownership_spans
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND ended_at > started_at
    AND business_seconds IS NULL
)
SELECT
  stints.case_id,
  stints.stint
FROM staging.ownership_stints AS stints
LEFT JOIN unknown_spans
  ON stints.case_id = unknown_spans.case_id AND stints.stint = unknown_spans.stint
WHERE
  stints.intake_date >= :start_date
  AND stints.intake_date < :end_date
  AND stints.queue_business_seconds IS NULL
  AND unknown_spans.case_id IS NULL
