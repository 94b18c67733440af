-- The Spark SQL of sql/mart/backlog/desk_now.sql, written by `make docs`.
WITH known_dates AS (
  SELECT
    MIN(intake_date) AS first_intake_date,
    MAX(intake_date) AS last_intake_date,
    MAX(as_of_at) AS as_of_at
  FROM ops.partition_as_of
), bounds AS (
  SELECT
    known_dates.first_intake_date,
    known_dates.last_intake_date,
    known_dates.as_of_at,
    MAX(desk_time.segment_end_at) AS last_date_end_at
  FROM known_dates
  LEFT JOIN staging.business_time AS desk_time
    ON desk_time.calendar = 'desk'
    AND known_dates.last_intake_date = desk_time.local_date
  GROUP BY
    known_dates.first_intake_date,
    known_dates.last_intake_date,
    known_dates.as_of_at
), known_bounds AS (
  SELECT
    first_intake_date,
    last_intake_date,
    as_of_at,
    CASE WHEN last_date_end_at < as_of_at THEN last_date_end_at ELSE as_of_at END AS known_until_at
  FROM bounds
  WHERE
    NOT as_of_at IS NULL
), silences AS (
  SELECT
    known_bounds.first_intake_date,
    known_bounds.last_intake_date,
    known_bounds.as_of_at,
    known_bounds.known_until_at,
    MAX(spans.intake_date) AS last_case_date,
    MAX(
      CASE
        WHEN spans.ended_at <= known_bounds.known_until_at
        THEN spans.ended_at
        WHEN spans.started_at <= known_bounds.known_until_at
        THEN spans.started_at
      END
    ) AS last_event_at
  FROM known_bounds
  LEFT JOIN staging.backlog_spans AS spans
    ON spans.started_at <= known_bounds.known_until_at
  GROUP BY
    known_bounds.first_intake_date,
    known_bounds.last_intake_date,
    known_bounds.as_of_at,
    known_bounds.known_until_at
), week_dates AS (
  SELECT
    desk_time.local_date,
    silences.known_until_at,
    MIN(desk_time.segment_start_at) AS date_start_at,
    MAX(desk_time.segment_end_at) AS date_end_at
  FROM silences
  INNER JOIN staging.business_time AS desk_time
    ON desk_time.calendar = 'desk'
    AND silences.last_case_date <= desk_time.local_date
    AND silences.last_case_date + INTERVAL '7' DAY >= desk_time.local_date
  WHERE
    silences.last_event_at < silences.known_until_at - INTERVAL '7' DAY
  GROUP BY
    desk_time.local_date,
    silences.known_until_at
), weeks AS (
  SELECT
    known_until_at,
    MIN(date_end_at) AS intake_end_at,
    MAX(date_end_at) AS week_end_at
  FROM week_dates
  GROUP BY
    known_until_at
), told_instants AS (
  SELECT
    case_id,
    started_at AS told_at
  FROM staging.backlog_spans
  UNION ALL
  SELECT
    case_id,
    ended_at AS told_at
  FROM staging.backlog_spans
  UNION ALL
  SELECT
    case_id,
    canonical_ts AS told_at
  FROM staging.events_clean
  UNION ALL
  SELECT
    case_id,
    sent_ts AS told_at
  FROM staging.messages_deduped
), last_told_instants AS (
  SELECT
    weeks.intake_end_at,
    MAX(
      CASE WHEN told_instants.told_at < weeks.week_end_at THEN told_instants.told_at END
    ) AS last_told_at,
    MIN(
      CASE WHEN told_instants.told_at >= weeks.week_end_at THEN told_instants.told_at END
    ) AS goes_on_at,
    COUNT(
      DISTINCT CASE WHEN told_instants.told_at >= weeks.week_end_at THEN told_instants.case_id END
    ) AS cases_that_go_on,
    COUNT(DISTINCT told_instants.case_id) AS all_cases
  FROM weeks
  INNER JOIN told_instants
    ON weeks.known_until_at >= told_instants.told_at
  GROUP BY
    weeks.intake_end_at
), log_ends AS (
  SELECT
    CASE
      WHEN last_told.goes_on_at IS NULL
      THEN week_dates.date_end_at
      WHEN last_told.goes_on_at < week_dates.date_end_at + INTERVAL '7' DAY
      THEN last_told.intake_end_at
      WHEN last_told.cases_that_go_on < 3
      OR last_told.cases_that_go_on < CAST(last_told.all_cases AS DOUBLE) / CAST(1000.0 AS DOUBLE)
      THEN week_dates.date_end_at
      WHEN last_told.goes_on_at >= week_dates.date_end_at + INTERVAL '183' DAY
      THEN week_dates.date_end_at
      ELSE last_told.intake_end_at
    END AS ended_at
  FROM last_told_instants AS last_told
  INNER JOIN week_dates
    ON last_told.last_told_at >= week_dates.date_start_at
    AND last_told.last_told_at < week_dates.date_end_at
), now_instants AS (
  SELECT
    silences.*,
    CASE
      WHEN silences.last_event_at < silences.known_until_at - INTERVAL '7' DAY
      THEN COALESCE(log_ends.ended_at, silences.last_event_at)
      ELSE silences.known_until_at
    END AS now_at
  FROM silences
  LEFT JOIN log_ends
    ON TRUE
)
SELECT
  CAST(now_instants.now_at AS TIMESTAMP_NTZ) AS now_at,
  COALESCE(desk_time.local_date, CAST(now_instants.now_at AS DATE)) AS now_date,
  CASE
    WHEN now_instants.last_event_at < now_instants.known_until_at - INTERVAL '7' DAY
    THEN 'the log ended'
    WHEN now_instants.known_until_at < now_instants.as_of_at
    THEN 'end of the last intake date loaded'
    ELSE 'latest look'
  END AS now_reason,
  CAST(now_instants.known_until_at AS TIMESTAMP_NTZ) AS known_until_at,
  now_instants.first_intake_date,
  now_instants.last_intake_date,
  now_instants.as_of_at,
  now_instants.last_event_at
FROM now_instants
LEFT JOIN staging.business_time AS desk_time
  ON desk_time.calendar = 'desk'
  AND CAST(now_instants.now_at AS DATE) = desk_time.utc_date
  AND now_instants.now_at >= desk_time.segment_start_at
  AND now_instants.now_at < desk_time.segment_end_at
