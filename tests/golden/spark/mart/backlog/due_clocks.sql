-- The Spark SQL of sql/mart/backlog/due_clocks.sql, written by `make docs`.
WITH period AS (
  SELECT
    now_at,
    from_at
  FROM mart.burn_windows
  WHERE
    window_name = 'period'
)
SELECT
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
