-- The Spark SQL of sql/checks/raw.events_log/assert_every_event_has_its_case.sql, written by `make docs`.
WITH events AS (
  SELECT DISTINCT
    case_id,
    intake_date
  FROM raw.events_log
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), cases AS (
  SELECT
    case_id,
    intake_date
  FROM raw.cases
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
)
SELECT
  events.case_id,
  events.intake_date
FROM events
LEFT JOIN cases
  ON events.case_id = cases.case_id AND events.intake_date = cases.intake_date
WHERE
  cases.case_id IS NULL
