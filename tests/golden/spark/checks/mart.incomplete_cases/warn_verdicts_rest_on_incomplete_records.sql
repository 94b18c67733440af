-- The Spark SQL of sql/checks/mart.incomplete_cases/warn_verdicts_rest_on_incomplete_records.sql, written by `make docs`.
SELECT
  source,
  case_id,
  intake_date,
  rejected_records
FROM mart.incomplete_cases
