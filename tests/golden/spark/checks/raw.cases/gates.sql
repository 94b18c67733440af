-- The Spark SQL of sql/checks/raw.cases/gates.sql, written by `make docs`.
SELECT
  CAST(COUNT(*) * 1.0 AS DOUBLE) / CAST(NULLIF(DATEDIFF(DAY, :start_date, :end_date), 0) AS DOUBLE) AS cases_per_day
FROM raw.cases
WHERE
  intake_date >= :start_date AND intake_date < :end_date
