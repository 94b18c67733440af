-- The Spark SQL of sql/mart/backlog/clock_snapshot.sql, written by `make docs`.
WITH instants AS (
  SELECT
    snapshot_date,
    snapshot_at,
    seen_before_at
  FROM mart.snapshot_instants
  WHERE
    snapshot_date >= :start_date AND snapshot_date < :end_date
), clock_spans AS (
  SELECT
    instants.snapshot_date,
    instants.snapshot_at,
    clocks.*
  FROM instants
  INNER JOIN staging.backlog_clocks AS clocks
    ON CAST(instants.seen_before_at AS DATE) = CAST(clocks.started_at AS DATE)
    AND instants.seen_before_at > clocks.started_at
    AND (
      clocks.stopped_at IS NULL OR clocks.stopped_at >= instants.seen_before_at
    )
  WHERE
    clocks.started_at < CAST(:end_date AS TIMESTAMP_NTZ) + INTERVAL '2' DAY
    AND (
      clocks.stopped_at IS NULL
      OR clocks.stopped_at >= CAST(:start_date AS TIMESTAMP_NTZ) - INTERVAL '2' DAY
    )
  UNION ALL
  SELECT
    instants.snapshot_date,
    instants.snapshot_at,
    clocks.*
  FROM instants
  INNER JOIN staging.backlog_clocks AS clocks
    ON CAST(instants.seen_before_at AS DATE) = CAST(clocks.stopped_at AS DATE)
    AND instants.seen_before_at <= clocks.stopped_at
  WHERE
    clocks.started_at < CAST(:end_date AS TIMESTAMP_NTZ) + INTERVAL '2' DAY
    AND (
      clocks.stopped_at IS NULL
      OR clocks.stopped_at >= CAST(:start_date AS TIMESTAMP_NTZ) - INTERVAL '2' DAY
    )
    AND CAST(clocks.started_at AS DATE) < CAST(clocks.stopped_at AS DATE)
  UNION ALL
  SELECT
    instants.snapshot_date,
    instants.snapshot_at,
    clocks.*
  FROM instants
  INNER JOIN staging.backlog_clocks AS clocks
    ON CAST(instants.seen_before_at AS DATE) > CAST(clocks.started_at AS DATE)
    AND (
      clocks.stopped_at IS NULL
      OR CAST(clocks.stopped_at AS DATE) > CAST(instants.seen_before_at AS DATE)
    )
  WHERE
    clocks.started_at < CAST(:end_date AS TIMESTAMP_NTZ) + INTERVAL '2' DAY
    AND (
      clocks.stopped_at IS NULL
      OR clocks.stopped_at >= CAST(:start_date AS TIMESTAMP_NTZ) - INTERVAL '2' DAY
    )
    AND (
      clocks.stopped_at IS NULL
      OR CAST(clocks.stopped_at AS DATE) > CAST(clocks.started_at AS DATE) + INTERVAL '1' DAY
    )
), open_times AS (
  SELECT
    instants.snapshot_at,
    desk_time.calendar,
    desk_time.open_seconds_before + CASE
      WHEN desk_time.is_open
      THEN CAST(UNIX_MICROS(CAST(instants.snapshot_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(desk_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds
  FROM instants
  INNER JOIN staging.business_time AS desk_time
    ON CAST(instants.snapshot_at AS DATE) = desk_time.utc_date
    AND instants.snapshot_at >= desk_time.segment_start_at
    AND instants.snapshot_at < desk_time.segment_end_at
), measured_spans AS (
  SELECT
    spans.*,
    CASE
      WHEN spans.state = 'running'
      THEN spans.running_seconds_before + open_times.open_seconds - spans.open_seconds_at_start
      ELSE spans.running_seconds_before
    END AS elapsed_seconds
  FROM clock_spans AS spans
  LEFT JOIN open_times
    ON spans.snapshot_at = open_times.snapshot_at
    AND spans.calendar = open_times.calendar
)
SELECT
  snapshot_date,
  snapshot_at,
  source,
  case_id,
  intake_date,
  policy,
  metric,
  cycle,
  is_source_promise,
  calendar,
  state = 'paused' AS is_paused,
  CAST(elapsed_seconds AS BIGINT) AS elapsed_seconds,
  target_seconds,
  due_at,
  CAST(target_seconds - elapsed_seconds AS BIGINT) AS remaining_seconds,
  elapsed_seconds > target_seconds AS is_past_target,
  CAST(CASE
    WHEN elapsed_seconds > target_seconds
    THEN elapsed_seconds - target_seconds
    WHEN NOT elapsed_seconds IS NULL
    THEN 0
  END AS BIGINT) AS debt_seconds
FROM measured_spans
