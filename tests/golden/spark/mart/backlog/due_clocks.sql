-- The Spark SQL of sql/mart/backlog/due_clocks.sql, written by `make docs`.
WITH period AS (
  SELECT
    now_at,
    from_at
  FROM mart.burn_windows
  WHERE
    window_name = 'period'
), clocks AS (
  SELECT
    clocks.intake_date,
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.clock_due_at AS due_at,
    CAST(LEAST(clocks.stopped_at, clocks.clock_due_at) AS TIMESTAMP_NTZ) AS decided_at,
    clocks.outcome = 'breached' AS is_bad
  FROM staging.backlog_clocks AS clocks
  INNER JOIN period
    ON clocks.clock_due_at > period.from_at
    AND clocks.clock_due_at <= period.now_at
    AND clocks.stopped_at <= period.now_at
  WHERE
    clocks.outcome IN ('met', 'breached')
  UNION ALL
  SELECT
    clocks.intake_date,
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.due_at,
    CAST(clocks.due_at AS TIMESTAMP_NTZ) AS decided_at,
    clocks.is_past_target AS is_bad
  FROM mart.clock_now AS clocks
  INNER JOIN period
    ON clocks.due_at > period.from_at AND clocks.due_at <= period.now_at
  WHERE
    NOT clocks.is_past_target IS NULL
)
SELECT
  clocks.case_id,
  clocks.policy,
  clocks.metric,
  clocks.cycle,
  clocks.due_at,
  clocks.decided_at,
  COALESCE(spans.team, 'none') AS queue,
  clocks.is_bad
FROM clocks
LEFT JOIN staging.backlog_spans AS spans
  ON clocks.intake_date = spans.intake_date
  AND clocks.case_id = spans.case_id
  AND (
    spans.started_at < clocks.decided_at
    OR (
      spans.began_with = 'opened' AND spans.started_at <= clocks.decided_at
    )
  )
  AND (
    spans.ended_at >= clocks.decided_at OR spans.ended_at IS NULL
  )
