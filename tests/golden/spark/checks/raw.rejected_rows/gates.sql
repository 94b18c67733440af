-- The Spark SQL of sql/checks/raw.rejected_rows/gates.sql, written by `make docs`.
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
  COALESCE(SUM(rejected_rows), 0) * 1.0 AS rejected_rows,
  COALESCE(
    CAST(100.0 * SUM(rejected_rows) AS DOUBLE) / CAST(NULLIF(SUM(source_rows), 0) AS DOUBLE),
    0.0
  ) AS pct_rejected_rows
FROM by_source
