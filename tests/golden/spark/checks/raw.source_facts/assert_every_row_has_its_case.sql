-- The Spark SQL of sql/checks/raw.source_facts/assert_every_row_has_its_case.sql, written by `make docs`.
SELECT
  facts.case_id,
  facts.fact,
  facts.intake_date
FROM raw.source_facts AS facts
LEFT JOIN raw.cases AS cases
  ON facts.case_id = cases.case_id
  AND facts.intake_date = cases.intake_date
  AND cases.intake_date >= :start_date
  AND cases.intake_date < :end_date
WHERE
  facts.intake_date >= :start_date
  AND facts.intake_date < :end_date
  AND cases.case_id IS NULL
