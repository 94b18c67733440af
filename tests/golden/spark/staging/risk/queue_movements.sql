-- The Spark SQL of sql/staging/risk/queue_movements.sql, written by `make docs`.
WITH desk_midnights AS (
  SELECT
    local_dates.local_date,
    local_dates.starts_at,
    CAST(local_dates.starts_at AS DATE) AS utc_date
  FROM (
    SELECT
      local_date,
      MIN(segment_start_at) AS starts_at
    FROM staging.business_time
    WHERE
      calendar = 'desk'
    GROUP BY
      local_date
  ) AS local_dates
), late_events AS (
  SELECT
    events.case_id,
    events.canonical_ts,
    MAX(CAST(events.ingestion_ts AS DATE)) + INTERVAL '1' DAY AS known_from_date
  FROM staging.events_clean AS events
  LEFT JOIN desk_midnights
    ON CAST(events.ingestion_ts AS DATE) = desk_midnights.utc_date
  WHERE
    events.intake_date >= :start_date
    AND events.intake_date < :end_date
    AND events.ingestion_ts > events.canonical_ts
    AND (
      CAST(events.ingestion_ts AS DATE) > CAST(events.canonical_ts AS DATE)
      OR (
        events.canonical_ts < desk_midnights.starts_at
        AND events.ingestion_ts >= desk_midnights.starts_at
      )
    )
  GROUP BY
    events.case_id,
    events.canonical_ts
), movements AS (
  SELECT
    spans.intake_date,
    COALESCE(spans.team, 'none') AS queue_name,
    CASE
      WHEN late_events.known_from_date > spans.started_date
      THEN CAST(late_events.known_from_date AS DATE)
      ELSE spans.started_date
    END AS counted_from_date,
    1 AS arrived_cases,
    0 AS gone_cases
  FROM staging.backlog_spans AS spans
  LEFT JOIN late_events
    ON spans.case_id = late_events.case_id
    AND spans.started_at = late_events.canonical_ts
    AND spans.began_with <> 'opened'
  WHERE
    spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND spans.is_open
    AND NOT spans.is_queue_kept_at_start
  UNION ALL
  SELECT
    spans.intake_date,
    COALESCE(spans.team, 'none') AS queue_name,
    CASE
      WHEN late_events.known_from_date > spans.ended_date
      THEN CAST(late_events.known_from_date AS DATE)
      ELSE spans.ended_date
    END AS counted_from_date,
    0 AS arrived_cases,
    1 AS gone_cases
  FROM staging.backlog_spans AS spans
  LEFT JOIN late_events
    ON spans.case_id = late_events.case_id AND spans.ended_at = late_events.canonical_ts
  WHERE
    spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND spans.is_open
    AND NOT spans.ended_at IS NULL
    AND NOT spans.is_queue_kept_at_end
)
SELECT
  intake_date,
  queue_name,
  counted_from_date,
  CAST(SUM(arrived_cases) AS BIGINT) AS arrived_cases,
  CAST(SUM(gone_cases) AS BIGINT) AS gone_cases
FROM movements
GROUP BY
  intake_date,
  queue_name,
  counted_from_date
