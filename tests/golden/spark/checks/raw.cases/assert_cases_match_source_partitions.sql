-- The Spark SQL of sql/checks/raw.cases/assert_cases_match_source_partitions.sql, written by `make docs`.
WITH raw_counts AS (
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
), partition_counts AS (
  SELECT
    source,
    intake_date,
    cases
  FROM raw.source_partitions
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
)
SELECT
  partition_counts.source,
  partition_counts.intake_date,
  partition_counts.cases AS announced_cases,
  COALESCE(raw_counts.cases, 0) AS loaded_cases
FROM partition_counts
LEFT JOIN raw_counts
  ON partition_counts.source = raw_counts.source
  AND partition_counts.intake_date = raw_counts.intake_date
WHERE
  partition_counts.cases <> COALESCE(raw_counts.cases, 0)
