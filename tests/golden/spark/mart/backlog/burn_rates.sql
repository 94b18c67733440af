-- The Spark SQL of sql/mart/backlog/burn_rates.sql, written by `make docs`.
WITH objectives AS (
  SELECT
    policy,
    metric,
    objective_pct
  FROM staging.sla_policies
  WHERE
    NOT objective_pct IS NULL
), windows AS (
  SELECT
    now_at,
    window_name,
    alert,
    is_short,
    threshold_burn,
    from_at
  FROM mart.burn_windows
  WHERE
    NOT alert IS NULL
), told_dimensions AS (
  SELECT
    COALESCE(BOOL_OR(is_queue_told), FALSE) AS is_queue_told
  FROM mart.backlog_sources
), clocks AS (
  SELECT
    due_clocks.policy,
    due_clocks.metric,
    due_clocks.queue,
    due_clocks.due_at,
    due_clocks.is_bad
  FROM mart.due_clocks AS due_clocks
  INNER JOIN objectives
    ON due_clocks.policy = objectives.policy AND due_clocks.metric = objectives.metric
), promises AS (
  SELECT
    policy,
    metric,
    'all' AS dimension,
    'all' AS dimension_value,
    objective_pct
  FROM objectives
  UNION ALL
  SELECT DISTINCT
    objectives.policy,
    objectives.metric,
    'queue' AS dimension,
    clocks.queue AS dimension_value,
    objectives.objective_pct
  FROM objectives
  INNER JOIN clocks
    ON objectives.policy = clocks.policy AND objectives.metric = clocks.metric
  INNER JOIN told_dimensions
    ON told_dimensions.is_queue_told
), window_counts AS (
  SELECT
    windows.alert,
    windows.is_short,
    clocks.policy,
    clocks.metric,
    CASE WHEN GROUPING(clocks.queue) = 0 THEN 'queue' ELSE 'all' END AS dimension,
    COALESCE(clocks.queue, 'all') AS dimension_value,
    COUNT(*) AS due_clocks,
    COUNT(*) FILTER(WHERE
      clocks.is_bad) AS bad_clocks
  FROM windows
  INNER JOIN clocks
    ON clocks.due_at > windows.from_at AND clocks.due_at <= windows.now_at
  GROUP BY
    GROUPING SETS (
      (windows.alert, windows.is_short, clocks.policy, clocks.metric),
      (windows.alert, windows.is_short, clocks.policy, clocks.metric, clocks.queue)
    )
), burns AS (
  SELECT
    long_windows.now_at,
    promises.policy,
    promises.metric,
    promises.dimension,
    promises.dimension_value,
    promises.objective_pct,
    long_windows.alert,
    long_windows.threshold_burn,
    long_windows.from_at AS long_from_at,
    short_windows.from_at AS short_from_at,
    COALESCE(long_counts.due_clocks, 0) AS long_due_clocks,
    COALESCE(long_counts.bad_clocks, 0) AS long_bad_clocks,
    COALESCE(short_counts.due_clocks, 0) AS short_due_clocks,
    COALESCE(short_counts.bad_clocks, 0) AS short_bad_clocks,
    CAST(CAST(100.0 * long_counts.bad_clocks AS DOUBLE) / CAST(NULLIF(long_counts.due_clocks, 0) AS DOUBLE) AS DOUBLE) / CAST(NULLIF(100.0 - promises.objective_pct, 0) AS DOUBLE) AS long_burn,
    CAST(CAST(100.0 * short_counts.bad_clocks AS DOUBLE) / CAST(NULLIF(short_counts.due_clocks, 0) AS DOUBLE) AS DOUBLE) / CAST(NULLIF(100.0 - promises.objective_pct, 0) AS DOUBLE) AS short_burn
  FROM promises
  INNER JOIN windows AS long_windows
    ON NOT long_windows.is_short
  INNER JOIN windows AS short_windows
    ON long_windows.alert = short_windows.alert AND short_windows.is_short
  LEFT JOIN window_counts AS long_counts
    ON promises.policy = long_counts.policy
    AND promises.metric = long_counts.metric
    AND promises.dimension = long_counts.dimension
    AND promises.dimension_value = long_counts.dimension_value
    AND long_windows.alert = long_counts.alert
    AND NOT long_counts.is_short
  LEFT JOIN window_counts AS short_counts
    ON promises.policy = short_counts.policy
    AND promises.metric = short_counts.metric
    AND promises.dimension = short_counts.dimension
    AND promises.dimension_value = short_counts.dimension_value
    AND long_windows.alert = short_counts.alert
    AND short_counts.is_short
)
SELECT
  CAST(now_at AS TIMESTAMP_NTZ) AS now_at,
  policy,
  metric,
  dimension,
  dimension_value,
  alert,
  objective_pct,
  CAST(threshold_burn AS DOUBLE) AS threshold_burn,
  CAST(long_from_at AS TIMESTAMP_NTZ) AS long_from_at,
  CAST(short_from_at AS TIMESTAMP_NTZ) AS short_from_at,
  CAST(long_due_clocks AS BIGINT) AS long_due_clocks,
  CAST(long_bad_clocks AS BIGINT) AS long_bad_clocks,
  CAST(short_due_clocks AS BIGINT) AS short_due_clocks,
  CAST(short_bad_clocks AS BIGINT) AS short_bad_clocks,
  CAST(long_burn AS DOUBLE) AS long_burn,
  CAST(short_burn AS DOUBLE) AS short_burn,
  COALESCE(
    long_due_clocks >= 10
    AND long_burn >= threshold_burn
    AND short_burn >= threshold_burn,
    FALSE
  ) AS is_burning
FROM burns
