-- The Spark SQL of sql/checks/mart.backlog_daily/assert_debt_adds_up.sql, written by `make docs`.
WITH days AS (
  SELECT
    calendar_date,
    dimension,
    dimension_value,
    debt_seconds,
    debt_accrued_seconds - debt_repaid_seconds + debt_moved_in_seconds - debt_moved_out_seconds AS net_debt_seconds
  FROM mart.backlog_daily
), next_days AS (
  SELECT
    days.calendar_date + INTERVAL '1' DAY AS calendar_date,
    days.dimension,
    days.dimension_value,
    days.debt_seconds AS debt_seconds_before
  FROM days
  INNER JOIN mart.snapshot_instants AS instants
    ON days.calendar_date + INTERVAL '1' DAY = instants.snapshot_date
)
SELECT
  COALESCE(days.calendar_date, next_days.calendar_date) AS calendar_date,
  COALESCE(days.dimension, next_days.dimension) AS dimension,
  COALESCE(days.dimension_value, next_days.dimension_value) AS dimension_value,
  next_days.debt_seconds_before,
  days.net_debt_seconds,
  days.debt_seconds
FROM days
FULL OUTER JOIN next_days
  ON days.calendar_date = next_days.calendar_date
  AND days.dimension = next_days.dimension
  AND days.dimension_value = next_days.dimension_value
WHERE
  COALESCE(next_days.debt_seconds_before, 0) + COALESCE(days.net_debt_seconds, 0) <> COALESCE(days.debt_seconds, 0)
