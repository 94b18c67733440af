-- The Spark SQL of sql/mart/attainment/promise_durations.sql, written by `make docs`.
WITH promising_sources AS (
  SELECT DISTINCT
    source
  FROM staging.sla_clocks
  WHERE
    is_source_promise
), judged_clocks AS (
  SELECT
    clocks.policy,
    clocks.metric,
    clocks.is_source_promise,
    clocks.elapsed_seconds,
    clocks.paused_seconds
  FROM staging.sla_clocks AS clocks
  LEFT JOIN promising_sources
    ON clocks.source = promising_sources.source
  WHERE
    NOT clocks.is_open
    AND clocks.outcome <> 'unknown'
    AND NOT clocks.is_superseded
    AND (
      clocks.is_source_promise OR promising_sources.source IS NULL
    )
)
SELECT
  policy,
  metric,
  is_source_promise,
  CAST(COUNT(*) AS BIGINT) AS stopped_clocks,
  CAST(COUNT(*) FILTER(WHERE
    paused_seconds > 0) AS BIGINT) AS paused_clocks,
  CAST(CAST(PERCENTILE(elapsed_seconds, ARRAY(0.5, 0.9, 0.95))[0] AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS elapsed_p50_business_minutes,
  CAST(CAST(PERCENTILE(elapsed_seconds, ARRAY(0.5, 0.9, 0.95))[1] AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS elapsed_p90_business_minutes,
  CAST(CAST(PERCENTILE(elapsed_seconds, ARRAY(0.5, 0.9, 0.95))[2] AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS elapsed_p95_business_minutes
FROM judged_clocks
GROUP BY
  policy,
  metric,
  is_source_promise
