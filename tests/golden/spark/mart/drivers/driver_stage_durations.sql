-- The Spark SQL of sql/mart/drivers/driver_stage_durations.sql, written by `make docs`.
WITH stages AS (
  SELECT
    COALESCE(tier, 'unknown') AS tier,
    'triage_to_investigation' AS stage,
    triage_to_investigation_business_minutes AS business_minutes
  FROM staging.case_stage_durations
  UNION ALL
  SELECT
    COALESCE(tier, 'unknown') AS tier,
    'investigation_to_review' AS stage,
    investigation_to_review_business_minutes AS business_minutes
  FROM staging.case_stage_durations
  UNION ALL
  SELECT
    COALESCE(tier, 'unknown') AS tier,
    'review_to_resolved' AS stage,
    review_to_resolved_business_minutes AS business_minutes
  FROM staging.case_stage_durations
), percentiles AS (
  SELECT
    tier,
    stage,
    COUNT(*) AS cases,
    PERCENTILE(business_minutes, ARRAY(0.5, 0.9, 0.95))[0] AS p50_business_minutes,
    PERCENTILE(business_minutes, ARRAY(0.5, 0.9, 0.95))[1] AS p90_business_minutes,
    PERCENTILE(business_minutes, ARRAY(0.5, 0.9, 0.95))[2] AS p95_business_minutes
  FROM stages
  WHERE
    NOT business_minutes IS NULL
  GROUP BY
    tier,
    stage
)
SELECT
  tier,
  stage,
  CAST(cases AS BIGINT) AS cases,
  CAST(p50_business_minutes AS DOUBLE) AS p50_business_minutes,
  CAST(p90_business_minutes AS DOUBLE) AS p90_business_minutes,
  CAST(p95_business_minutes AS DOUBLE) AS p95_business_minutes,
  ROW_NUMBER() OVER (PARTITION BY tier ORDER BY p95_business_minutes DESC, stage NULLS LAST) = 1 AS is_tier_bottleneck
FROM percentiles
