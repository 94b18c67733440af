-- The Spark SQL of sql/checks/raw.applied_targets/assert_every_row_has_its_case.sql, written by `make docs`.
SELECT
  targets.applied_id,
  targets.case_id,
  targets.intake_date
FROM raw.applied_targets AS targets
LEFT JOIN raw.cases AS cases
  ON targets.case_id = cases.case_id
  AND targets.intake_date = cases.intake_date
  AND cases.intake_date >= :start_date
  AND cases.intake_date < :end_date
WHERE
  targets.intake_date >= :start_date
  AND targets.intake_date < :end_date
  AND cases.case_id IS NULL
