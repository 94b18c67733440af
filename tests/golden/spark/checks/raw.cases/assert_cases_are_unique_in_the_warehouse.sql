-- The Spark SQL of sql/checks/raw.cases/assert_cases_are_unique_in_the_warehouse.sql, written by `make docs`.
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
  held.source AS other_source,
  held.intake_date AS other_intake_date
FROM raw.cases AS held
INNER JOIN fresh_partitions
  ON held.case_id = fresh_partitions.case_id
WHERE
  held.source <> fresh_partitions.source
