-- The Spark SQL of sql/checks/mart.error_budget/assert_queues_add_up_to_all.sql, written by `make docs`.
WITH sums AS (
  SELECT
    policy,
    metric,
    SUM(due_clocks) AS due_clocks,
    SUM(bad_clocks) AS bad_clocks
  FROM mart.error_budget
  WHERE
    dimension = 'queue'
  GROUP BY
    policy,
    metric
), told_queues AS (
  SELECT
    BOOL_OR(is_queue_told) AS is_queue_told
  FROM mart.backlog_sources
)
SELECT
  desk.policy,
  desk.metric,
  desk.due_clocks AS due_clocks_of_all,
  sums.due_clocks,
  desk.bad_clocks AS bad_clocks_of_all,
  sums.bad_clocks
FROM mart.error_budget AS desk
INNER JOIN told_queues
  ON told_queues.is_queue_told
LEFT JOIN sums
  ON desk.policy = sums.policy AND desk.metric = sums.metric
WHERE
  desk.dimension = 'all'
  AND (
    desk.due_clocks <> COALESCE(sums.due_clocks, 0)
    OR desk.bad_clocks <> COALESCE(sums.bad_clocks, 0)
  )
