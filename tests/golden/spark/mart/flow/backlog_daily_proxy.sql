-- The Spark SQL of sql/mart/flow/backlog_daily_proxy.sql, written by `make docs`.
SELECT
  calendar_date,
  opened_cases,
  ended_cases,
  CAST(opened_cases - ended_cases AS BIGINT) AS net_flow_cases,
  open_backlog_cases
FROM staging.day_load
