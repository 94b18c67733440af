-- The Spark SQL of sql/mart/attainment/unknown_clocks.sql, written by `make docs`.
SELECT
  source,
  policy,
  metric,
  is_source_promise,
  reason,
  CAST(COUNT(*) AS BIGINT) AS unknown_clocks
FROM staging.sla_clocks
WHERE
  outcome = 'unknown'
GROUP BY
  source,
  policy,
  metric,
  is_source_promise,
  reason
