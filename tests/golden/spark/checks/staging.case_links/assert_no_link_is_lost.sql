-- The Spark SQL of sql/checks/staging.case_links/assert_no_link_is_lost.sql, written by `make docs`.
SELECT
  told.source,
  told.case_id,
  told.linked_case_id,
  told.link_kind
FROM raw.case_links AS told
LEFT JOIN staging.case_links AS links
  ON told.case_id = links.case_id
  AND told.linked_case_id = links.linked_case_id
  AND told.link_kind = links.link_kind
WHERE
  told.intake_date >= :start_date
  AND told.intake_date < :end_date
  AND links.case_id IS NULL
