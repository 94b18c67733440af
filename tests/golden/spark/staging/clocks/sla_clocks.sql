-- The Spark SQL of sql/staging/clocks/sla_clocks.sql, written by `make docs`.
WITH runs AS (
  SELECT
    *
  FROM staging.sla_clock_windows
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), spans AS (
  SELECT
    *
  FROM staging.sla_clock_spans
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), spans_with_running_before AS (
  SELECT
    *,
    COALESCE(
      SUM(running_seconds) OVER (
        PARTITION BY case_id, policy, metric, cycle
        ORDER BY started_at NULLS LAST, stopped_at NULLS LAST
        rows BETWEEN UNBOUNDED preceding AND 1 preceding
      ),
      0
    ) AS running_seconds_before
  FROM spans
  WHERE
    NOT is_only_span
), spans_with_reach AS (
  SELECT
    spans.*,
    CASE
      WHEN spans.state = 'running'
      AND (
        spans.stopped_at IS NULL
        OR spans.running_seconds_before + spans.running_seconds >= runs.target_seconds
      )
      THEN spans.started_at
    END AS reached_from_at,
    spans.open_seconds_at_start + runs.target_seconds - spans.running_seconds_before AS open_seconds_at_target
  FROM spans_with_running_before AS spans
  INNER JOIN runs
    ON spans.case_id = runs.case_id
    AND spans.policy = runs.policy
    AND spans.metric = runs.metric
    AND spans.cycle = runs.cycle
), clock_sums AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    SUM(running_seconds) AS running_seconds,
    SUM(paused_seconds) AS paused_seconds,
    BOOL_OR(
      open_seconds_at_start IS NULL
      OR (
        NOT stopped_at IS NULL AND open_seconds_at_stop IS NULL
      )
    ) AS is_outside_horizon,
    MAX_BY(open_seconds_at_stop, started_at) FILTER(WHERE
      NOT open_seconds_at_stop IS NULL) AS open_seconds_at_stop,
    COALESCE(
      MIN_BY(calendar, reached_from_at) FILTER(WHERE
        NOT calendar IS NULL),
      MAX_BY(calendar, started_at) FILTER(WHERE
        NOT calendar IS NULL)
    ) AS calendar_at_due,
    MIN_BY(open_seconds_at_target, reached_from_at) FILTER(WHERE
      NOT open_seconds_at_target IS NULL) AS open_seconds_when_reached
  FROM spans_with_reach
  GROUP BY
    case_id,
    policy,
    metric,
    cycle
), clock_totals AS (
  SELECT
    runs.*,
    COALESCE(only_spans.running_seconds, clock_sums.running_seconds) AS running_seconds,
    COALESCE(only_spans.paused_seconds, clock_sums.paused_seconds) AS paused_seconds,
    COALESCE(only_spans.calendar, clock_sums.calendar_at_due) AS calendar_at_due,
    CASE
      WHEN NOT only_spans.case_id IS NULL
      THEN only_spans.open_seconds_at_start IS NULL
      OR (
        NOT only_spans.stopped_at IS NULL AND only_spans.open_seconds_at_stop IS NULL
      )
      ELSE clock_sums.is_outside_horizon
    END AS is_outside_horizon,
    COALESCE(only_spans.open_seconds_at_stop, clock_sums.open_seconds_at_stop) AS open_seconds_at_stop,
    CASE
      WHEN only_spans.case_id IS NULL
      THEN clock_sums.open_seconds_when_reached
      WHEN only_spans.stopped_at IS NULL
      OR only_spans.running_seconds >= runs.target_seconds
      THEN only_spans.open_seconds_at_start + runs.target_seconds
    END AS open_seconds_when_reached
  FROM runs
  LEFT JOIN spans AS only_spans
    ON only_spans.is_only_span
    AND runs.case_id = only_spans.case_id
    AND runs.policy = only_spans.policy
    AND runs.metric = only_spans.metric
    AND runs.cycle = only_spans.cycle
  LEFT JOIN clock_sums
    ON runs.case_id = clock_sums.case_id
    AND runs.policy = clock_sums.policy
    AND runs.metric = clock_sums.metric
    AND runs.cycle = clock_sums.cycle
), measured_clocks AS (
  SELECT
    *,
    CASE
      WHEN stopped_at < started_at
      THEN 'stopped_before_start'
      WHEN is_outside_horizon
      THEN 'outside_calendar_horizon'
    END AS reason_uncountable,
    CASE
      WHEN NOT open_seconds_when_reached IS NULL
      THEN open_seconds_when_reached
      WHEN NOT stopped_at IS NULL
      THEN open_seconds_at_stop + target_seconds - running_seconds
    END AS open_seconds_at_due
  FROM clock_totals
), judged_clocks AS (
  SELECT
    *,
    CASE
      WHEN NOT reason_uncountable IS NULL
      THEN 'unknown'
      WHEN stopped_at IS NULL
      THEN 'running'
      WHEN NOT is_stopped_by_event
      THEN 'unknown'
      WHEN running_seconds > target_seconds
      THEN 'breached'
      ELSE 'met'
    END AS outcome
  FROM measured_clocks
)
SELECT
  judged_clocks.source,
  judged_clocks.case_id,
  judged_clocks.intake_date,
  judged_clocks.policy,
  judged_clocks.metric,
  judged_clocks.cycle,
  judged_clocks.calendar,
  judged_clocks.started_at,
  judged_clocks.stopped_at,
  CAST(CASE
    WHEN judged_clocks.outcome IN ('met', 'breached')
    THEN judged_clocks.running_seconds
  END AS BIGINT) AS elapsed_seconds,
  CAST(CASE
    WHEN judged_clocks.outcome IN ('met', 'breached')
    THEN judged_clocks.paused_seconds
  END AS BIGINT) AS paused_seconds,
  judged_clocks.target_seconds,
  CAST(CASE
    WHEN judged_clocks.outcome IN ('met', 'breached', 'running')
    THEN hours.segment_start_at + (
      judged_clocks.open_seconds_at_due - hours.open_seconds_before
    ) * INTERVAL '1' SECOND
  END AS TIMESTAMP_NTZ) AS due_at,
  CAST(CASE
    WHEN judged_clocks.outcome IN ('met', 'breached')
    THEN judged_clocks.target_seconds - judged_clocks.running_seconds
  END AS BIGINT) AS early_seconds,
  judged_clocks.outcome,
  CASE
    WHEN judged_clocks.outcome = 'unknown'
    THEN COALESCE(judged_clocks.reason_uncountable, judged_clocks.reason)
  END AS reason,
  judged_clocks.is_stopped_by_event,
  judged_clocks.stopped_at IS NULL AS is_open,
  judged_clocks.is_superseded,
  judged_clocks.is_source_promise,
  judged_clocks.start_event_id,
  judged_clocks.end_event_id
FROM judged_clocks
LEFT JOIN staging.business_hours_dim AS hours
  ON judged_clocks.calendar_at_due = hours.calendar
  AND CAST(judged_clocks.open_seconds_at_due - 1 AS BIGINT) DIV CAST(3600 AS BIGINT) = hours.open_hour_number
  AND judged_clocks.open_seconds_at_due > hours.open_seconds_before
  AND judged_clocks.open_seconds_at_due <= hours.open_seconds_before + CAST(UNIX_MICROS(CAST(hours.segment_end_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(hours.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
