-- The Spark SQL of sql/checks/staging.day_load/assert_no_case_is_held_twice.sql, written by `make docs`.
WITH latest_load AS (
  SELECT
    MAX(as_of_at) AS as_of_at
  FROM raw.source_partitions
), fresh_partitions AS (
  SELECT DISTINCT
    loads.intake_date
  FROM raw.source_partitions AS loads
  CROSS JOIN latest_load
  WHERE
    loads.as_of_at = :as_of_at OR loads.as_of_at = latest_load.as_of_at
), cases AS (
  SELECT
    cases.case_id,
    cases.intake_date
  FROM raw.cases AS cases
  INNER JOIN fresh_partitions
    ON cases.intake_date = fresh_partitions.intake_date
)
SELECT
  cases.case_id,
  cases.intake_date,
  held.intake_date AS other_intake_date
FROM raw.cases AS held
INNER JOIN cases
  ON held.case_id = cases.case_id
WHERE
  held.intake_date <> cases.intake_date
