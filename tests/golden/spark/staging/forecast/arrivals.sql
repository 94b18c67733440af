-- The Spark SQL of sql/staging/forecast/arrivals.sql, written by `make docs`.
WITH local_dates AS (
  SELECT
    local_date,
    MIN(segment_start_at) AS starts_at
  FROM staging.business_time
  WHERE
    calendar = 'desk'
  GROUP BY
    local_date
), utc_dates AS (
  SELECT
    parts.utc_date,
    parts.first_date,
    first_dates.starts_at AS first_from_at,
    parts.last_date,
    last_dates.starts_at AS last_from_at
  FROM (
    SELECT
      utc_date,
      MIN(local_date) AS first_date,
      MAX(local_date) AS last_date
    FROM staging.business_time
    WHERE
      calendar = 'desk'
    GROUP BY
      utc_date
  ) AS parts
  INNER JOIN local_dates AS first_dates
    ON parts.first_date = first_dates.local_date
  INNER JOIN local_dates AS last_dates
    ON parts.last_date = last_dates.local_date
), late_instants AS (
  SELECT
    events.case_id,
    events.canonical_ts,
    MAX(
      CASE
        WHEN events.ingestion_ts >= utc_dates.last_from_at
        THEN utc_dates.last_date
        ELSE utc_dates.first_date
      END
    ) AS known_date
  FROM staging.events_deduped AS events
  INNER JOIN utc_dates
    ON CAST(events.ingestion_ts AS DATE) = utc_dates.utc_date
  WHERE
    events.intake_date >= :start_date
    AND events.intake_date < :end_date
    AND events.canonical_ts < CASE
      WHEN events.ingestion_ts >= utc_dates.last_from_at
      THEN utc_dates.last_from_at
      ELSE utc_dates.first_from_at
    END
  GROUP BY
    events.case_id,
    events.canonical_ts
), arrived_spans AS (
  SELECT
    case_id,
    intake_date,
    started_at,
    started_date,
    began_with,
    COALESCE(team, 'none') AS queue
  FROM staging.backlog_spans
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND is_open
    AND NOT is_queue_kept_at_start
)
SELECT
  spans.intake_date,
  spans.started_date AS calendar_date,
  spans.queue,
  COALESCE(late_instants.known_date, spans.started_date) AS known_date,
  CAST(COUNT(*) FILTER(WHERE
    spans.began_with = 'opened') AS BIGINT) AS opened_cases,
  CAST(COUNT(*) FILTER(WHERE
    spans.began_with = 'reopened') AS BIGINT) AS reopened_cases,
  CAST(COUNT(*) FILTER(WHERE
    spans.began_with = 'changed') AS BIGINT) AS moved_in_cases
FROM arrived_spans AS spans
LEFT JOIN late_instants
  ON spans.case_id = late_instants.case_id
  AND spans.started_at = late_instants.canonical_ts
GROUP BY
  spans.intake_date,
  spans.started_date,
  spans.queue,
  COALESCE(late_instants.known_date, spans.started_date)
