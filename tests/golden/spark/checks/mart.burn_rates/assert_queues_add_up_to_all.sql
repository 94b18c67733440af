-- The Spark SQL of sql/checks/mart.burn_rates/assert_queues_add_up_to_all.sql, written by `make docs`.
WITH sums AS (
  SELECT
    policy,
    metric,
    alert,
    SUM(long_due_clocks) AS due_clocks,
    SUM(long_bad_clocks) AS bad_clocks
  FROM mart.burn_rates
  WHERE
    dimension = 'queue'
  GROUP BY
    policy,
    metric,
    alert
), told_queues AS (
  SELECT
    BOOL_OR(is_queue_told) AS is_queue_told
  FROM mart.backlog_sources
)
SELECT
  desk.policy,
  desk.metric,
  desk.alert,
  desk.long_due_clocks AS due_clocks_of_all,
  sums.due_clocks,
  desk.long_bad_clocks AS bad_clocks_of_all,
  sums.bad_clocks
FROM mart.burn_rates AS desk
INNER JOIN told_queues
  ON told_queues.is_queue_told
LEFT JOIN sums
  ON desk.policy = sums.policy
  AND desk.metric = sums.metric
  AND desk.alert = sums.alert
WHERE
  desk.dimension = 'all'
  AND (
    desk.long_due_clocks <> COALESCE(sums.due_clocks, 0)
    OR desk.long_bad_clocks <> COALESCE(sums.bad_clocks, 0)
  )
