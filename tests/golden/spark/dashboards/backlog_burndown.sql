-- The Spark SQL of sql/dashboards/backlog_burndown.sql, written by `make docs`.
SELECT
  backlog.calendar_date,
  backlog.opened_cases,
  backlog.ended_cases,
  backlog.open_backlog_cases,
  backlog.opened_cases - backlog.ended_cases AS backlog_change_cases,
  congestion.congestion_index
FROM mart.backlog_daily_proxy AS backlog
LEFT JOIN mart.congestion_daily AS congestion
  ON backlog.calendar_date = congestion.calendar_date
ORDER BY
  backlog.calendar_date NULLS LAST
