-- The Spark SQL of sql/mart/drivers/driver_summary.sql, written by `make docs`.
WITH bottleneck AS (
  SELECT
    'primary_bottleneck' AS finding,
    tier,
    stage,
    p95_business_minutes AS figure,
    'business minutes' AS unit
  FROM mart.driver_stage_durations
  ORDER BY
    p95_business_minutes DESC,
    tier NULLS LAST,
    stage NULLS LAST
  LIMIT 1
), tiers AS (
  SELECT
    COALESCE(tier, 'unknown') AS tier,
    CAST(100.0 * COUNT(*) FILTER(WHERE
      is_sla_a_incl_wait_breached) AS DOUBLE) / CAST(NULLIF(COUNT(*), 0) AS DOUBLE) AS breach_pct
  FROM staging.case_sla_metrics
  GROUP BY
    COALESCE(tier, 'unknown')
), lifts AS (
  SELECT
    MAX(sla_b_breach_pct) FILTER(WHERE
      exposure_decile = 9) - MAX(sla_b_breach_pct) FILTER(WHERE
      exposure_decile = 5) AS sla_b_lift,
    MAX(sla_a_incl_wait_breach_pct) FILTER(WHERE
      exposure_decile = 9) - MAX(sla_a_incl_wait_breach_pct) FILTER(WHERE
      exposure_decile = 5) AS sla_a_lift
  FROM mart.driver_congestion_buckets
), findings AS (
  SELECT
    finding,
    tier,
    stage,
    figure,
    unit
  FROM bottleneck
  UNION ALL
  SELECT
    'tier_gradient' AS finding,
    CAST(NULL AS STRING) AS tier,
    CAST(NULL AS STRING) AS stage,
    MAX(breach_pct) - MIN(breach_pct) AS figure,
    'percentage points' AS unit
  FROM tiers
  UNION ALL
  SELECT
    'congestion_lift_sla_b' AS finding,
    CAST(NULL AS STRING) AS tier,
    CAST(NULL AS STRING) AS stage,
    sla_b_lift AS figure,
    'percentage points' AS unit
  FROM lifts
  UNION ALL
  SELECT
    'congestion_lift_sla_a_incl_wait' AS finding,
    CAST(NULL AS STRING) AS tier,
    CAST(NULL AS STRING) AS stage,
    sla_a_lift AS figure,
    'percentage points' AS unit
  FROM lifts
  UNION ALL
  SELECT
    'reopened_share' AS finding,
    CAST(NULL AS STRING) AS tier,
    CAST(NULL AS STRING) AS stage,
    CAST(100.0 * COUNT(*) FILTER(WHERE
      reopen_count > 0) AS DOUBLE) / CAST(NULLIF(COUNT(*), 0) AS DOUBLE) AS figure,
    'percent' AS unit
  FROM staging.case_milestones
)
SELECT
  finding,
  tier,
  stage,
  CAST(figure AS DOUBLE) AS figure,
  unit
FROM findings
