-- The Spark SQL of sql/staging/backlog/backlog_clocks.sql, written by `make docs`.
WITH clocks AS (
  SELECT
    source,
    case_id,
    intake_date,
    policy,
    metric,
    cycle,
    is_source_promise,
    target_seconds,
    stopped_at,
    due_at,
    outcome
  FROM staging.sla_clocks
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), spans_of_several AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    state,
    calendar,
    started_at,
    stopped_at,
    open_seconds_at_start,
    CAST(COALESCE(
      SUM(running_seconds) OVER (
        PARTITION BY case_id, policy, metric, cycle
        ORDER BY started_at NULLS LAST, stopped_at NULLS LAST
        rows BETWEEN UNBOUNDED preceding AND 1 preceding
      ),
      0
    ) AS BIGINT) AS running_seconds_before
  FROM staging.sla_clock_spans
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND state <> 'policy_switch'
    AND NOT is_only_span
), only_spans AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    state,
    calendar,
    started_at,
    stopped_at,
    open_seconds_at_start,
    CAST(0 AS BIGINT) AS running_seconds_before
  FROM staging.sla_clock_spans
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND state <> 'policy_switch'
    AND is_only_span
), promised_of_several AS (
  SELECT
    clocks.source,
    spans.case_id,
    clocks.intake_date,
    spans.policy,
    spans.metric,
    spans.cycle,
    clocks.is_source_promise,
    spans.calendar,
    spans.state,
    spans.started_at,
    spans.stopped_at,
    spans.running_seconds_before,
    spans.open_seconds_at_start,
    clocks.target_seconds,
    clocks.due_at AS clock_due_at,
    clocks.outcome,
    COALESCE(spans.stopped_at = clocks.stopped_at, FALSE) AS is_last,
    CASE
      WHEN spans.state = 'running' AND spans.running_seconds_before < clocks.target_seconds
      THEN spans.open_seconds_at_start + clocks.target_seconds - spans.running_seconds_before
    END AS open_seconds_at_due
  FROM spans_of_several AS spans
  INNER JOIN clocks
    ON spans.case_id = clocks.case_id
    AND spans.policy = clocks.policy
    AND spans.metric = clocks.metric
    AND spans.cycle = clocks.cycle
), promised_only AS (
  SELECT
    clocks.source,
    spans.case_id,
    clocks.intake_date,
    spans.policy,
    spans.metric,
    spans.cycle,
    clocks.is_source_promise,
    spans.calendar,
    spans.state,
    spans.started_at,
    spans.stopped_at,
    spans.running_seconds_before,
    spans.open_seconds_at_start,
    clocks.target_seconds,
    clocks.due_at AS clock_due_at,
    clocks.outcome,
    COALESCE(spans.stopped_at = clocks.stopped_at, FALSE) AS is_last,
    CASE
      WHEN clocks.due_at IS NULL
      AND spans.state = 'running'
      AND spans.running_seconds_before < clocks.target_seconds
      THEN spans.open_seconds_at_start + clocks.target_seconds - spans.running_seconds_before
    END AS open_seconds_at_due
  FROM only_spans AS spans
  INNER JOIN clocks
    ON spans.case_id = clocks.case_id
    AND spans.policy = clocks.policy
    AND spans.metric = clocks.metric
    AND spans.cycle = clocks.cycle
), several_with_own_due AS (
  SELECT
    spans.*,
    hours.segment_start_at + (
      spans.open_seconds_at_due - hours.open_seconds_before
    ) * INTERVAL '1' SECOND AS own_due_at
  FROM promised_of_several AS spans
  LEFT JOIN staging.business_hours_dim AS hours
    ON spans.calendar = hours.calendar
    AND CAST(spans.open_seconds_at_due - 1 AS BIGINT) DIV CAST(3600 AS BIGINT) = hours.open_hour_number
    AND spans.open_seconds_at_due > hours.open_seconds_before
    AND spans.open_seconds_at_due <= hours.open_seconds_before + CAST(UNIX_MICROS(CAST(hours.segment_end_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(hours.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
), only_with_own_due AS (
  SELECT
    spans.*,
    COALESCE(
      spans.clock_due_at,
      hours.segment_start_at + (
        spans.open_seconds_at_due - hours.open_seconds_before
      ) * INTERVAL '1' SECOND
    ) AS own_due_at
  FROM promised_only AS spans
  LEFT JOIN staging.business_hours_dim AS hours
    ON spans.calendar = hours.calendar
    AND CAST(spans.open_seconds_at_due - 1 AS BIGINT) DIV CAST(3600 AS BIGINT) = hours.open_hour_number
    AND spans.open_seconds_at_due > hours.open_seconds_before
    AND spans.open_seconds_at_due <= hours.open_seconds_before + CAST(UNIX_MICROS(CAST(hours.segment_end_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(hours.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
), spans_with_due AS (
  SELECT
    *,
    LAST_VALUE(own_due_at) IGNORE NULLS OVER (
      PARTITION BY case_id, policy, metric, cycle
      ORDER BY started_at NULLS LAST, stopped_at NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS reached_at
  FROM several_with_own_due
  UNION ALL
  SELECT
    *,
    own_due_at AS reached_at
  FROM only_with_own_due
)
SELECT
  source,
  case_id,
  intake_date,
  policy,
  metric,
  cycle,
  is_source_promise,
  calendar,
  state,
  started_at,
  stopped_at,
  running_seconds_before,
  open_seconds_at_start,
  target_seconds,
  CAST(CASE
    WHEN running_seconds_before >= target_seconds
    THEN reached_at
    WHEN state = 'running'
    THEN own_due_at
  END AS TIMESTAMP_NTZ) AS due_at,
  CASE WHEN is_last THEN outcome END AS outcome,
  CASE WHEN is_last THEN clock_due_at END AS clock_due_at
FROM spans_with_due
