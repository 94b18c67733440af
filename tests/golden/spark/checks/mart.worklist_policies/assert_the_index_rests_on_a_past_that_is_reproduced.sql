-- The Spark SQL of sql/checks/mart.worklist_policies/assert_the_index_rests_on_a_past_that_is_reproduced.sql, written by `make docs`.
SELECT
  queue,
  picking_policy,
  is_replay_believed,
  due_date_breached_cases,
  allowed_breached_cases
FROM mart.worklist_policies
WHERE
  picking_policy = 'guarded index'
  AND (
    NOT COALESCE(is_replay_believed, FALSE)
    OR COALESCE(due_date_breached_cases, 0) <= COALESCE(allowed_breached_cases, 0)
  )
