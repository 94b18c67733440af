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
), told_dimensions AS (
  SELECT
    COALESCE(BOOL_OR(is_queue_told), FALSE) AS is_queue_told
  FROM mart.backlog_sources
), clock_counts AS (
  SELECT
    clocks.policy,
    clocks.metric,
    CASE WHEN GROUPING(clocks.queue) = 0 THEN 'queue' ELSE 'all' END AS dimension,
    COALESCE(clocks.queue, 'all') AS dimension_value,
    COUNT(*) AS due_clocks,
    COUNT(*) FILTER(WHERE
      clocks.is_bad) AS bad_clocks
  FROM mart.due_clocks AS clocks
  INNER JOIN objectives
    ON clocks.policy = objectives.policy AND clocks.metric = objectives.metric
  GROUP BY
    GROUPING SETS (
      (clocks.policy, clocks.metric),
      (clocks.policy, clocks.metric, clocks.queue)
    )
), budgets AS (
  SELECT
    objectives.policy,
    objectives.metric,
    objectives.objective_pct,
    'all' AS dimension,
    'all' AS dimension_value,
    COALESCE(clock_counts.due_clocks, 0) AS due_clocks,
    COALESCE(clock_counts.bad_clocks, 0) AS bad_clocks
  FROM objectives
  LEFT JOIN clock_counts
    ON objectives.policy = clock_counts.policy
    AND objectives.metric = clock_counts.metric
    AND clock_counts.dimension = 'all'
  UNION ALL
  SELECT
    objectives.policy,
    objectives.metric,
    objectives.objective_pct,
    clock_counts.dimension,
    clock_counts.dimension_value,
    clock_counts.due_clocks,
    clock_counts.bad_clocks
  FROM objectives
  INNER JOIN clock_counts
    ON objectives.policy = clock_counts.policy
    AND objectives.metric = clock_counts.metric
    AND clock_counts.dimension = 'queue'
  INNER JOIN told_dimensions
    ON told_dimensions.is_queue_told
)
SELECT
  CAST(period.now_at AS TIMESTAMP_NTZ) AS now_at,
  budgets.policy,
  budgets.metric,
  budgets.dimension,
  budgets.dimension_value,
  budgets.objective_pct,
  CAST(period.from_at AS TIMESTAMP_NTZ) AS period_from_at,
  CAST(budgets.due_clocks AS BIGINT) AS due_clocks,
  CAST(budgets.bad_clocks AS BIGINT) AS bad_clocks,
  CAST(CAST(100.0 * (
    budgets.due_clocks - budgets.bad_clocks
  ) AS DOUBLE) / CAST(NULLIF(budgets.due_clocks, 0) AS DOUBLE) AS DOUBLE) AS kept_pct,
  CAST(CAST(budgets.due_clocks * (
    100.0 - budgets.objective_pct
  ) AS DOUBLE) / CAST(100.0 AS DOUBLE) AS DOUBLE) AS budget_clocks,
  CAST(CAST(budgets.due_clocks * (
    100.0 - budgets.objective_pct
  ) AS DOUBLE) / CAST(100.0 AS DOUBLE) - budgets.bad_clocks AS DOUBLE) AS budget_left_clocks,
  CAST(CAST(CAST(100.0 * budgets.bad_clocks AS DOUBLE) / CAST(NULLIF(budgets.due_clocks, 0) AS DOUBLE) AS DOUBLE) / CAST(NULLIF(100.0 - budgets.objective_pct, 0) AS DOUBLE) AS DOUBLE) AS budget_burn
FROM budgets
CROSS JOIN period
