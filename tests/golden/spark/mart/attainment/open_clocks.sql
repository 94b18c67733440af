-- The Spark SQL of sql/mart/attainment/open_clocks.sql, written by `make docs`.
WITH clocks AS (
  SELECT
    clocks.source,
    clocks.case_id,
    clocks.intake_date,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.is_source_promise,
    clocks.calendar,
    clocks.started_at,
    clocks.target_seconds,
    clocks.due_at,
    partitions.as_of_at
  FROM staging.sla_clocks AS clocks
  INNER JOIN ops.partition_as_of AS partitions
    ON clocks.source = partitions.source AND clocks.intake_date = partitions.intake_date
  WHERE
    clocks.is_open AND clocks.outcome = 'running'
), clock_spans AS (
  SELECT
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.as_of_at,
    spans.state,
    spans.calendar,
    spans.started_at,
    spans.stopped_at,
    spans.running_seconds,
    spans.open_seconds_at_start
  FROM clocks
  INNER JOIN staging.sla_clock_spans AS spans
    ON clocks.case_id = spans.case_id
    AND clocks.intake_date = spans.intake_date
    AND clocks.policy = spans.policy
    AND clocks.metric = spans.metric
    AND clocks.cycle = spans.cycle
), clocks_as_of AS (
  SELECT
    looked.calendar,
    looked.as_of_at,
    segments.open_seconds_before + CASE
      WHEN segments.is_open
      THEN CAST(UNIX_MICROS(CAST(looked.as_of_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(segments.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_as_of
  FROM (
    SELECT DISTINCT
      calendar,
      as_of_at
    FROM clock_spans
  ) AS looked
  LEFT JOIN staging.business_time AS segments
    ON looked.calendar = segments.calendar
    AND CAST(looked.as_of_at AS DATE) = segments.utc_date
    AND looked.as_of_at >= segments.segment_start_at
    AND looked.as_of_at < segments.segment_end_at
), spans AS (
  SELECT
    clock_spans.case_id,
    clock_spans.policy,
    clock_spans.metric,
    clock_spans.cycle,
    clock_spans.state,
    clock_spans.stopped_at IS NULL AS is_now,
    CASE
      WHEN clock_spans.state <> 'running' OR clock_spans.started_at > clock_spans.as_of_at
      THEN 0
      WHEN clock_spans.stopped_at <= clock_spans.as_of_at
      THEN clock_spans.running_seconds
      ELSE clocks_as_of.open_seconds_at_as_of - clock_spans.open_seconds_at_start
    END AS running_seconds
  FROM clock_spans
  LEFT JOIN clocks_as_of
    ON clock_spans.calendar = clocks_as_of.calendar
    AND clock_spans.as_of_at = clocks_as_of.as_of_at
), measured_clocks AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    CASE WHEN COUNT(*) = COUNT(running_seconds) THEN SUM(running_seconds) END AS elapsed_seconds,
    BOOL_OR(is_now AND state = 'paused') AS is_paused
  FROM spans
  GROUP BY
    case_id,
    policy,
    metric,
    cycle
)
SELECT
  clocks.source,
  clocks.case_id,
  clocks.policy,
  clocks.metric,
  clocks.cycle,
  clocks.is_source_promise,
  cases.tier,
  cases.case_type,
  cases.priority,
  cases.team,
  cases.brand,
  cases.region,
  cases.channel,
  cases.customer,
  clocks.started_at,
  CAST(measured_clocks.elapsed_seconds AS BIGINT) AS elapsed_seconds,
  clocks.target_seconds,
  CAST(clocks.target_seconds - measured_clocks.elapsed_seconds AS BIGINT) AS remaining_seconds,
  clocks.due_at,
  CASE
    WHEN measured_clocks.elapsed_seconds IS NULL
    THEN 'unknown'
    WHEN measured_clocks.elapsed_seconds > clocks.target_seconds
    THEN 'breached'
    ELSE 'running'
  END AS outcome,
  measured_clocks.is_paused,
  clocks.as_of_at
FROM clocks
INNER JOIN measured_clocks
  ON clocks.case_id = measured_clocks.case_id
  AND clocks.policy = measured_clocks.policy
  AND clocks.metric = measured_clocks.metric
  AND clocks.cycle = measured_clocks.cycle
INNER JOIN staging.case_milestones AS cases
  ON clocks.case_id = cases.case_id AND clocks.intake_date = cases.intake_date
