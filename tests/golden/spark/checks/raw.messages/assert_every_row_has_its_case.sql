-- The Spark SQL of sql/checks/raw.messages/assert_every_row_has_its_case.sql, written by `make docs`.
SELECT
  messages.message_id,
  messages.case_id,
  messages.intake_date
FROM raw.messages AS messages
LEFT JOIN raw.cases AS cases
  ON messages.case_id = cases.case_id
  AND messages.intake_date = cases.intake_date
  AND cases.intake_date >= :start_date
  AND cases.intake_date < :end_date
WHERE
  messages.intake_date >= :start_date
  AND messages.intake_date < :end_date
  AND cases.case_id IS NULL
