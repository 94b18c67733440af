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
), changes AS (
  SELECT
    intake_date,
    started_at,
    ended_at
  FROM staging.backlog_spans
  UNION ALL
  SELECT
    intake_date,
    intake_ts AS started_at,
    last_terminal_at AS ended_at
  FROM staging.case_milestones
), silences AS (
  SELECT
    known_bounds.first_intake_date,
    known_bounds.last_intake_date,
    known_bounds.as_of_at,
    known_bounds.known_until_at,
    MAX(changes.intake_date) AS last_case_date,
    MAX(
      CASE
        WHEN changes.ended_at <= known_bounds.known_until_at
        THEN changes.ended_at
        WHEN changes.started_at <= known_bounds.known_until_at
        THEN changes.started_at
      END
    ) AS last_event_at
  FROM known_bounds
  LEFT JOIN changes
    ON known_bounds.known_until_at >= changes.started_at
  GROUP BY
    known_bounds.first_intake_date,
    known_bounds.last_intake_date,
    known_bounds.as_of_at,
    known_bounds.known_until_at
), week_dates AS (
  SELECT
    silences.last_case_date,
    silences.last_event_at,
    desk_time.local_date,
    MIN(desk_time.segment_start_at) AS date_start_at,
    MAX(desk_time.segment_end_at) AS date_end_at
  FROM silences
  INNER JOIN staging.business_time AS desk_time
    ON desk_time.calendar = 'desk'
    AND silences.last_case_date <= desk_time.local_date
    AND silences.last_case_date + INTERVAL '7' DAY >= desk_time.local_date
  GROUP BY
    silences.last_case_date,
    silences.last_event_at,
    desk_time.local_date
), log_ends AS (
  SELECT
    COALESCE(
      MAX(
        CASE
          WHEN last_event_at >= date_start_at AND last_event_at < date_end_at
          THEN date_end_at
        END
      ),
      MAX(CASE WHEN local_date = last_case_date THEN date_end_at END)
    ) AS ended_at
  FROM week_dates
), now_instants AS (
  SELECT
    silences.*,
    CASE
      WHEN silences.last_event_at < silences.known_until_at - INTERVAL '7' DAY
      THEN COALESCE(log_ends.ended_at, silences.last_event_at)
      ELSE silences.known_until_at
    END AS now_at
  FROM silences
  CROSS JOIN log_ends
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
