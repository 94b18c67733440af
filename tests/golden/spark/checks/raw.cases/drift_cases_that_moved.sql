-- The Spark SQL of sql/checks/raw.cases/drift_cases_that_moved.sql, written by `make docs`.
WITH fresh AS (
  SELECT
    case_id,
    source,
    intake_date
  FROM raw.cases
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
)
SELECT
  fresh.case_id,
  fresh.source,
  fresh.intake_date,
  held.intake_date AS stale_intake_date
FROM raw.cases AS held
INNER JOIN fresh
  ON held.case_id = fresh.case_id AND held.source = fresh.source
WHERE
  NOT (
    held.intake_date >= :start_date AND held.intake_date < :end_date
  )
