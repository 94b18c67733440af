-- The Spark SQL of sql/checks/mart.next_best_ticket/assert_every_workable_case_has_its_place.sql, written by `make docs`.
SELECT
  COALESCE(cases.case_id, tickets.case_id) AS case_id,
  tickets.queue,
  tickets.position_in_queue
FROM mart.workable_cases AS cases
FULL JOIN mart.next_best_ticket AS tickets
  ON cases.case_id = tickets.case_id
WHERE
  cases.case_id IS NULL OR tickets.case_id IS NULL
UNION ALL
SELECT
  MAX(case_id) AS case_id,
  queue,
  MAX(position_in_queue) AS position_in_queue
FROM mart.next_best_ticket
GROUP BY
  queue
HAVING
  COUNT(*) <> MAX(position_in_queue)
  OR COUNT(DISTINCT position_in_queue) <> COUNT(*)
