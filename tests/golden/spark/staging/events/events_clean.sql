-- The Spark SQL of sql/staging/events/events_clean.sql, written by `make docs`.
WITH events AS (
  SELECT
    *
  FROM staging.events_deduped
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), cases AS (
  SELECT
    case_id,
    intake_ts
  FROM raw.cases
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
)
SELECT
  events.source,
  events.event_id,
  events.case_id,
  events.intake_date,
  events.status,
  events.source_status,
  events.event_ts,
  events.ingestion_ts,
  events.canonical_ts,
  events.source_sequence,
  events.is_reopen,
  events.event_ts IS NULL AS is_event_ts_missing,
  events.is_tz_inconsistent,
  events.is_late_arriving,
  COALESCE(events.ingestion_ts < events.event_ts, FALSE) AS is_ingestion_before_event,
  events.canonical_ts < cases.intake_ts AS is_before_intake,
  events.team,
  events.agent
FROM events
INNER JOIN cases
  ON events.case_id = cases.case_id
