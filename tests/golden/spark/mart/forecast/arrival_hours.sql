-- The Spark SQL of sql/mart/forecast/arrival_hours.sql, written by `make docs`.
WITH recent_dates AS (
  SELECT
    instants.snapshot_date,
    instants.snapshot_from_at,
    COALESCE(open_dates.is_business_day, FALSE) AS is_business_day
  FROM mart.snapshot_instants AS instants
  INNER JOIN mart.desk_now AS desk_now
    ON instants.snapshot_date >= desk_now.now_date - INTERVAL '56' DAY
    AND instants.snapshot_date < desk_now.now_date
  INNER JOIN (
    SELECT DISTINCT
      intake_date
    FROM ops.partition_as_of
  ) AS loaded_dates
    ON instants.snapshot_date = loaded_dates.intake_date
  LEFT JOIN (
    SELECT
      local_date,
      BOOL_OR(is_open) AS is_business_day
    FROM staging.business_time
    WHERE
      calendar = 'desk'
    GROUP BY
      local_date
  ) AS open_dates
    ON instants.snapshot_date = open_dates.local_date
), first_dates AS (
  SELECT
    MIN(snapshot_from_at) AS first_from_at
  FROM recent_dates
), told_queues AS (
  SELECT
    BOOL_OR(is_queue_told) AS is_queue_told
  FROM mart.backlog_sources
), arrivals AS (
  SELECT
    recent_dates.is_business_day,
    CAST(UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(recent_dates.snapshot_from_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(3600000000 AS BIGINT) AS hour_of_day,
    COALESCE(spans.team, 'none') AS queue,
    COUNT(*) AS arrived_cases,
    COUNT(*) FILTER(WHERE
      spans.began_with <> 'changed') AS arrived_cases_of_desk
  FROM staging.backlog_spans AS spans
  INNER JOIN first_dates
    ON spans.started_at >= first_dates.first_from_at
  INNER JOIN recent_dates
    ON spans.started_date = recent_dates.snapshot_date
  WHERE
    spans.is_open AND NOT spans.is_queue_kept_at_start
  GROUP BY
    recent_dates.is_business_day,
    CAST(UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(recent_dates.snapshot_from_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(3600000000 AS BIGINT),
    COALESCE(spans.team, 'none')
), hours AS (
  SELECT
    'all' AS dimension,
    'all' AS dimension_value,
    is_business_day,
    hour_of_day,
    SUM(arrived_cases_of_desk) AS arrived_cases
  FROM arrivals
  GROUP BY
    is_business_day,
    hour_of_day
  UNION ALL
  SELECT
    'queue' AS dimension,
    arrivals.queue AS dimension_value,
    arrivals.is_business_day,
    arrivals.hour_of_day,
    arrivals.arrived_cases
  FROM arrivals
  CROSS JOIN told_queues
  WHERE
    told_queues.is_queue_told
), days AS (
  SELECT
    dimension,
    dimension_value,
    is_business_day,
    SUM(arrived_cases) AS arrived_cases
  FROM hours
  GROUP BY
    dimension,
    dimension_value,
    is_business_day
)
SELECT
  hours.dimension,
  hours.dimension_value,
  hours.is_business_day,
  CAST(hours.hour_of_day AS BIGINT) AS hour_of_day,
  CAST(hours.arrived_cases AS BIGINT) AS arrived_cases,
  CAST(CAST(100.0 * hours.arrived_cases AS DOUBLE) / CAST(NULLIF(days.arrived_cases, 0) AS DOUBLE) AS DOUBLE) AS share_of_day_pct
FROM hours
INNER JOIN days
  ON hours.dimension = days.dimension
  AND hours.dimension_value = days.dimension_value
  AND hours.is_business_day = days.is_business_day
WHERE
  hours.arrived_cases > 0
