-- The Spark SQL of sql/checks/raw.attribute_changes/assert_every_row_has_its_case.sql, written by `make docs`.
SELECT
  changes.change_id,
  changes.case_id,
  changes.intake_date
FROM raw.attribute_changes AS changes
LEFT JOIN raw.cases AS cases
  ON changes.case_id = cases.case_id
  AND changes.intake_date = cases.intake_date
  AND cases.intake_date >= :start_date
  AND cases.intake_date < :end_date
WHERE
  changes.intake_date >= :start_date
  AND changes.intake_date < :end_date
  AND cases.case_id IS NULL
