-- The Spark SQL of sql/checks/mart.worklist_policies/assert_a_disbelieved_simulation_shows_no_coming_breaches.sql, written by `make docs`.
SELECT
  queue,
  is_replay_believed,
  past_due_cases,
  past_breached_cases,
  replayed_breached_cases,
  due_date_breached_cases
FROM mart.worklist_policies
WHERE
  (
    NOT due_date_breached_cases IS NULL AND NOT COALESCE(is_replay_believed, FALSE)
  )
  OR (
    NOT is_replay_believed IS NULL
    AND (
      past_due_cases IS NULL
      OR past_breached_cases IS NULL
      OR replayed_breached_cases IS NULL
    )
  )
  OR past_breached_cases > past_due_cases
  OR replayed_breached_cases > past_due_cases
