-- The Spark SQL of sql/checks/staging.day_load/assert_backlog_is_never_negative.sql, written by `make docs`.
SELECT
  calendar_date,
  opened_cases,
  ended_cases,
  open_backlog_cases
FROM staging.day_load
WHERE
  open_backlog_cases < 0
