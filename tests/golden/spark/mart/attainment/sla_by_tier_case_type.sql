-- The Spark SQL of sql/mart/attainment/sla_by_tier_case_type.sql, written by `make docs`.
WITH sla_case_measures AS (
  SELECT
    COALESCE(tier, 'unknown') AS tier,
    COALESCE(case_type, 'unknown') AS case_type,
    COUNT(*) AS sla_cases,
    COUNT(*) FILTER(WHERE
      is_sla_b_breached) AS sla_b_breached_cases,
    COUNT(*) FILTER(WHERE
      is_sla_a_incl_wait_breached) AS sla_a_incl_wait_breached_cases,
    COUNT(*) FILTER(WHERE
      is_sla_a_paused_breached) AS sla_a_paused_breached_cases,
    PERCENTILE(first_touch_business_minutes, ARRAY(0.5, 0.9, 0.95))[0] AS first_touch_p50_business_minutes,
    PERCENTILE(first_touch_business_minutes, ARRAY(0.5, 0.9, 0.95))[1] AS first_touch_p90_business_minutes,
    PERCENTILE(first_touch_business_minutes, ARRAY(0.5, 0.9, 0.95))[2] AS first_touch_p95_business_minutes,
    PERCENTILE(resolution_incl_wait_business_minutes, ARRAY(0.5, 0.9, 0.95))[0] AS resolution_incl_wait_p50_business_minutes,
    PERCENTILE(resolution_incl_wait_business_minutes, ARRAY(0.5, 0.9, 0.95))[1] AS resolution_incl_wait_p90_business_minutes,
    PERCENTILE(resolution_incl_wait_business_minutes, ARRAY(0.5, 0.9, 0.95))[2] AS resolution_incl_wait_p95_business_minutes,
    PERCENTILE(resolution_paused_business_minutes, ARRAY(0.5, 0.9, 0.95))[0] AS resolution_paused_p50_business_minutes,
    PERCENTILE(resolution_paused_business_minutes, ARRAY(0.5, 0.9, 0.95))[1] AS resolution_paused_p90_business_minutes,
    PERCENTILE(resolution_paused_business_minutes, ARRAY(0.5, 0.9, 0.95))[2] AS resolution_paused_p95_business_minutes
  FROM staging.case_sla_metrics
  GROUP BY
    COALESCE(tier, 'unknown'),
    COALESCE(case_type, 'unknown')
)
SELECT
  tier,
  case_type,
  CAST(sla_cases AS BIGINT) AS sla_cases,
  CAST(sla_b_breached_cases AS BIGINT) AS sla_b_breached_cases,
  CAST(sla_a_incl_wait_breached_cases AS BIGINT) AS sla_a_incl_wait_breached_cases,
  CAST(sla_a_paused_breached_cases AS BIGINT) AS sla_a_paused_breached_cases,
  CAST(CAST(100.0 * sla_b_breached_cases AS DOUBLE) / CAST(NULLIF(sla_cases, 0) AS DOUBLE) AS DOUBLE) AS sla_b_breach_pct,
  CAST(CAST(100.0 * sla_a_incl_wait_breached_cases AS DOUBLE) / CAST(NULLIF(sla_cases, 0) AS DOUBLE) AS DOUBLE) AS sla_a_incl_wait_breach_pct,
  CAST(CAST(100.0 * sla_a_paused_breached_cases AS DOUBLE) / CAST(NULLIF(sla_cases, 0) AS DOUBLE) AS DOUBLE) AS sla_a_paused_breach_pct,
  CAST(first_touch_p50_business_minutes AS DOUBLE) AS first_touch_p50_business_minutes,
  CAST(first_touch_p90_business_minutes AS DOUBLE) AS first_touch_p90_business_minutes,
  CAST(first_touch_p95_business_minutes AS DOUBLE) AS first_touch_p95_business_minutes,
  CAST(resolution_incl_wait_p50_business_minutes AS DOUBLE) AS resolution_incl_wait_p50_business_minutes,
  CAST(resolution_incl_wait_p90_business_minutes AS DOUBLE) AS resolution_incl_wait_p90_business_minutes,
  CAST(resolution_incl_wait_p95_business_minutes AS DOUBLE) AS resolution_incl_wait_p95_business_minutes,
  CAST(resolution_paused_p50_business_minutes AS DOUBLE) AS resolution_paused_p50_business_minutes,
  CAST(resolution_paused_p90_business_minutes AS DOUBLE) AS resolution_paused_p90_business_minutes,
  CAST(resolution_paused_p95_business_minutes AS DOUBLE) AS resolution_paused_p95_business_minutes
FROM sla_case_measures
