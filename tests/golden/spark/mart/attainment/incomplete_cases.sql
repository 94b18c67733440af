-- The Spark SQL of sql/mart/attainment/incomplete_cases.sql, written by `make docs`.
SELECT
  source,
  case_id,
  intake_date,
  rejected_records
FROM staging.case_rejections
