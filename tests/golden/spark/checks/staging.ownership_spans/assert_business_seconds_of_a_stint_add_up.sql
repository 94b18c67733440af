-- The Spark SQL of sql/checks/staging.ownership_spans/assert_business_seconds_of_a_stint_add_up.sql, written by `make docs`.
WITH stints AS (
  SELECT
    case_id,
    stint,
    calendar,
    MIN(started_at) AS started_at,
    MAX(ended_at) AS ended_at,
    SUM(business_seconds) AS business_seconds,
    SUM(inactive_business_seconds) AS inactive_business_seconds,
    BOOL_OR(calendar_seconds > 0 AND business_seconds IS NULL) AS is_outside_horizon
  FROM staging.ownership_spans
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND NOT ended_at IS NULL
  GROUP BY
    case_id,
    stint,
    calendar
)
SELECT
  stints.case_id,
  stints.stint,
  stints.calendar,
  stints.business_seconds,
  stints.inactive_business_seconds
FROM stints
INNER JOIN staging.business_time AS start_time
  ON stints.calendar = start_time.calendar
  AND CAST(stints.started_at AS DATE) = start_time.utc_date
  AND stints.started_at >= start_time.segment_start_at
  AND stints.started_at < start_time.segment_end_at
INNER JOIN staging.business_time AS stop_time
  ON stints.calendar = stop_time.calendar
  AND CAST(stints.ended_at AS DATE) = stop_time.utc_date
  AND stints.ended_at >= stop_time.segment_start_at
  AND stints.ended_at < stop_time.segment_end_at
WHERE
  NOT stints.is_outside_horizon
  AND stints.business_seconds <> stop_time.open_seconds_before + CASE
    WHEN stop_time.is_open
    THEN CAST(UNIX_MICROS(CAST(stints.ended_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ELSE 0
  END - start_time.open_seconds_before - CASE
    WHEN start_time.is_open
    THEN CAST(UNIX_MICROS(CAST(stints.started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ELSE 0
  END
