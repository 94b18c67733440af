-- The Spark SQL of sql/mart/backlog/pace_days.sql, written by `make docs`.
WITH business_days AS (
  SELECT
    days.local_date,
    CAST(SUM(
      CAST(UNIX_MICROS(CAST(days.segment_end_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(days.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS business_minutes
  FROM staging.business_time AS days
  INNER JOIN mart.desk_now AS desk_now
    ON days.local_date >= desk_now.now_date - INTERVAL '45' DAY
    AND days.local_date < desk_now.now_date
  WHERE
    days.calendar = 'desk' AND days.is_open
  GROUP BY
    days.local_date
), worked_days AS (
  SELECT
    days.dimension,
    days.dimension_value,
    days.calendar_date,
    ROW_NUMBER() OVER (
      PARTITION BY days.dimension, days.dimension_value
      ORDER BY days.calendar_date DESC
    ) AS worked_days_ago,
    days.opened_cases + days.reopened_cases + days.moved_in_cases AS arrived_cases,
    days.left_cases + days.cancelled_cases + days.moved_out_cases AS gone_cases,
    business_days.business_minutes
  FROM mart.backlog_daily AS days
  INNER JOIN business_days
    ON days.calendar_date = business_days.local_date
)
SELECT
  dimension,
  dimension_value,
  calendar_date,
  CAST(arrived_cases AS BIGINT) AS arrived_cases,
  CAST(gone_cases AS BIGINT) AS gone_cases,
  CAST(business_minutes AS DOUBLE) AS pace_day_business_minutes
FROM worked_days
WHERE
  worked_days_ago <= 10
