-- The Spark SQL of sql/staging/events/events_deduped.sql, written by `make docs`.
WITH repeated_keys AS (
  SELECT
    case_id,
    status,
    event_ts
  FROM raw.events_log
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND NOT event_ts IS NULL
  GROUP BY
    case_id,
    status,
    event_ts
  HAVING
    COUNT(*) > 1
), repeated_instants AS (
  SELECT DISTINCT
    case_id,
    event_ts
  FROM repeated_keys
), same_instant_events AS (
  SELECT
    log.case_id,
    log.status,
    log.event_ts,
    log.event_id,
    log.ingestion_ts,
    log.source_sequence,
    log.is_reopen,
    LAG(log.status) OVER (
      PARTITION BY log.case_id, log.event_ts
      ORDER BY log.source_sequence NULLS LAST, log.ingestion_ts NULLS LAST, log.event_id NULLS LAST
    ) AS previous_status,
    LAG(log.source_sequence) OVER (
      PARTITION BY log.case_id, log.event_ts
      ORDER BY log.source_sequence NULLS LAST, log.ingestion_ts NULLS LAST, log.event_id NULLS LAST
    ) AS previous_sequence,
    MIN(log.status) OVER (PARTITION BY log.case_id, log.event_ts) <> MAX(log.status) OVER (PARTITION BY log.case_id, log.event_ts) AS has_several_statuses
  FROM raw.events_log AS log
  INNER JOIN repeated_instants
    ON log.case_id = repeated_instants.case_id
    AND log.event_ts = repeated_instants.event_ts
  WHERE
    log.intake_date >= :start_date AND log.intake_date < :end_date
), repetition_starts AS (
  SELECT DISTINCT
    same_instant_events.case_id,
    same_instant_events.event_id
  FROM same_instant_events
  INNER JOIN raw.events_log AS log
    ON same_instant_events.case_id = log.case_id
  WHERE
    log.intake_date >= :start_date
    AND log.intake_date < :end_date
    AND same_instant_events.has_several_statuses
    AND log.source_sequence > same_instant_events.previous_sequence
    AND log.source_sequence < same_instant_events.source_sequence
    AND log.event_ts IS DISTINCT FROM same_instant_events.event_ts
), in_repetitions AS (
  SELECT
    same_instant_events.*,
    NOT repetition_starts.event_id IS NULL AS is_repetition_start,
    SUM(CASE WHEN repetition_starts.event_id IS NULL THEN 0 ELSE 1 END) OVER (
      PARTITION BY same_instant_events.case_id, same_instant_events.event_ts
      ORDER BY same_instant_events.source_sequence NULLS LAST, same_instant_events.ingestion_ts NULLS LAST, same_instant_events.event_id NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS repetition
  FROM same_instant_events
  LEFT JOIN repetition_starts
    ON same_instant_events.case_id = repetition_starts.case_id
    AND same_instant_events.event_id = repetition_starts.event_id
), visits AS (
  SELECT
    *,
    SUM(CASE WHEN previous_status = status AND NOT is_repetition_start THEN 0 ELSE 1 END) OVER (
      PARTITION BY case_id, event_ts, repetition, status
      ORDER BY source_sequence NULLS LAST, ingestion_ts NULLS LAST, event_id NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS visit
  FROM in_repetitions
), numbered_copies AS (
  SELECT
    case_id,
    event_id,
    ROW_NUMBER() OVER (
      PARTITION BY case_id, status, event_ts, visit
      ORDER BY ingestion_ts NULLS LAST, source_sequence NULLS LAST, event_id NULLS LAST
    ) AS copy_number,
    COUNT(*) OVER (PARTITION BY case_id, status, event_ts, visit) AS copies,
    BOOL_OR(is_reopen) OVER (PARTITION BY case_id, status, event_ts, visit) AS is_reopen
  FROM visits
)
SELECT
  log.source,
  log.event_id,
  log.case_id,
  log.intake_date,
  log.status,
  log.source_status,
  log.event_ts,
  log.ingestion_ts,
  COALESCE(log.event_ts, log.ingestion_ts) AS canonical_ts,
  log.source_sequence,
  COALESCE(numbered_copies.is_reopen, log.is_reopen) AS is_reopen,
  log.is_duplicate,
  log.is_late_arriving,
  log.is_tz_inconsistent,
  log.team,
  log.agent,
  CAST(COALESCE(numbered_copies.copies, 1) AS BIGINT) AS copies
FROM raw.events_log AS log
LEFT JOIN numbered_copies
  ON log.case_id = numbered_copies.case_id AND log.event_id = numbered_copies.event_id
WHERE
  log.intake_date >= :start_date
  AND log.intake_date < :end_date
  AND (
    numbered_copies.copy_number IS NULL OR numbered_copies.copy_number = 1
  )
