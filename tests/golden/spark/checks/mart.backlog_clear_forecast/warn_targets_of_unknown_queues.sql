-- The Spark SQL of sql/checks/mart.backlog_clear_forecast/warn_targets_of_unknown_queues.sql, written by `make docs`.
SELECT
  dimension_value,
  clear_reason
FROM mart.backlog_clear_forecast
WHERE
  STARTSWITH(clear_reason, 'no such queue')
