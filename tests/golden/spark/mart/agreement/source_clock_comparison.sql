-- The Spark SQL of sql/mart/agreement/source_clock_comparison.sql, written by `make docs`.
SELECT
  source,
  metric,
  comparison,
  CAST(COUNT(*) AS BIGINT) AS verdicts,
  CAST(COUNT(*) FILTER(WHERE
    source_is_breached) AS BIGINT) AS source_breached_verdicts,
  CAST(COUNT(*) FILTER(WHERE
    outcome = 'breached') AS BIGINT) AS breached_clocks,
  CAST(CAST(PERCENTILE(ABS(difference_seconds), 0.5) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS difference_p50_business_minutes
FROM staging.source_clock_comparison
GROUP BY
  source,
  metric,
  comparison
