-- The Spark SQL of sql/checks/raw.cases/gates.sql, written by `make docs`.
WITH loaded_cases AS (
  SELECT
    COUNT(*) AS cases
  FROM raw.cases
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), announced_dates AS (
  SELECT
    COUNT(DISTINCT intake_date) AS days
  FROM raw.source_partitions
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
)
SELECT
  CAST(CAST(loaded_cases.cases AS DOUBLE) AS DOUBLE) / CAST(NULLIF(announced_dates.days, 0) AS DOUBLE) AS cases_per_day
FROM loaded_cases
CROSS JOIN announced_dates
