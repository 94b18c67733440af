-- The Spark SQL of sql/mart/backlog/error_budget.sql, written by `make docs`.
WITH objectives AS (
  SELECT
    policy,
    metric,
    objective_pct
  FROM staging.sla_policies
  WHERE
    NOT objective_pct IS NULL
), period AS (
  SELECT
    now_at,
    from_at
  FROM mart.burn_windows
  WHERE
    window_name = 'period'
), clocks AS (
  SELECT
    clocks.policy,
    clocks.metric,
    clocks.due_at,
    clocks.is_bad
  FROM mart.due_clocks AS clocks
  INNER JOIN period
    ON clocks.due_at > period.from_at AND clocks.due_at <= period.now_at
), clock_counts AS (
  SELECT
    policy,
    metric,
    COUNT(*) AS due_clocks,
    COUNT(*) FILTER(WHERE
      is_bad) AS bad_clocks
  FROM clocks
  GROUP BY
    policy,
    metric
)
SELECT
  CAST(period.now_at AS TIMESTAMP_NTZ) AS now_at,
  objectives.policy,
  objectives.metric,
  objectives.objective_pct,
  CAST(period.from_at AS TIMESTAMP_NTZ) AS period_from_at,
  CAST(COALESCE(clock_counts.due_clocks, 0) AS BIGINT) AS due_clocks,
  CAST(COALESCE(clock_counts.bad_clocks, 0) AS BIGINT) AS bad_clocks,
  CAST(CAST(100.0 * (
    clock_counts.due_clocks - clock_counts.bad_clocks
  ) AS DOUBLE) / CAST(NULLIF(clock_counts.due_clocks, 0) AS DOUBLE) AS DOUBLE) AS kept_pct,
  CAST(CAST(COALESCE(clock_counts.due_clocks, 0) * (
    100.0 - objectives.objective_pct
  ) AS DOUBLE) / CAST(100.0 AS DOUBLE) AS DOUBLE) AS budget_clocks,
  CAST(CAST(COALESCE(clock_counts.due_clocks, 0) * (
    100.0 - objectives.objective_pct
  ) AS DOUBLE) / CAST(100.0 AS DOUBLE) - COALESCE(clock_counts.bad_clocks, 0) AS DOUBLE) AS budget_left_clocks,
  CAST(CAST(CAST(100.0 * clock_counts.bad_clocks AS DOUBLE) / CAST(NULLIF(clock_counts.due_clocks, 0) AS DOUBLE) AS DOUBLE) / CAST(NULLIF(100.0 - objectives.objective_pct, 0) AS DOUBLE) AS DOUBLE) AS budget_burn
FROM objectives
CROSS JOIN period
LEFT JOIN clock_counts
  ON objectives.policy = clock_counts.policy
  AND objectives.metric = clock_counts.metric
