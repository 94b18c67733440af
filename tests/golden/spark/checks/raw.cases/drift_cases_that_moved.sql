-- The Spark SQL of sql/checks/raw.cases/drift_cases_that_moved.sql, written by `make docs`.
WITH fresh_partitions AS (
  SELECT
    case_id,
    source,
    intake_date
  FROM raw.cases
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
)
SELECT
  fresh_partitions.case_id,
  fresh_partitions.source,
  fresh_partitions.intake_date,
  held.intake_date AS stale_intake_date
FROM raw.cases AS held
INNER JOIN fresh_partitions
  ON held.case_id = fresh_partitions.case_id AND held.source = fresh_partitions.source
WHERE
  held.intake_date < :start_date OR held.intake_date >= :end_date
