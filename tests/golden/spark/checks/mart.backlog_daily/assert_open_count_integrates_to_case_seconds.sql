-- The Spark SQL of sql/checks/mart.backlog_daily/assert_open_count_integrates_to_case_seconds.sql, written by `make docs`.
WITH instants AS (
  SELECT
    snapshot_date,
    CAST(UNIX_MICROS(CAST(snapshot_from_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS from_second,
    CAST(UNIX_MICROS(CAST(snapshot_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS to_second
  FROM mart.snapshot_instants
  WHERE
    snapshot_date >= :start_date AND snapshot_date < :end_date
), counts_before AS (
  SELECT
    calendar_date + INTERVAL '1' DAY AS snapshot_date,
    open_cases
  FROM mart.backlog_daily
  WHERE
    dimension = 'all'
), steps AS (
  SELECT
    started_date AS snapshot_date,
    CAST(UNIX_MICROS(CAST(started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS step_second,
    1 AS step
  FROM staging.backlog_spans
  WHERE
    started_date >= :start_date
    AND started_date < :end_date
    AND is_open
    AND began_with IN ('opened', 'reopened')
  UNION ALL
  SELECT
    ended_date AS snapshot_date,
    CAST(UNIX_MICROS(CAST(ended_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS step_second,
    -1 AS step
  FROM staging.backlog_spans
  WHERE
    ended_date >= :start_date
    AND ended_date < :end_date
    AND is_open
    AND ended_with IN ('ended', 'cancelled')
), integrals AS (
  SELECT
    instants.snapshot_date,
    SUM(steps.step * (
      instants.to_second - steps.step_second
    )) AS step_seconds
  FROM instants
  INNER JOIN steps
    ON instants.snapshot_date = steps.snapshot_date
  GROUP BY
    instants.snapshot_date
), date_parts AS (
  SELECT
    started_date AS snapshot_date,
    CAST(UNIX_MICROS(CAST(ended_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS overlap_seconds
  FROM staging.backlog_spans
  WHERE
    started_date >= :start_date
    AND started_date < :end_date
    AND is_open
    AND started_date = ended_date
  UNION ALL
  SELECT
    instants.snapshot_date,
    CASE
      WHEN CAST(UNIX_MICROS(CAST(spans.ended_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) < instants.to_second
      THEN CAST(UNIX_MICROS(CAST(spans.ended_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE instants.to_second
    END - CASE
      WHEN CAST(UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) > instants.from_second
      THEN CAST(UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE instants.from_second
    END AS overlap_seconds
  FROM staging.backlog_spans AS spans
  INNER JOIN instants
    ON spans.started_date <= instants.snapshot_date
    AND (
      spans.ended_date IS NULL OR spans.ended_date >= instants.snapshot_date
    )
  WHERE
    spans.is_open
    AND (
      spans.ended_date IS NULL OR spans.started_date < spans.ended_date
    )
), case_seconds AS (
  SELECT
    snapshot_date,
    SUM(overlap_seconds) AS open_seconds
  FROM date_parts
  GROUP BY
    snapshot_date
)
SELECT
  instants.snapshot_date,
  COALESCE(counts_before.open_cases, 0) * (
    instants.to_second - instants.from_second
  ) + COALESCE(integrals.step_seconds, 0) AS integral_seconds,
  case_seconds.open_seconds AS case_seconds
FROM instants
LEFT JOIN counts_before
  ON instants.snapshot_date = counts_before.snapshot_date
LEFT JOIN integrals
  ON instants.snapshot_date = integrals.snapshot_date
LEFT JOIN case_seconds
  ON instants.snapshot_date = case_seconds.snapshot_date
WHERE
  COALESCE(counts_before.open_cases, 0) * (
    instants.to_second - instants.from_second
  ) + COALESCE(integrals.step_seconds, 0) <> COALESCE(case_seconds.open_seconds, 0)
