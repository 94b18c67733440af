-- The Spark SQL of sql/mart/worklist/after_queue_times.sql, written by `make docs`.
WITH now_instant AS (
  SELECT
    now_at,
    now_date
  FROM mart.desk_now
), numbered_days AS (
  SELECT
    days.local_date,
    MIN(days.segment_start_at) AS starts_at,
    ROW_NUMBER() OVER (ORDER BY days.local_date DESC) AS days_ago
  FROM staging.business_time AS days
  INNER JOIN now_instant
    ON days.local_date < now_instant.now_date
    AND days.local_date >= now_instant.now_date - INTERVAL '45' DAY
  WHERE
    days.calendar = 'desk' AND days.is_open
  GROUP BY
    days.local_date
), stop_period AS (
  SELECT
    MIN(starts_at) AS from_at
  FROM numbered_days
  WHERE
    days_ago <= 5
), stopped_clocks AS (
  SELECT
    clocks.intake_date,
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.started_at,
    clocks.stopped_at
  FROM staging.sla_clocks AS clocks
  INNER JOIN stop_period
    ON clocks.stopped_at >= stop_period.from_at
  INNER JOIN now_instant
    ON clocks.stopped_at <= now_instant.now_at
  WHERE
    clocks.outcome IN ('met', 'breached') AND NOT clocks.is_superseded
), left_queues AS (
  SELECT
    clocks.metric,
    COALESCE(spans.team, 'none') AS queue,
    clocks.stopped_at,
    MAX(
      CASE
        WHEN spans.ended_at IS NULL OR spans.ended_at > clocks.stopped_at
        THEN clocks.stopped_at
        ELSE spans.ended_at
      END
    ) AS left_at
  FROM stopped_clocks AS clocks
  INNER JOIN staging.backlog_spans AS spans
    ON clocks.intake_date = spans.intake_date
    AND clocks.case_id = spans.case_id
    AND clocks.stopped_at > spans.started_at
    AND (
      spans.ended_at IS NULL OR spans.ended_at > clocks.started_at
    )
  WHERE
    spans.is_open
  GROUP BY
    clocks.intake_date,
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.stopped_at,
    COALESCE(spans.team, 'none')
), measured_times AS (
  SELECT
    left_queues.metric,
    left_queues.queue,
    CAST(stop_time.open_seconds_before + CASE
      WHEN stop_time.is_open
      THEN CAST(UNIX_MICROS(CAST(left_queues.stopped_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END - left_time.open_seconds_before - CASE
      WHEN left_time.is_open
      THEN CAST(UNIX_MICROS(CAST(left_queues.left_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(left_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS DOUBLE) / CAST(60.0 AS DOUBLE) AS after_minutes
  FROM left_queues
  INNER JOIN staging.business_time AS stop_time
    ON stop_time.calendar = 'desk'
    AND CAST(left_queues.stopped_at AS DATE) = stop_time.utc_date
    AND left_queues.stopped_at >= stop_time.segment_start_at
    AND left_queues.stopped_at < stop_time.segment_end_at
  INNER JOIN staging.business_time AS left_time
    ON left_time.calendar = 'desk'
    AND CAST(left_queues.left_at AS DATE) = left_time.utc_date
    AND left_queues.left_at >= left_time.segment_start_at
    AND left_queues.left_at < left_time.segment_end_at
  WHERE
    left_queues.left_at < left_queues.stopped_at
  UNION ALL
  SELECT
    left_queues.metric,
    left_queues.queue,
    0.0 AS after_minutes
  FROM left_queues
  WHERE
    left_queues.left_at = left_queues.stopped_at
)
SELECT
  CAST(now_instant.now_at AS TIMESTAMP_NTZ) AS now_at,
  measured_times.queue,
  measured_times.metric,
  CAST(COUNT(*) AS BIGINT) AS after_clocks,
  CAST(PERCENTILE(measured_times.after_minutes, ARRAY(0.5, 0.9))[0] AS DOUBLE) AS after_p50_business_minutes,
  CAST(PERCENTILE(measured_times.after_minutes, ARRAY(0.5, 0.9))[1] AS DOUBLE) AS after_p90_business_minutes
FROM measured_times
CROSS JOIN now_instant
GROUP BY
  now_instant.now_at,
  measured_times.queue,
  measured_times.metric
