-- The Spark SQL of sql/staging/clocks/case_rejections.sql, written by `make docs`.
SELECT
  cases.source,
  cases.case_id,
  cases.intake_date,
  CAST(COUNT(*) AS BIGINT) AS rejected_records
FROM (
  SELECT DISTINCT
    source,
    file,
    row_number,
    case_id
  FROM raw.rejected_rows
  WHERE
    is_clock_relevant
) AS records
INNER JOIN staging.case_milestones AS cases
  ON records.case_id = cases.case_id
GROUP BY
  cases.source,
  cases.case_id,
  cases.intake_date
