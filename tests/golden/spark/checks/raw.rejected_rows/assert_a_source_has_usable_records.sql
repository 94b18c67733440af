-- The Spark SQL of sql/checks/raw.rejected_rows/assert_a_source_has_usable_records.sql, written by `make docs`.
WITH rejected_rows AS (
  SELECT DISTINCT
    source,
    file,
    row_number,
    source_rows
  FROM raw.rejected_rows
), by_source AS (
  SELECT
    source,
    COUNT(*) AS rejected_rows,
    MAX(source_rows) AS source_rows
  FROM rejected_rows
  GROUP BY
    source
)
SELECT
  source,
  rejected_rows,
  source_rows
FROM by_source
WHERE
  rejected_rows >= source_rows
