-- The Spark SQL of sql/checks/raw.cases/drift_cases_that_moved.sql, written by `make docs`.
WITH new_cases AS (
  SELECT
    case_id,
    source,
    intake_date
  FROM raw.cases
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
)
SELECT
  new_cases.case_id,
  new_cases.source,
  new_cases.intake_date,
  held.intake_date AS stale_intake_date
FROM raw.cases AS held
INNER JOIN new_cases
  ON held.case_id = new_cases.case_id AND held.source = new_cases.source
WHERE
  NOT (
    held.intake_date >= :start_date AND held.intake_date < :end_date
  )
