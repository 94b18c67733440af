-- The Spark SQL of sql/checks/mart.backlog_now/assert_open_clocks_agree.sql, written by `make docs`.
WITH clock_spans AS (
  SELECT
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.calendar,
    clocks.state,
    clocks.running_seconds_before,
    clocks.open_seconds_at_start,
    clocks.target_seconds,
    clocks.due_at,
    partitions.as_of_at
  FROM staging.backlog_clocks AS clocks
  INNER JOIN ops.partition_as_of AS partitions
    ON clocks.source = partitions.source AND clocks.intake_date = partitions.intake_date
  WHERE
    clocks.stopped_at IS NULL
), measured_spans AS (
  SELECT
    clock_spans.*,
    CASE
      WHEN clock_spans.state = 'paused'
      THEN clock_spans.running_seconds_before
      ELSE clock_spans.running_seconds_before + segments.open_seconds_before + CASE
        WHEN segments.is_open
        THEN CAST(UNIX_MICROS(CAST(clock_spans.as_of_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(segments.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
        ELSE 0
      END - clock_spans.open_seconds_at_start
    END AS elapsed_seconds
  FROM clock_spans
  LEFT JOIN staging.business_time AS segments
    ON clock_spans.calendar = segments.calendar
    AND CAST(clock_spans.as_of_at AS DATE) = segments.utc_date
    AND clock_spans.as_of_at >= segments.segment_start_at
    AND clock_spans.as_of_at < segments.segment_end_at
)
SELECT
  COALESCE(spans.case_id, clocks.case_id) AS case_id,
  COALESCE(spans.policy, clocks.policy) AS policy,
  COALESCE(spans.metric, clocks.metric) AS metric,
  spans.elapsed_seconds AS backlog_elapsed_seconds,
  clocks.elapsed_seconds,
  spans.due_at AS backlog_due_at,
  clocks.due_at
FROM measured_spans AS spans
FULL OUTER JOIN mart.open_clocks AS clocks
  ON spans.case_id = clocks.case_id
  AND spans.policy = clocks.policy
  AND spans.metric = clocks.metric
  AND spans.cycle = clocks.cycle
WHERE
  COALESCE(clocks.elapsed_seconds <> 0 OR spans.elapsed_seconds >= 0, TRUE)
  AND (
    spans.case_id IS NULL
    OR clocks.case_id IS NULL
    OR spans.elapsed_seconds IS DISTINCT FROM clocks.elapsed_seconds
    OR spans.due_at IS DISTINCT FROM clocks.due_at
  )
