-- The Spark SQL of sql/mart/forecast/throughput.sql, written by `make docs`.
WITH desk_dates AS (
  SELECT
    days.local_date,
    desk_now.now_date,
    DATEDIFF(DAY, CAST('1900-01-01' AS DATE), days.local_date) - CAST(DATEDIFF(DAY, CAST('1900-01-01' AS DATE), days.local_date) AS BIGINT) DIV CAST(7 AS BIGINT) * 7 AS weekday_number,
    MAX(CASE WHEN days.is_open THEN 1 ELSE 0 END) AS open_dates,
    MAX(CASE WHEN days.kind = 'holiday' THEN 1 ELSE 0 END) AS holiday_dates
  FROM staging.business_time AS days
  INNER JOIN mart.desk_now AS desk_now
    ON days.local_date >= desk_now.now_date - INTERVAL '62' DAY
    AND days.local_date < desk_now.now_date
  WHERE
    days.calendar = 'desk'
  GROUP BY
    days.local_date,
    desk_now.now_date
), worked_weekdays AS (
  SELECT
    weekday_number
  FROM desk_dates
  GROUP BY
    weekday_number
  HAVING
    2 * SUM(open_dates) > COUNT(*)
), holidays AS (
  SELECT
    desk_dates.local_date
  FROM desk_dates
  INNER JOIN worked_weekdays
    ON desk_dates.weekday_number = worked_weekdays.weekday_number
  WHERE
    desk_dates.holiday_dates = 1 AND desk_dates.open_dates = 0
), loaded_dates AS (
  SELECT
    desk_dates.local_date,
    desk_dates.weekday_number,
    desk_dates.open_dates = 1 AS is_business_day,
    MAX(CASE WHEN holidays.local_date IS NULL THEN 1 ELSE 0 END) AS usual_dates
  FROM desk_dates
  INNER JOIN mart.snapshot_instants AS instants
    ON desk_dates.local_date = instants.snapshot_date
  INNER JOIN (
    SELECT DISTINCT
      intake_date
    FROM ops.partition_as_of
  ) AS loads
    ON desk_dates.local_date = loads.intake_date
  LEFT JOIN holidays
    ON desk_dates.local_date >= holidays.local_date
    AND desk_dates.local_date <= holidays.local_date + INTERVAL '6' DAY
  WHERE
    desk_dates.local_date >= desk_dates.now_date - INTERVAL '56' DAY
  GROUP BY
    desk_dates.local_date,
    desk_dates.weekday_number,
    desk_dates.open_dates
), usual_weekdays AS (
  SELECT
    weekday_number,
    SUM(usual_dates) AS usual_dates,
    COUNT(*) AS loaded_dates
  FROM loaded_dates
  GROUP BY
    weekday_number
), counted_weekdays AS (
  SELECT
    MIN(usual_dates) AS counted_dates,
    SUM(usual_dates) = SUM(loaded_dates) OR MIN(usual_dates) = 0 AS is_all_counted
  FROM usual_weekdays
), numbered_dates AS (
  SELECT
    local_date,
    weekday_number,
    is_business_day,
    usual_dates,
    ROW_NUMBER() OVER (PARTITION BY weekday_number, usual_dates ORDER BY local_date DESC) AS dates_ago
  FROM loaded_dates
), recent_dates AS (
  SELECT
    numbered_dates.local_date AS snapshot_date,
    numbered_dates.weekday_number,
    numbered_dates.is_business_day
  FROM numbered_dates
  CROSS JOIN counted_weekdays
  WHERE
    counted_weekdays.is_all_counted
    OR (
      numbered_dates.usual_dates = 1
      AND numbered_dates.dates_ago <= counted_weekdays.counted_dates
    )
), hours AS (
  SELECT
    work_hours.dimension,
    work_hours.dimension_value,
    work_hours.calendar_date,
    work_hours.gone_cases,
    work_hours.heads,
    work_hours.heads_source,
    work_hours.waiting_cases_at_start >= 1
    AND work_hours.waiting_cases_at_end >= 1
    AND (
      work_hours.heads IS NULL
      OR (
        work_hours.waiting_cases_at_start > work_hours.heads
        AND work_hours.waiting_cases_at_end > work_hours.heads
      )
    ) AS is_work_waiting
  FROM mart.work_hours AS work_hours
  INNER JOIN recent_dates
    ON work_hours.calendar_date = recent_dates.snapshot_date
), judged_values AS (
  SELECT
    dimension,
    dimension_value,
    COUNT(*) AS open_hours,
    COUNT(*) FILTER(WHERE
      is_work_waiting) AS waiting_hours,
    COUNT(DISTINCT calendar_date) AS business_days,
    SUM(gone_cases) AS gone_cases,
    COUNT(*) FILTER(WHERE
      is_work_waiting) >= 10 AS is_waiting_measured
  FROM hours
  GROUP BY
    dimension,
    dimension_value
), measured_values AS (
  SELECT
    hours.dimension,
    hours.dimension_value,
    COUNT(*) AS measured_hours,
    SUM(hours.gone_cases) AS gone_cases,
    COUNT(hours.heads) AS headed_hours,
    SUM(CASE WHEN NOT hours.heads IS NULL THEN hours.gone_cases END) AS headed_gone_cases,
    CAST(SUM(CAST(hours.heads AS DECIMAL(28, 12))) AS DOUBLE) AS staffed_hours,
    MIN(hours.heads_source) AS first_heads_source,
    MAX(hours.heads_source) AS last_heads_source
  FROM hours
  INNER JOIN judged_values
    ON hours.dimension = judged_values.dimension
    AND hours.dimension_value = judged_values.dimension_value
  WHERE
    hours.is_work_waiting OR NOT judged_values.is_waiting_measured
  GROUP BY
    hours.dimension,
    hours.dimension_value
), daily_values AS (
  SELECT
    judged_values.dimension,
    judged_values.dimension_value,
    recent_dates.is_business_day,
    COUNT(*) AS dates,
    SUM(COALESCE(days.left_cases + days.cancelled_cases + days.moved_out_cases, 0)) AS gone_cases,
    PERCENTILE(COALESCE(days.open_cases, 0), 0.5) AS median_open_cases,
    PERCENTILE(
      COALESCE(days.left_cases + days.cancelled_cases + days.moved_out_cases, 0),
      ARRAY(0.1, 0.9)
    )[0] AS p10_gone_cases,
    PERCENTILE(
      COALESCE(days.left_cases + days.cancelled_cases + days.moved_out_cases, 0),
      ARRAY(0.1, 0.9)
    )[1] AS p90_gone_cases
  FROM judged_values
  CROSS JOIN recent_dates
  LEFT JOIN mart.backlog_daily AS days
    ON judged_values.dimension = days.dimension
    AND judged_values.dimension_value = days.dimension_value
    AND recent_dates.snapshot_date = days.calendar_date
  GROUP BY
    judged_values.dimension,
    judged_values.dimension_value,
    recent_dates.is_business_day
), new_cases AS (
  SELECT
    judged_values.dimension,
    judged_values.dimension_value,
    MIN(COALESCE(days.age_under_1_day_cases, 0)) AS fewest_new_cases
  FROM judged_values
  INNER JOIN loaded_dates
    ON loaded_dates.is_business_day
  LEFT JOIN mart.backlog_daily AS days
    ON judged_values.dimension = days.dimension
    AND judged_values.dimension_value = days.dimension_value
    AND loaded_dates.local_date = days.calendar_date
  GROUP BY
    judged_values.dimension,
    judged_values.dimension_value
  HAVING
    COUNT(*) >= 20
), business_date_values AS (
  SELECT
    judged_values.dimension,
    judged_values.dimension_value,
    recent_dates.weekday_number,
    COALESCE(days.left_cases + days.cancelled_cases + days.moved_out_cases, 0) AS gone_cases
  FROM judged_values
  INNER JOIN recent_dates
    ON recent_dates.is_business_day
  LEFT JOIN mart.backlog_daily AS days
    ON judged_values.dimension = days.dimension
    AND judged_values.dimension_value = days.dimension_value
    AND recent_dates.snapshot_date = days.calendar_date
), weekday_values AS (
  SELECT
    dimension,
    dimension_value,
    gone_cases,
    COUNT(*) OVER (PARTITION BY dimension, dimension_value, weekday_number) AS weekday_dates,
    SUM(gone_cases) OVER (PARTITION BY dimension, dimension_value, weekday_number) AS weekday_gone_cases,
    COUNT(*) OVER (PARTITION BY dimension, dimension_value) AS business_dates,
    SUM(gone_cases) OVER (PARTITION BY dimension, dimension_value) AS business_gone_cases
  FROM business_date_values
), deviations AS (
  SELECT
    dimension,
    dimension_value,
    CASE
      WHEN weekday_dates > 1
      THEN gone_cases - CAST(1.0 * (
        weekday_gone_cases - gone_cases
      ) AS DOUBLE) / CAST(NULLIF(weekday_dates - 1, 0) AS DOUBLE)
      ELSE gone_cases - CAST(1.0 * business_gone_cases AS DOUBLE) / CAST(NULLIF(business_dates, 0) AS DOUBLE)
    END AS deviation_cases
  FROM weekday_values
), widths AS (
  SELECT
    dimension,
    dimension_value,
    PERCENTILE(deviation_cases, ARRAY(0.1, 0.9))[1] - PERCENTILE(deviation_cases, ARRAY(0.1, 0.9))[0] AS gone_width_cases
  FROM deviations
  GROUP BY
    dimension,
    dimension_value
), told_values AS (
  SELECT
    judged_values.dimension,
    judged_values.dimension_value,
    judged_values.open_hours,
    judged_values.waiting_hours,
    judged_values.is_waiting_measured,
    judged_values.gone_cases AS all_gone_cases,
    measured_values.headed_hours,
    measured_values.staffed_hours,
    measured_values.headed_gone_cases,
    CASE
      WHEN measured_values.first_heads_source = measured_values.last_heads_source
      THEN measured_values.last_heads_source
      WHEN measured_values.first_heads_source = 'schedule'
      OR measured_values.last_heads_source = 'schedule'
      THEN 'schedule'
      ELSE 'estimated'
    END AS heads_source,
    CAST(1.0 * judged_values.open_hours AS DOUBLE) / CAST(NULLIF(judged_values.business_days, 0) AS DOUBLE) AS open_hours_per_business_day,
    CAST(1.0 * measured_values.gone_cases AS DOUBLE) / CAST(NULLIF(measured_values.measured_hours, 0) AS DOUBLE) AS gone_cases_per_open_hour,
    CAST(1.0 * (
      business_days.gone_cases - judged_values.gone_cases
    ) AS DOUBLE) / CAST(NULLIF(business_days.dates, 0) AS DOUBLE) AS gone_cases_outside_hours_per_business_day,
    CAST(1.0 * COALESCE(other_days.gone_cases, 0) AS DOUBLE) / CAST(NULLIF(other_days.dates, 0) AS DOUBLE) AS gone_cases_per_other_day,
    business_days.dates AS business_dates,
    COALESCE(other_days.dates, 0) AS other_dates,
    new_cases.fewest_new_cases,
    business_days.gone_cases AS business_gone_cases,
    business_days.p10_gone_cases,
    business_days.p90_gone_cases,
    business_days.median_open_cases,
    widths.gone_width_cases
  FROM judged_values
  INNER JOIN measured_values
    ON judged_values.dimension = measured_values.dimension
    AND judged_values.dimension_value = measured_values.dimension_value
  INNER JOIN daily_values AS business_days
    ON judged_values.dimension = business_days.dimension
    AND judged_values.dimension_value = business_days.dimension_value
    AND business_days.is_business_day
  LEFT JOIN widths
    ON judged_values.dimension = widths.dimension
    AND judged_values.dimension_value = widths.dimension_value
  LEFT JOIN new_cases
    ON judged_values.dimension = new_cases.dimension
    AND judged_values.dimension_value = new_cases.dimension_value
  LEFT JOIN daily_values AS other_days
    ON judged_values.dimension = other_days.dimension
    AND judged_values.dimension_value = other_days.dimension_value
    AND NOT other_days.is_business_day
), now_dates AS (
  SELECT
    desk_now.now_at,
    MIN(desk_time.segment_start_at) AS now_from_at,
    BOOL_OR(desk_time.is_open) AS is_business_day,
    CAST(UNIX_MICROS(CAST(desk_now.now_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(MIN(desk_time.segment_start_at) AS TIMESTAMP_LTZ)) AS DOUBLE) / CAST(3600000000.0 AS DOUBLE) AS begun_hours,
    CAST(1.0 * (
      UNIX_MICROS(CAST(MAX(desk_time.segment_end_at) AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(desk_now.now_at AS TIMESTAMP_LTZ))
    ) AS DOUBLE) / CAST(NULLIF(
      UNIX_MICROS(CAST(MAX(desk_time.segment_end_at) AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(MIN(desk_time.segment_start_at) AS TIMESTAMP_LTZ)),
      0
    ) AS DOUBLE) AS left_time_share,
    CAST(SUM(
      CASE
        WHEN NOT desk_time.is_open OR desk_time.segment_end_at <= desk_now.now_at
        THEN 0
        WHEN desk_time.segment_start_at < desk_now.now_at
        THEN UNIX_MICROS(CAST(desk_time.segment_end_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(desk_now.now_at AS TIMESTAMP_LTZ))
        ELSE UNIX_MICROS(CAST(desk_time.segment_end_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(desk_time.segment_start_at AS TIMESTAMP_LTZ))
      END
    ) AS DOUBLE) / CAST(3600000000.0 AS DOUBLE) AS left_open_hours
  FROM mart.desk_now AS desk_now
  INNER JOIN staging.business_time AS desk_time
    ON desk_time.calendar = 'desk' AND desk_now.now_date = desk_time.local_date
  GROUP BY
    desk_now.now_at
), dates_before AS (
  SELECT
    MAX(CASE WHEN desk_time.is_open THEN 1 ELSE 0 END) = 1 AS is_business_day
  FROM mart.desk_now AS desk_now
  INNER JOIN staging.business_time AS desk_time
    ON desk_time.calendar = 'desk'
    AND CAST(desk_now.now_date - INTERVAL '1' DAY AS DATE) = desk_time.local_date
), left_arrivals AS (
  SELECT
    hours.dimension,
    hours.dimension_value,
    CAST(SUM(
      CAST(hours.arrived_cases * CASE
        WHEN hours.hour_of_day >= now_dates.begun_hours
        THEN 1
        WHEN hours.hour_of_day + 1 <= now_dates.begun_hours
        THEN 0
        ELSE hours.hour_of_day + 1 - now_dates.begun_hours
      END AS DECIMAL(28, 12))
    ) AS DOUBLE) / CAST(NULLIF(SUM(hours.arrived_cases), 0) AS DOUBLE) AS left_share
  FROM mart.arrival_hours AS hours
  CROSS JOIN now_dates
  WHERE
    hours.is_business_day = now_dates.is_business_day
  GROUP BY
    hours.dimension,
    hours.dimension_value
)
SELECT
  CAST(now_dates.now_at AS TIMESTAMP_NTZ) AS now_at,
  told_values.dimension,
  told_values.dimension_value,
  now_dates.now_at > now_dates.now_from_at AS is_today_begun,
  COALESCE(
    CASE
      WHEN now_dates.now_at > now_dates.now_from_at
      THEN now_dates.is_business_day
      ELSE dates_before.is_business_day
    END,
    FALSE
  ) AS is_now_on_business_day,
  CAST(now_dates.left_open_hours AS DOUBLE) AS left_today_open_hours,
  CAST(now_dates.left_time_share AS DOUBLE) AS left_today_time_share,
  CAST(COALESCE(left_arrivals.left_share, now_dates.left_time_share) AS DOUBLE) AS left_today_arrivals_share,
  CAST(told_values.business_dates AS BIGINT) AS business_days,
  CAST(told_values.other_dates AS BIGINT) AS other_days,
  CAST(told_values.median_open_cases AS DOUBLE) AS usual_open_cases,
  CAST(told_values.fewest_new_cases AS BIGINT) AS fewest_new_cases,
  CAST(told_values.open_hours AS BIGINT) AS open_hours,
  CAST(told_values.waiting_hours AS BIGINT) AS waiting_hours,
  CAST(told_values.gone_cases_per_open_hour AS DOUBLE) AS gone_cases_per_open_hour,
  CAST(told_values.open_hours_per_business_day AS DOUBLE) AS open_hours_per_business_day,
  CAST(CASE
    WHEN told_values.gone_cases_outside_hours_per_business_day > 0
    THEN told_values.gone_cases_outside_hours_per_business_day
    ELSE 0
  END AS DOUBLE) AS gone_cases_outside_hours_per_business_day,
  CAST(COALESCE(told_values.gone_cases_per_other_day, 0) AS DOUBLE) AS gone_cases_per_other_day,
  CAST(told_values.p10_gone_cases AS DOUBLE) AS gone_p10_cases_per_business_day,
  CAST(told_values.p90_gone_cases AS DOUBLE) AS gone_p90_cases_per_business_day,
  CAST(told_values.gone_width_cases AS DOUBLE) AS gone_width_cases_per_business_day,
  CAST(CAST(told_values.staffed_hours AS DOUBLE) / CAST(NULLIF(told_values.headed_hours, 0) AS DOUBLE) AS DOUBLE) AS heads,
  told_values.heads_source,
  CAST(CAST(told_values.headed_gone_cases AS DOUBLE) / CAST(NULLIF(told_values.staffed_hours, 0) AS DOUBLE) AS DOUBLE) AS gone_cases_per_staffed_hour,
  CASE
    WHEN told_values.business_gone_cases = 0
    THEN 'unknown'
    WHEN told_values.is_waiting_measured
    THEN 'while work waited'
    ELSE 'all open hours'
  END AS throughput_basis
FROM told_values
CROSS JOIN now_dates
CROSS JOIN dates_before
LEFT JOIN left_arrivals
  ON told_values.dimension = left_arrivals.dimension
  AND told_values.dimension_value = left_arrivals.dimension_value
