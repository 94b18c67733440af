-- The Spark SQL of sql/checks/raw.cases/assert_cases_match_source_partitions.sql, written by `make docs`.
WITH loaded AS (
  SELECT
    source,
    intake_date,
    COUNT(*) AS cases
  FROM raw.cases
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    source,
    intake_date
), announced AS (
  SELECT
    source,
    intake_date,
    cases
  FROM raw.source_partitions
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
)
SELECT
  announced.source,
  announced.intake_date,
  announced.cases AS announced_cases,
  COALESCE(loaded.cases, 0) AS loaded_cases
FROM announced
LEFT JOIN loaded
  ON announced.source = loaded.source AND announced.intake_date = loaded.intake_date
WHERE
  announced.cases <> COALESCE(loaded.cases, 0)
