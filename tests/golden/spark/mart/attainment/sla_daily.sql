-- The Spark SQL of sql/mart/attainment/sla_daily.sql, written by `make docs`.
WITH intake_counts AS (
  SELECT
    intake_date,
    COUNT(*) AS opened_cases
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), sla_case_measures AS (
  SELECT
    intake_date,
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
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
)
SELECT
  intake_counts.intake_date,
  CAST(intake_counts.opened_cases AS BIGINT) AS opened_cases,
  CAST(COALESCE(sla_case_measures.sla_cases, 0) AS BIGINT) AS sla_cases,
  CAST(COALESCE(sla_case_measures.sla_b_breached_cases, 0) AS BIGINT) AS sla_b_breached_cases,
  CAST(COALESCE(sla_case_measures.sla_a_incl_wait_breached_cases, 0) AS BIGINT) AS sla_a_incl_wait_breached_cases,
  CAST(COALESCE(sla_case_measures.sla_a_paused_breached_cases, 0) AS BIGINT) AS sla_a_paused_breached_cases,
  CAST(CAST(100.0 * sla_case_measures.sla_b_breached_cases AS DOUBLE) / CAST(NULLIF(sla_case_measures.sla_cases, 0) AS DOUBLE) AS DOUBLE) AS sla_b_breach_pct,
  CAST(CAST(100.0 * sla_case_measures.sla_a_incl_wait_breached_cases AS DOUBLE) / CAST(NULLIF(sla_case_measures.sla_cases, 0) AS DOUBLE) AS DOUBLE) AS sla_a_incl_wait_breach_pct,
  CAST(CAST(100.0 * sla_case_measures.sla_a_paused_breached_cases AS DOUBLE) / CAST(NULLIF(sla_case_measures.sla_cases, 0) AS DOUBLE) AS DOUBLE) AS sla_a_paused_breach_pct,
  CAST(sla_case_measures.first_touch_p50_business_minutes AS DOUBLE) AS first_touch_p50_business_minutes,
  CAST(sla_case_measures.first_touch_p90_business_minutes AS DOUBLE) AS first_touch_p90_business_minutes,
  CAST(sla_case_measures.first_touch_p95_business_minutes AS DOUBLE) AS first_touch_p95_business_minutes,
  CAST(sla_case_measures.resolution_incl_wait_p50_business_minutes AS DOUBLE) AS resolution_incl_wait_p50_business_minutes,
  CAST(sla_case_measures.resolution_incl_wait_p90_business_minutes AS DOUBLE) AS resolution_incl_wait_p90_business_minutes,
  CAST(sla_case_measures.resolution_incl_wait_p95_business_minutes AS DOUBLE) AS resolution_incl_wait_p95_business_minutes,
  CAST(sla_case_measures.resolution_paused_p50_business_minutes AS DOUBLE) AS resolution_paused_p50_business_minutes,
  CAST(sla_case_measures.resolution_paused_p90_business_minutes AS DOUBLE) AS resolution_paused_p90_business_minutes,
  CAST(sla_case_measures.resolution_paused_p95_business_minutes AS DOUBLE) AS resolution_paused_p95_business_minutes
FROM intake_counts
LEFT JOIN sla_case_measures
  ON intake_counts.intake_date = sla_case_measures.intake_date
