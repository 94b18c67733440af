-- The Spark SQL of sql/mart/backlog/burn_windows.sql, written by `make docs`.
WITH now_instant AS (
  SELECT
    now_at,
    now_date
  FROM mart.desk_now
), segments AS (
  SELECT
    segments.local_date,
    segments.segment_start_at,
    segments.segment_end_at,
    segments.is_open,
    segments.open_seconds_before,
    CAST(UNIX_MICROS(CAST(segments.segment_end_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(segments.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS segment_seconds
  FROM staging.business_time AS segments
  INNER JOIN now_instant
    ON segments.local_date <= now_instant.now_date + INTERVAL '1' DAY
  WHERE
    segments.calendar = 'desk'
), business_days AS (
  SELECT
    local_date,
    SUM(segment_seconds) AS open_seconds,
    ROW_NUMBER() OVER (ORDER BY local_date DESC) AS days_ago
  FROM segments
  INNER JOIN now_instant
    ON segments.local_date <= now_instant.now_date
  WHERE
    segments.is_open
  GROUP BY
    local_date
), budget_period AS (
  SELECT
    SUM(open_seconds) AS period_seconds
  FROM business_days
  WHERE
    days_ago <= 20
), open_time_now AS (
  SELECT
    now_instant.now_at,
    segments.open_seconds_before + CASE
      WHEN segments.is_open
      THEN CAST(UNIX_MICROS(CAST(now_instant.now_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(segments.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds
  FROM now_instant
  INNER JOIN segments
    ON now_instant.now_at >= segments.segment_start_at
    AND now_instant.now_at < segments.segment_end_at
), window_shares AS (
  SELECT
    'period' AS window_name,
    CAST(NULL AS STRING) AS alert,
    FALSE AS is_short,
    CAST(NULL AS DOUBLE) AS threshold_burn,
    1 AS parts_of_period
  UNION ALL
  SELECT
    'page_long' AS window_name,
    'page' AS alert,
    FALSE AS is_short,
    10.0 AS threshold_burn,
    100 AS parts_of_period
  UNION ALL
  SELECT
    'page_short' AS window_name,
    'page' AS alert,
    TRUE AS is_short,
    10.0 AS threshold_burn,
    1200 AS parts_of_period
  UNION ALL
  SELECT
    'ticket_long' AS window_name,
    'ticket' AS alert,
    FALSE AS is_short,
    2.0 AS threshold_burn,
    20 AS parts_of_period
  UNION ALL
  SELECT
    'ticket_short' AS window_name,
    'ticket' AS alert,
    TRUE AS is_short,
    2.0 AS threshold_burn,
    240 AS parts_of_period
  UNION ALL
  SELECT
    'slow_long' AS window_name,
    'slow' AS alert,
    FALSE AS is_short,
    1.0 AS threshold_burn,
    4 AS parts_of_period
  UNION ALL
  SELECT
    'slow_short' AS window_name,
    'slow' AS alert,
    TRUE AS is_short,
    1.0 AS threshold_burn,
    48 AS parts_of_period
), window_lengths AS (
  SELECT
    window_shares.window_name,
    window_shares.alert,
    window_shares.is_short,
    window_shares.threshold_burn,
    open_time_now.now_at,
    open_time_now.open_seconds,
    LEAST(
      CAST(budget_period.period_seconds AS BIGINT) DIV CAST(NULLIF(window_shares.parts_of_period, 0) AS BIGINT),
      open_time_now.open_seconds
    ) AS window_seconds
  FROM window_shares
  CROSS JOIN open_time_now
  CROSS JOIN budget_period
), window_starts AS (
  SELECT
    *,
    open_seconds - window_seconds AS open_seconds_at_start
  FROM window_lengths
)
SELECT
  window_starts.window_name,
  window_starts.alert,
  window_starts.is_short,
  CAST(window_starts.threshold_burn AS DOUBLE) AS threshold_burn,
  CAST(window_starts.now_at AS TIMESTAMP_NTZ) AS now_at,
  CAST(window_starts.window_seconds AS BIGINT) AS window_seconds,
  CAST(segments.segment_start_at + (
    window_starts.open_seconds_at_start - segments.open_seconds_before
  ) * INTERVAL '1' SECOND AS TIMESTAMP_NTZ) AS from_at
FROM window_starts
INNER JOIN segments
  ON segments.is_open
  AND window_starts.open_seconds_at_start >= segments.open_seconds_before
  AND window_starts.open_seconds_at_start < segments.open_seconds_before + segments.segment_seconds
