-- The Spark SQL of sql/checks/raw.source_verdicts/assert_every_row_has_its_case.sql, written by `make docs`.
SELECT
  verdicts.verdict_id,
  verdicts.case_id,
  verdicts.intake_date
FROM raw.source_verdicts AS verdicts
LEFT JOIN raw.cases AS cases
  ON verdicts.case_id = cases.case_id
  AND verdicts.intake_date = cases.intake_date
  AND cases.intake_date >= :start_date
  AND cases.intake_date < :end_date
WHERE
  verdicts.intake_date >= :start_date
  AND verdicts.intake_date < :end_date
  AND cases.case_id IS NULL
