-- The Spark SQL of sql/staging/drivers/reopen_rework.sql, written by `make docs`.
WITH endings AS (
  SELECT
    case_id,
    intake_date,
    tier,
    case_type,
    reopen_count,
    reopened_ts,
    last_resolved_ts,
    CASE
      WHEN is_open
      THEN NULL
      WHEN is_cancelled OR last_resolved_ts > ended_at
      THEN last_resolved_ts
      ELSE ended_at
    END AS done_ts
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND reopen_count > 0
), cases AS (
  SELECT
    *,
    CASE WHEN done_ts >= reopened_ts THEN done_ts END AS reworked_ts
  FROM endings
), rework_spans AS (
  SELECT
    cases.*,
    COALESCE(metrics.resolution_calendar, 'desk') AS calendar
  FROM cases
  LEFT JOIN staging.case_sla_metrics AS metrics
    ON cases.case_id = metrics.case_id
    AND cases.intake_date = metrics.intake_date
    AND metrics.intake_date >= :start_date
    AND metrics.intake_date < :end_date
)
SELECT
  rework_spans.case_id,
  rework_spans.intake_date,
  rework_spans.tier,
  rework_spans.case_type,
  rework_spans.reopen_count,
  rework_spans.reopened_ts,
  rework_spans.last_resolved_ts,
  CAST(CAST(stop_time.open_seconds_before + CASE
    WHEN stop_time.is_open
    THEN CAST(UNIX_MICROS(CAST(rework_spans.reworked_ts AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ELSE 0
  END - start_time.open_seconds_before - CASE
    WHEN start_time.is_open
    THEN CAST(UNIX_MICROS(CAST(rework_spans.reopened_ts AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ELSE 0
  END AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS measured_rework_business_minutes
FROM rework_spans
LEFT JOIN staging.business_time AS start_time
  ON rework_spans.calendar = start_time.calendar
  AND CAST(rework_spans.reopened_ts AS DATE) = start_time.utc_date
  AND rework_spans.reopened_ts >= start_time.segment_start_at
  AND rework_spans.reopened_ts < start_time.segment_end_at
LEFT JOIN staging.business_time AS stop_time
  ON rework_spans.calendar = stop_time.calendar
  AND CAST(rework_spans.reworked_ts AS DATE) = stop_time.utc_date
  AND rework_spans.reworked_ts >= stop_time.segment_start_at
  AND rework_spans.reworked_ts < stop_time.segment_end_at
