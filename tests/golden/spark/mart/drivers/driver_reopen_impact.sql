-- The Spark SQL of sql/mart/drivers/driver_reopen_impact.sql, written by `make docs`.
WITH cases AS (
  SELECT
    COALESCE(tier, 'unknown') AS tier,
    COALESCE(case_type, 'unknown') AS case_type,
    is_reopened,
    resolution_incl_wait_business_minutes,
    is_sla_a_incl_wait_breached
  FROM staging.case_sla_metrics
)
SELECT
  tier,
  case_type,
  is_reopened,
  CAST(COUNT(*) AS BIGINT) AS cases,
  CAST(CAST(SUM(CAST(resolution_incl_wait_business_minutes AS DECIMAL(18, 6))) AS DOUBLE) / CAST(NULLIF(COUNT(resolution_incl_wait_business_minutes), 0) AS DOUBLE) AS DOUBLE) AS resolution_incl_wait_avg_business_minutes,
  CAST(PERCENTILE(resolution_incl_wait_business_minutes, ARRAY(0.5, 0.9, 0.95))[0] AS DOUBLE) AS resolution_incl_wait_p50_business_minutes,
  CAST(PERCENTILE(resolution_incl_wait_business_minutes, ARRAY(0.5, 0.9, 0.95))[1] AS DOUBLE) AS resolution_incl_wait_p90_business_minutes,
  CAST(PERCENTILE(resolution_incl_wait_business_minutes, ARRAY(0.5, 0.9, 0.95))[2] AS DOUBLE) AS resolution_incl_wait_p95_business_minutes,
  CAST(CAST(100.0 * COUNT(*) FILTER(WHERE
    is_sla_a_incl_wait_breached) AS DOUBLE) / CAST(NULLIF(COUNT(*), 0) AS DOUBLE) AS DOUBLE) AS sla_a_incl_wait_breach_pct
FROM cases
GROUP BY
  tier,
  case_type,
  is_reopened
