-- The Spark SQL of sql/mart/backlog/burn_down.sql, written by `make docs`.
WITH days AS (
  SELECT
    days.calendar_date,
    days.dimension,
    days.dimension_value,
    days.opened_cases + days.reopened_cases + days.moved_in_cases AS arrived_cases,
    days.left_cases + days.cancelled_cases + days.moved_out_cases AS gone_cases,
    days.open_cases,
    days.breached_open_cases,
    days.debt_seconds
  FROM mart.backlog_daily AS days
), desk_dates AS (
  SELECT
    instants.snapshot_date,
    MAX(CASE WHEN segments.is_open THEN 1 ELSE 0 END) AS business_days
  FROM mart.snapshot_instants AS instants
  INNER JOIN staging.business_time AS segments
    ON segments.calendar = 'desk' AND instants.snapshot_date = segments.local_date
  GROUP BY
    instants.snapshot_date
), numbered_dates AS (
  SELECT
    snapshot_date,
    SUM(business_days) OVER (ORDER BY snapshot_date NULLS LAST) AS business_day_number,
    SUM(business_days) OVER (ORDER BY snapshot_date NULLS LAST) + 1 - business_days AS counted_day_number
  FROM desk_dates
), paced_days AS (
  SELECT
    days.calendar_date,
    days.dimension,
    days.dimension_value,
    days.arrived_cases,
    days.gone_cases,
    numbered_dates.business_day_number,
    numbered_dates.counted_day_number
  FROM days
  INNER JOIN numbered_dates
    ON days.calendar_date = numbered_dates.snapshot_date
), unloaded_days AS (
  SELECT
    days.snapshot_date,
    COUNT(past_days.snapshot_date) AS unloaded_dates
  FROM numbered_dates AS days
  LEFT JOIN (
    SELECT
      dates.snapshot_date,
      dates.counted_day_number
    FROM numbered_dates AS dates
    LEFT JOIN (
      SELECT DISTINCT
        intake_date
      FROM ops.partition_as_of
    ) AS loads
      ON dates.snapshot_date = loads.intake_date
    WHERE
      loads.intake_date IS NULL
  ) AS past_days
    ON past_days.counted_day_number > days.business_day_number - 10
    AND past_days.counted_day_number <= days.business_day_number
  GROUP BY
    days.snapshot_date
), business_days AS (
  SELECT
    dimension,
    dimension_value,
    counted_day_number,
    SUM(arrived_cases) AS arrived_cases,
    SUM(gone_cases) AS gone_cases
  FROM paced_days
  GROUP BY
    dimension,
    dimension_value,
    counted_day_number
), paces AS (
  SELECT
    days.calendar_date,
    days.dimension,
    days.dimension_value,
    SUM(COALESCE(past_days.arrived_cases, 0)) AS arrived_cases,
    SUM(COALESCE(past_days.gone_cases, 0)) AS gone_cases,
    MAX(
      CASE
        WHEN unloaded_days.unloaded_dates > 0
        THEN NULL
        WHEN days.business_day_number < 10
        THEN days.business_day_number
        ELSE 10
      END
    ) AS business_days
  FROM paced_days AS days
  INNER JOIN unloaded_days
    ON days.calendar_date = unloaded_days.snapshot_date
  LEFT JOIN business_days AS past_days
    ON days.dimension = past_days.dimension
    AND days.dimension_value = past_days.dimension_value
    AND past_days.counted_day_number > days.business_day_number - 10
    AND past_days.counted_day_number <= days.business_day_number
  GROUP BY
    days.calendar_date,
    days.dimension,
    days.dimension_value
), measured_days AS (
  SELECT
    days.calendar_date,
    days.dimension,
    days.dimension_value,
    days.open_cases,
    days.arrived_cases,
    days.gone_cases,
    days.breached_open_cases,
    days.debt_seconds,
    CAST(paces.arrived_cases AS DOUBLE) / CAST(NULLIF(paces.business_days, 0) AS DOUBLE) AS arriving_cases_per_business_day,
    CAST(paces.gone_cases AS DOUBLE) / CAST(NULLIF(paces.business_days, 0) AS DOUBLE) AS leaving_cases_per_business_day
  FROM days
  INNER JOIN paces
    ON days.calendar_date = paces.calendar_date
    AND days.dimension = paces.dimension
    AND days.dimension_value = paces.dimension_value
)
SELECT
  calendar_date,
  dimension,
  dimension_value,
  open_cases,
  CAST(arrived_cases AS BIGINT) AS arrived_cases,
  CAST(gone_cases AS BIGINT) AS gone_cases,
  breached_open_cases,
  debt_seconds,
  CAST(arriving_cases_per_business_day AS DOUBLE) AS arriving_cases_per_business_day,
  CAST(leaving_cases_per_business_day AS DOUBLE) AS leaving_cases_per_business_day,
  CAST(CASE
    WHEN open_cases = 0
    THEN 0
    WHEN leaving_cases_per_business_day > arriving_cases_per_business_day
    THEN CAST(open_cases AS DOUBLE) / CAST(NULLIF(leaving_cases_per_business_day - arriving_cases_per_business_day, 0) AS DOUBLE)
  END AS DOUBLE) AS cleared_after_business_days,
  CAST(arriving_cases_per_business_day + CAST(breached_open_cases AS DOUBLE) / CAST(5.0 AS DOUBLE) AS DOUBLE) AS required_cases_per_business_day
FROM measured_days
