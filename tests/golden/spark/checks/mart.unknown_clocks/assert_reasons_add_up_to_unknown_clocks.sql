-- The Spark SQL of sql/checks/mart.unknown_clocks/assert_reasons_add_up_to_unknown_clocks.sql, written by `make docs`.
WITH told_clocks AS (
  SELECT
    source,
    policy,
    metric,
    SUM(unknown_clocks) AS clocks
  FROM mart.unknown_clocks
  GROUP BY
    source,
    policy,
    metric
)
SELECT
  overview.source,
  overview.policy,
  overview.metric,
  overview.unknown_clocks,
  told_clocks.clocks AS told_clocks
FROM mart.sla_overview AS overview
LEFT JOIN told_clocks
  ON overview.source = told_clocks.source
  AND overview.policy = told_clocks.policy
  AND overview.metric = told_clocks.metric
WHERE
  overview.dimension = 'all'
  AND overview.unknown_clocks <> COALESCE(told_clocks.clocks, 0)
