-- The Spark SQL of sql/checks/raw.rejected_rows/assert_a_source_has_usable_records.sql, written by `make docs`.
WITH rejected_rows AS (
  SELECT DISTINCT
    source,
    resource,
    file,
    row_number,
    source_rows
  FROM raw.rejected_rows
), by_resource AS (
  SELECT
    source,
    resource,
    source_rows,
    COUNT(*) AS rejected_rows
  FROM rejected_rows
  GROUP BY
    source,
    resource,
    source_rows
)
SELECT
  source,
  resource,
  rejected_rows,
  source_rows
FROM by_resource
WHERE
  rejected_rows >= source_rows
