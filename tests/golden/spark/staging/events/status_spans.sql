-- The Spark SQL of sql/staging/events/status_spans.sql, written by `make docs`.
WITH cases AS (
  SELECT
    source,
    case_id,
    intake_date,
    intake_ts,
    last_terminal_at,
    ROW_NUMBER() OVER (ORDER BY case_id NULLS LAST) AS case_number
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), events AS (
  SELECT
    case_id,
    status,
    canonical_ts,
    source_sequence,
    event_id
  FROM staging.events_clean
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), changes AS (
  SELECT
    case_number,
    'INTAKE' AS status,
    intake_ts AS instant,
    intake_ts AS canonical_ts,
    CAST(-1 AS BIGINT) AS source_sequence,
    CAST(NULL AS STRING) AS event_id
  FROM cases
  UNION ALL
  SELECT
    cases.case_number,
    events.status,
    CASE
      WHEN events.canonical_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE events.canonical_ts
    END AS instant,
    events.canonical_ts,
    events.source_sequence,
    events.event_id
  FROM events
  INNER JOIN cases
    ON events.case_id = cases.case_id
  WHERE
    cases.last_terminal_at IS NULL OR events.canonical_ts < cases.last_terminal_at
), ordered_changes AS (
  SELECT
    *,
    LEAD(instant) OVER (
      PARTITION BY case_number
      ORDER BY instant NULLS LAST, canonical_ts NULLS LAST, source_sequence NULLS LAST, event_id
    ) AS next_instant
  FROM changes
), lasting_changes AS (
  SELECT
    *,
    LAG(status) OVER (PARTITION BY case_number ORDER BY instant NULLS LAST) AS previous_status
  FROM ordered_changes
  WHERE
    next_instant IS NULL OR next_instant > instant
), merged_changes AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY case_number ORDER BY instant NULLS LAST) AS span_number,
    LEAD(instant) OVER (PARTITION BY case_number ORDER BY instant NULLS LAST) AS next_stretch_at
  FROM lasting_changes
  WHERE
    previous_status IS NULL OR previous_status <> status
)
SELECT
  cases.source,
  cases.case_id,
  cases.intake_date,
  CAST(merged_changes.span_number AS BIGINT) AS span_number,
  merged_changes.status,
  merged_changes.instant AS started_at,
  COALESCE(merged_changes.next_stretch_at, cases.last_terminal_at) AS ended_at,
  merged_changes.next_stretch_at IS NULL AND cases.last_terminal_at IS NULL AS is_open,
  merged_changes.event_id
FROM merged_changes
INNER JOIN cases
  ON merged_changes.case_number = cases.case_number
WHERE
  NOT merged_changes.next_stretch_at IS NULL
  OR cases.last_terminal_at IS NULL
  OR merged_changes.instant < cases.last_terminal_at
