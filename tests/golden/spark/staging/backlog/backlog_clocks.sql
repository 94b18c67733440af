-- The Spark SQL of sql/staging/backlog/backlog_clocks.sql, written by `make docs`.
WITH spans AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    state,
    calendar,
    started_at,
    stopped_at,
    running_seconds,
    open_seconds_at_start,
    is_only_span
  FROM staging.sla_clock_spans
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND state <> 'policy_switch'
), clocks AS (
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
), spans_with_running_before AS (
  SELECT
    *,
    CAST(COALESCE(
      SUM(running_seconds) OVER (
        PARTITION BY case_id, policy, metric, cycle
        ORDER BY started_at NULLS LAST, stopped_at NULLS LAST
        rows BETWEEN UNBOUNDED preceding AND 1 preceding
      ),
      0
    ) AS BIGINT) AS running_seconds_before
  FROM spans
  WHERE
    NOT is_only_span
  UNION ALL
  SELECT
    *,
    CAST(0 AS BIGINT) AS running_seconds_before
  FROM spans
  WHERE
    is_only_span
), promised_spans AS (
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
    spans.is_only_span,
    spans.started_at,
    spans.stopped_at,
    spans.running_seconds_before,
    spans.open_seconds_at_start,
    clocks.target_seconds,
    clocks.due_at AS clock_due_at,
    clocks.outcome,
    COALESCE(spans.stopped_at = clocks.stopped_at, FALSE) AS is_last,
    CASE
      WHEN spans.is_only_span AND NOT clocks.due_at IS NULL
      THEN NULL
      WHEN spans.state = 'running' AND spans.running_seconds_before < clocks.target_seconds
      THEN spans.open_seconds_at_start + clocks.target_seconds - spans.running_seconds_before
    END AS open_seconds_at_due
  FROM spans_with_running_before AS spans
  INNER JOIN clocks
    ON spans.case_id = clocks.case_id
    AND spans.policy = clocks.policy
    AND spans.metric = clocks.metric
    AND spans.cycle = clocks.cycle
), spans_with_own_due AS (
  SELECT
    spans.*,
    COALESCE(
      CASE WHEN spans.is_only_span THEN spans.clock_due_at END,
      hours.segment_start_at + (
        spans.open_seconds_at_due - hours.open_seconds_before
      ) * INTERVAL '1' SECOND
    ) AS own_due_at
  FROM promised_spans AS spans
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
  FROM spans_with_own_due
  WHERE
    NOT is_only_span
  UNION ALL
  SELECT
    *,
    own_due_at AS reached_at
  FROM spans_with_own_due
  WHERE
    is_only_span
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
