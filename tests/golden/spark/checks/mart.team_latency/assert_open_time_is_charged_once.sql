-- The Spark SQL of sql/checks/mart.team_latency/assert_open_time_is_charged_once.sql, written by `make docs`.
WITH teams AS (
  SELECT
    SUM(open_now_held_calendar_seconds) AS held_seconds,
    SUM(open_now_naive_calendar_seconds) AS naive_seconds,
    SUM(
      open_now_queue_calendar_seconds + open_now_active_calendar_seconds + open_now_wait_customer_calendar_seconds + open_now_wait_other_calendar_seconds
    ) AS seconds_by_state
  FROM mart.team_latency
)
SELECT
  held_seconds,
  naive_seconds,
  seconds_by_state
FROM teams
WHERE
  held_seconds <> naive_seconds OR held_seconds <> seconds_by_state
