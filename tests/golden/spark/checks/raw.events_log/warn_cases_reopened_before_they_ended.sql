-- The Spark SQL of sql/checks/raw.events_log/warn_cases_reopened_before_they_ended.sql, written by `make docs`.
WITH events AS (
  SELECT
    source,
    case_id,
    event_id,
    status,
    event_ts,
    source_sequence,
    is_reopen
  FROM raw.events_log
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND NOT event_ts IS NULL
    AND NOT COALESCE(is_tz_inconsistent, FALSE)
), reopens AS (
  SELECT
    source,
    case_id,
    event_id,
    event_ts,
    source_sequence
  FROM events
  WHERE
    is_reopen
), ends AS (
  SELECT
    case_id,
    event_ts,
    source_sequence
  FROM events
  WHERE
    status IN ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
)
SELECT
  reopens.source,
  reopens.case_id,
  COUNT(DISTINCT reopens.event_id) AS reopens,
  MIN(reopens.event_ts) AS reopened_at,
  MAX(ends.event_ts) AS ended_at
FROM reopens
INNER JOIN ends
  ON reopens.case_id = ends.case_id
  AND reopens.source_sequence > ends.source_sequence
  AND reopens.event_ts < ends.event_ts
GROUP BY
  reopens.source,
  reopens.case_id
