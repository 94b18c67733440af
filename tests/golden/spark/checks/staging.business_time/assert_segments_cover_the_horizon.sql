-- The Spark SQL of sql/checks/staging.business_time/assert_segments_cover_the_horizon.sql, written by `make docs`.
WITH ordered_segments AS (
  SELECT
    calendar,
    segment_start_at,
    open_seconds_before,
    LAG(segment_end_at) OVER (PARTITION BY calendar ORDER BY segment_start_at NULLS LAST) AS previous_end_at,
    LAG(
      open_seconds_before + CASE
        WHEN is_open
        THEN CAST(UNIX_MICROS(CAST(segment_end_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
        ELSE 0
      END
    ) OVER (PARTITION BY calendar ORDER BY segment_start_at NULLS LAST) AS expected_open_seconds
  FROM staging.business_time
)
SELECT
  *
FROM ordered_segments
WHERE
  NOT previous_end_at IS NULL
  AND (
    previous_end_at <> segment_start_at
    OR expected_open_seconds <> open_seconds_before
  )
