-- The Spark SQL of sql/staging/drivers/reopen_penalty.sql, written by `make docs`.
WITH tiers AS (
  SELECT
    tier,
    PERCENTILE(investigation_to_review_business_minutes, 0.5) AS median_business_minutes
  FROM staging.case_stage_durations
  GROUP BY
    tier
)
SELECT
  rework.case_id,
  rework.intake_date,
  rework.tier,
  rework.case_type,
  rework.reopen_count,
  rework.reopened_ts,
  rework.last_resolved_ts,
  rework.measured_rework_business_minutes,
  CAST(tiers.median_business_minutes AS DOUBLE) AS proxy_rework_business_minutes
FROM staging.reopen_rework AS rework
LEFT JOIN tiers
  ON rework.tier IS NOT DISTINCT FROM tiers.tier
