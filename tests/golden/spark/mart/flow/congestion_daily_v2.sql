-- The Spark SQL of sql/mart/flow/congestion_daily_v2.sql, written by `make docs`.
SELECT
  calendar_date,
  opened_cases,
  open_backlog_cases,
  effective_heads,
  congestion_index,
  congestion_index_10bd_mean
FROM staging.day_load
