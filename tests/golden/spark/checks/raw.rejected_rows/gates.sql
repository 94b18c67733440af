-- The Spark SQL of sql/checks/raw.rejected_rows/gates.sql, written by `make docs`.
WITH rejected_rows AS (
  SELECT DISTINCT
    source,
    resource,
    file,
    row_number,
    source_rows
  FROM raw.rejected_rows
  WHERE
    LOCATE('lies before desk.start_date', reason) = 0
), records_before_the_start AS (
  SELECT
    source,
    resource,
    COUNT(*) AS records
  FROM (
    SELECT DISTINCT
      source,
      resource,
      file,
      row_number
    FROM raw.rejected_rows
    WHERE
      LOCATE('lies before desk.start_date', reason) > 0
  ) AS early_records
  GROUP BY
    source,
    resource
), by_resource AS (
  SELECT
    rejected_rows.source,
    rejected_rows.resource,
    COUNT(*) AS rejected_rows,
    rejected_rows.source_rows - COALESCE(MAX(records_before_the_start.records), 0) AS source_rows
  FROM rejected_rows
  LEFT JOIN records_before_the_start
    ON rejected_rows.source = records_before_the_start.source
    AND rejected_rows.resource = records_before_the_start.resource
  GROUP BY
    rejected_rows.source,
    rejected_rows.resource,
    rejected_rows.source_rows
)
SELECT
  COALESCE(SUM(rejected_rows), 0) * 1.0 AS rejected_rows,
  COALESCE(
    CAST(100.0 * SUM(rejected_rows) AS DOUBLE) / CAST(NULLIF(SUM(source_rows), 0) AS DOUBLE),
    0.0
  ) AS pct_rejected_rows
FROM by_resource
