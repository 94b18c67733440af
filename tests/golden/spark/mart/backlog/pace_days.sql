-- The Spark SQL of sql/mart/backlog/pace_days.sql, written by `make docs`.
WITH loaded_dates AS (
  SELECT DISTINCT
    intake_date
  FROM ops.partition_as_of
), first_dates AS (
  SELECT
    MIN(intake_date) AS first_intake_date
  FROM loaded_dates
), desk_dates AS (
  SELECT
    days.local_date,
    desk_now.now_date,
    CAST(SUM(
      CASE
        WHEN days.is_open
        THEN CAST(UNIX_MICROS(CAST(days.segment_end_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(days.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
        ELSE 0
      END
    ) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS business_minutes
  FROM staging.business_time AS days
  INNER JOIN mart.desk_now AS desk_now
    ON days.local_date >= desk_now.now_date - INTERVAL '90' DAY
    AND days.local_date < desk_now.now_date
  WHERE
    days.calendar = 'desk'
  GROUP BY
    days.local_date,
    desk_now.now_date
), counted_dates AS (
  SELECT
    local_date,
    now_date,
    MIN(CASE WHEN business_minutes > 0 THEN local_date END) OVER (ORDER BY local_date NULLS LAST rows BETWEEN CURRENT ROW AND UNBOUNDED following) AS business_date
  FROM desk_dates
), business_days AS (
  SELECT
    counted_dates.local_date,
    counted_dates.business_date,
    desk_dates.business_minutes,
    SUM(
      CASE
        WHEN loaded_dates.intake_date IS NULL
        AND counted_dates.local_date >= first_dates.first_intake_date
        THEN 1
        ELSE 0
      END
    ) OVER (PARTITION BY counted_dates.business_date) AS unloaded_days
  FROM counted_dates
  CROSS JOIN first_dates
  INNER JOIN desk_dates
    ON counted_dates.business_date = desk_dates.local_date
  LEFT JOIN loaded_dates
    ON counted_dates.local_date = loaded_dates.intake_date
  WHERE
    counted_dates.business_date >= counted_dates.now_date - INTERVAL '45' DAY
), worked_days AS (
  SELECT
    days.dimension,
    days.dimension_value,
    business_days.business_date,
    ROW_NUMBER() OVER (
      PARTITION BY days.dimension, days.dimension_value
      ORDER BY business_days.business_date DESC
    ) AS worked_days_ago,
    SUM(days.opened_cases + days.reopened_cases + days.moved_in_cases) AS arrived_cases,
    SUM(days.left_cases + days.cancelled_cases + days.moved_out_cases) AS gone_cases,
    business_days.business_minutes
  FROM mart.backlog_daily AS days
  INNER JOIN business_days
    ON business_days.unloaded_days = 0 AND days.calendar_date = business_days.local_date
  GROUP BY
    days.dimension,
    days.dimension_value,
    business_days.business_date,
    business_days.business_minutes
)
SELECT
  dimension,
  dimension_value,
  business_date AS calendar_date,
  CAST(arrived_cases AS BIGINT) AS arrived_cases,
  CAST(gone_cases AS BIGINT) AS gone_cases,
  CAST(business_minutes AS DOUBLE) AS pace_day_business_minutes
FROM worked_days
WHERE
  worked_days_ago <= 10
