-- The Spark SQL of sql/checks/raw.cases/gates.sql, written by `make docs`.
WITH loaded AS (
  SELECT
    COUNT(*) AS cases
  FROM raw.cases
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), announced AS (
  SELECT
    COUNT(DISTINCT intake_date) AS days
  FROM raw.source_partitions
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
)
SELECT
  CAST(CAST(loaded.cases AS DOUBLE) AS DOUBLE) / CAST(NULLIF(announced.days, 0) AS DOUBLE) AS cases_per_day
FROM loaded
CROSS JOIN announced
