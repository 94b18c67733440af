-- The Spark SQL of sql/mart/flow/congestion_daily.sql, written by `make docs`.
SELECT
  calendar_date,
  opened_cases,
  open_backlog_cases,
  effective_heads,
  congestion_index
FROM staging.day_load
