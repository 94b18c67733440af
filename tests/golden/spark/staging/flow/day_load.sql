-- The Spark SQL of sql/staging/flow/day_load.sql, written by `make docs`.
WITH calendar AS (
  SELECT
    calendar_date,
    is_business_day,
    business_day_number
  FROM raw.calendar_dim
  WHERE
    calendar = 'desk'
), movements AS (
  SELECT
    intake_date AS movement_date,
    cases AS opened_cases,
    0 AS ended_cases
  FROM staging.daily_flow
  UNION ALL
  SELECT
    ended_date AS movement_date,
    0 AS opened_cases,
    cases AS ended_cases
  FROM staging.daily_flow
  WHERE
    NOT ended_date IS NULL
  UNION ALL
  SELECT
    calendar_date AS movement_date,
    0 AS opened_cases,
    0 AS ended_cases
  FROM calendar
), flow AS (
  SELECT
    movement_date,
    SUM(opened_cases) AS opened_cases,
    SUM(ended_cases) AS ended_cases
  FROM movements
  GROUP BY
    movement_date
), backlog AS (
  SELECT
    movement_date,
    opened_cases,
    ended_cases,
    SUM(opened_cases - ended_cases) OVER (ORDER BY movement_date NULLS LAST) AS open_backlog_cases
  FROM flow
), staffing AS (
  SELECT
    staff_date,
    CAST(SUM(CAST(planned_heads AS DECIMAL(28, 12))) AS DOUBLE) AS planned_heads,
    CAST(SUM(CAST(effective_heads AS DECIMAL(28, 12))) AS DOUBLE) AS effective_heads
  FROM raw.staffing_schedule
  GROUP BY
    staff_date
), load_of_day AS (
  SELECT
    calendar.calendar_date,
    calendar.is_business_day,
    calendar.business_day_number,
    backlog.opened_cases,
    backlog.ended_cases,
    backlog.open_backlog_cases,
    staffing.planned_heads,
    staffing.effective_heads,
    CAST(backlog.opened_cases + backlog.open_backlog_cases AS DOUBLE) / CAST(NULLIF(staffing.effective_heads, 0) AS DOUBLE) AS congestion_index
  FROM calendar
  INNER JOIN backlog
    ON calendar.calendar_date = backlog.movement_date
  LEFT JOIN staffing
    ON calendar.calendar_date = staffing.staff_date
), trailing_mean AS (
  SELECT
    days.calendar_date,
    CAST(SUM(CAST(business_days.congestion_index AS DECIMAL(28, 12))) AS DOUBLE) / CAST(NULLIF(COUNT(business_days.congestion_index), 0) AS DOUBLE) AS congestion_index_10bd_mean
  FROM load_of_day AS days
  INNER JOIN load_of_day AS business_days
    ON business_days.is_business_day
    AND business_days.business_day_number > days.business_day_number - 10
    AND business_days.business_day_number <= days.business_day_number
  GROUP BY
    days.calendar_date
)
SELECT
  load_of_day.calendar_date,
  load_of_day.is_business_day,
  CAST(load_of_day.opened_cases AS BIGINT) AS opened_cases,
  CAST(load_of_day.ended_cases AS BIGINT) AS ended_cases,
  CAST(load_of_day.open_backlog_cases AS BIGINT) AS open_backlog_cases,
  CAST(load_of_day.planned_heads AS DOUBLE) AS planned_heads,
  CAST(load_of_day.effective_heads AS DOUBLE) AS effective_heads,
  CAST(load_of_day.congestion_index AS DOUBLE) AS congestion_index,
  CAST(trailing_mean.congestion_index_10bd_mean AS DOUBLE) AS congestion_index_10bd_mean
FROM load_of_day
LEFT JOIN trailing_mean
  ON load_of_day.calendar_date = trailing_mean.calendar_date
