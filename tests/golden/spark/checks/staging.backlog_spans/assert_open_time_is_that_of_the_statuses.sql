-- The Spark SQL of sql/checks/staging.backlog_spans/assert_open_time_is_that_of_the_statuses.sql, written by `make docs`.
WITH comings_and_goings AS (
  SELECT
    intake_date,
    SUM(
      CASE
        WHEN began_with IN ('opened', 'reopened') AND ended_with IN ('ended', 'cancelled')
        THEN UNIX_MICROS(CAST(ended_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(started_at AS TIMESTAMP_LTZ))
        WHEN began_with IN ('opened', 'reopened') AND NOT ended_at IS NULL
        THEN -UNIX_MICROS(CAST(started_at AS TIMESTAMP_LTZ))
        WHEN ended_with IN ('ended', 'cancelled')
        THEN UNIX_MICROS(CAST(ended_at AS TIMESTAMP_LTZ))
        ELSE 0
      END
    ) AS open_microseconds
  FROM staging.backlog_spans
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND is_open
  GROUP BY
    intake_date
), open_cases AS (
  SELECT
    intake_date,
    SUM(
      CASE
        WHEN began_with IN ('opened', 'reopened')
        THEN 0
        ELSE UNIX_MICROS(CAST(started_at AS TIMESTAMP_LTZ))
      END
    ) AS open_microseconds
  FROM staging.backlog_spans
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND is_open
    AND ended_at IS NULL
  GROUP BY
    intake_date
), statuses AS (
  SELECT
    spans.intake_date,
    SUM(
      CASE
        WHEN spans.ended_at IS NULL
        THEN 0
        WHEN cases.ended_at < spans.ended_at
        THEN UNIX_MICROS(CAST(cases.ended_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ))
        ELSE UNIX_MICROS(CAST(spans.ended_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ))
      END
    ) AS open_microseconds
  FROM staging.status_spans AS spans
  INNER JOIN staging.case_milestones AS cases
    ON spans.case_id = cases.case_id AND spans.intake_date = cases.intake_date
  WHERE
    spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND NOT spans.status IN ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
    AND (
      cases.ended_at IS NULL OR spans.started_at < cases.ended_at
    )
  GROUP BY
    spans.intake_date
), last_status_starts AS (
  SELECT
    spans.intake_date,
    SUM(
      UNIX_MICROS(CAST(last_spans.started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ))
    ) AS open_microseconds
  FROM staging.status_spans AS spans
  INNER JOIN staging.backlog_spans AS last_spans
    ON spans.case_id = last_spans.case_id AND spans.intake_date = last_spans.intake_date
  WHERE
    spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND spans.is_open
    AND last_spans.ended_at IS NULL
  GROUP BY
    spans.intake_date
)
SELECT
  comings_and_goings.intake_date,
  comings_and_goings.open_microseconds + COALESCE(open_cases.open_microseconds, 0) AS open_microseconds,
  statuses.open_microseconds + COALESCE(last_status_starts.open_microseconds, 0) AS status_microseconds
FROM comings_and_goings
LEFT JOIN open_cases
  ON comings_and_goings.intake_date = open_cases.intake_date
LEFT JOIN statuses
  ON comings_and_goings.intake_date = statuses.intake_date
LEFT JOIN last_status_starts
  ON comings_and_goings.intake_date = last_status_starts.intake_date
WHERE
  comings_and_goings.open_microseconds + COALESCE(open_cases.open_microseconds, 0) <> COALESCE(statuses.open_microseconds, 0) + COALESCE(last_status_starts.open_microseconds, 0)
