-- The Spark SQL of sql/checks/mart.backlog_daily/assert_flow_adds_up.sql, written by `make docs`.
WITH days AS (
  SELECT
    calendar_date,
    dimension,
    dimension_value,
    open_cases,
    opened_cases + reopened_cases + moved_in_cases - moved_out_cases - left_cases - cancelled_cases AS net_cases
  FROM mart.backlog_daily
), next_days AS (
  SELECT
    days.calendar_date + INTERVAL '1' DAY AS calendar_date,
    days.dimension,
    days.dimension_value,
    days.open_cases AS open_cases_before
  FROM days
  INNER JOIN mart.snapshot_instants AS instants
    ON days.calendar_date + INTERVAL '1' DAY = instants.snapshot_date
)
SELECT
  COALESCE(days.calendar_date, next_days.calendar_date) AS calendar_date,
  COALESCE(days.dimension, next_days.dimension) AS dimension,
  COALESCE(days.dimension_value, next_days.dimension_value) AS dimension_value,
  next_days.open_cases_before,
  days.net_cases,
  days.open_cases
FROM days
FULL OUTER JOIN next_days
  ON days.calendar_date = next_days.calendar_date
  AND days.dimension = next_days.dimension
  AND days.dimension_value = next_days.dimension_value
WHERE
  COALESCE(next_days.open_cases_before, 0) + COALESCE(days.net_cases, 0) <> COALESCE(days.open_cases, 0)
