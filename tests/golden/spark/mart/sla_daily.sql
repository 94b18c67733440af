-- The Spark SQL of sql/mart/sla_daily.sql, written by `make docs`.
WITH opened AS (
  SELECT
    intake_date,
    COUNT(*) AS opened_cases
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), judged AS (
  SELECT
    intake_date,
    COUNT(*) AS sla_cases,
    COUNT(*) FILTER(WHERE
      is_sla_b_breached) AS sla_b_breached_cases,
    COUNT(*) FILTER(WHERE
      is_sla_a_incl_wait_breached) AS sla_a_incl_wait_breached_cases,
    COUNT(*) FILTER(WHERE
      is_sla_a_paused_breached) AS sla_a_paused_breached_cases,
    PERCENTILE(first_touch_business_minutes, 0.5) AS first_touch_p50_business_minutes,
    PERCENTILE(first_touch_business_minutes, 0.9) AS first_touch_p90_business_minutes,
    PERCENTILE(first_touch_business_minutes, 0.95) AS first_touch_p95_business_minutes,
    PERCENTILE(resolution_incl_wait_business_minutes, 0.5) AS resolution_incl_wait_p50_business_minutes,
    PERCENTILE(resolution_incl_wait_business_minutes, 0.9) AS resolution_incl_wait_p90_business_minutes,
    PERCENTILE(resolution_incl_wait_business_minutes, 0.95) AS resolution_incl_wait_p95_business_minutes,
    PERCENTILE(resolution_paused_business_minutes, 0.5) AS resolution_paused_p50_business_minutes,
    PERCENTILE(resolution_paused_business_minutes, 0.9) AS resolution_paused_p90_business_minutes,
    PERCENTILE(resolution_paused_business_minutes, 0.95) AS resolution_paused_p95_business_minutes
  FROM staging.case_sla_metrics
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
)
SELECT
  opened.intake_date,
  CAST(opened.opened_cases AS BIGINT) AS opened_cases,
  CAST(COALESCE(judged.sla_cases, 0) AS BIGINT) AS sla_cases,
  CAST(COALESCE(judged.sla_b_breached_cases, 0) AS BIGINT) AS sla_b_breached_cases,
  CAST(COALESCE(judged.sla_a_incl_wait_breached_cases, 0) AS BIGINT) AS sla_a_incl_wait_breached_cases,
  CAST(COALESCE(judged.sla_a_paused_breached_cases, 0) AS BIGINT) AS sla_a_paused_breached_cases,
  CAST(CAST(100.0 * judged.sla_b_breached_cases AS DOUBLE) / CAST(NULLIF(judged.sla_cases, 0) AS DOUBLE) AS DOUBLE) AS sla_b_breach_pct,
  CAST(CAST(100.0 * judged.sla_a_incl_wait_breached_cases AS DOUBLE) / CAST(NULLIF(judged.sla_cases, 0) AS DOUBLE) AS DOUBLE) AS sla_a_incl_wait_breach_pct,
  CAST(CAST(100.0 * judged.sla_a_paused_breached_cases AS DOUBLE) / CAST(NULLIF(judged.sla_cases, 0) AS DOUBLE) AS DOUBLE) AS sla_a_paused_breach_pct,
  CAST(judged.first_touch_p50_business_minutes AS DOUBLE) AS first_touch_p50_business_minutes,
  CAST(judged.first_touch_p90_business_minutes AS DOUBLE) AS first_touch_p90_business_minutes,
  CAST(judged.first_touch_p95_business_minutes AS DOUBLE) AS first_touch_p95_business_minutes,
  CAST(judged.resolution_incl_wait_p50_business_minutes AS DOUBLE) AS resolution_incl_wait_p50_business_minutes,
  CAST(judged.resolution_incl_wait_p90_business_minutes AS DOUBLE) AS resolution_incl_wait_p90_business_minutes,
  CAST(judged.resolution_incl_wait_p95_business_minutes AS DOUBLE) AS resolution_incl_wait_p95_business_minutes,
  CAST(judged.resolution_paused_p50_business_minutes AS DOUBLE) AS resolution_paused_p50_business_minutes,
  CAST(judged.resolution_paused_p90_business_minutes AS DOUBLE) AS resolution_paused_p90_business_minutes,
  CAST(judged.resolution_paused_p95_business_minutes AS DOUBLE) AS resolution_paused_p95_business_minutes
FROM opened
LEFT JOIN judged
  ON opened.intake_date = judged.intake_date
