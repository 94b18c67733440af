-- The Spark SQL of sql/mart/scenario_results.sql, written by `make docs`.
WITH shortened AS (
  SELECT
    levers.scenario,
    stages.case_id,
    levers.reduction_rate * CASE levers.stage
      WHEN 'triage_to_investigation'
      THEN stages.triage_to_investigation_business_minutes
      WHEN 'investigation_to_review'
      THEN stages.investigation_to_review_business_minutes
      WHEN 'review_to_resolved'
      THEN stages.review_to_resolved_business_minutes
    END AS business_minutes
  FROM staging.scenario_levers AS levers
  INNER JOIN staging.case_stage_durations AS stages
    ON levers.tier IS NULL OR levers.tier = stages.tier
  WHERE
    levers.lever = 'shorten_stage'
), reworked AS (
  SELECT
    levers.scenario,
    rework.case_id,
    levers.reduction_rate * CASE levers.rework_measure
      WHEN 'proxy'
      THEN rework.proxy_rework_business_minutes
      WHEN 'measured'
      THEN rework.measured_rework_business_minutes
    END AS business_minutes
  FROM staging.scenario_levers AS levers
  INNER JOIN staging.reopen_penalty AS rework
    ON levers.tier IS NULL OR levers.tier = rework.tier
  WHERE
    levers.lever = 'fewer_reopens'
), affected AS (
  SELECT
    COALESCE(shortened.scenario, reworked.scenario) AS scenario,
    COALESCE(shortened.case_id, reworked.case_id) AS case_id,
    COALESCE(shortened.business_minutes, 0) AS earlier_business_minutes,
    CAST(COALESCE(shortened.business_minutes, 0) AS DECIMAL(18, 6)) + CAST(COALESCE(reworked.business_minutes, 0) AS DECIMAL(18, 6)) AS saved_business_minutes
  FROM shortened
  FULL JOIN reworked
    ON shortened.scenario = reworked.scenario AND shortened.case_id = reworked.case_id
  WHERE
    NOT shortened.business_minutes IS NULL OR NOT reworked.business_minutes IS NULL
), breached AS (
  SELECT
    case_id,
    resolution_incl_wait_business_minutes,
    resolution_incl_wait_target_business_minutes
  FROM staging.case_sla_metrics
  WHERE
    is_sla_a_incl_wait_breached
), results AS (
  SELECT
    affected.scenario,
    COUNT(*) AS eligible_cases,
    COUNT(breached.case_id) AS breaches_before,
    COUNT(*) FILTER(WHERE
      breached.resolution_incl_wait_business_minutes - affected.earlier_business_minutes <= breached.resolution_incl_wait_target_business_minutes) AS breaches_avoided,
    CAST(SUM(affected.saved_business_minutes) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS hours_saved
  FROM affected
  LEFT JOIN breached
    ON affected.case_id = breached.case_id
  GROUP BY
    affected.scenario
), named AS (
  SELECT
    scenario,
    MAX(description) AS description,
    MAX(rework_measure) AS rework_measure
  FROM staging.scenario_levers
  GROUP BY
    scenario
), everyone AS (
  SELECT
    COUNT(*) AS sla_cases,
    COUNT(*) FILTER(WHERE
      is_sla_a_incl_wait_breached) AS breaches
  FROM staging.case_sla_metrics
)
SELECT
  named.scenario,
  named.description,
  CAST(COALESCE(results.eligible_cases, 0) AS BIGINT) AS eligible_cases,
  CAST(COALESCE(results.breaches_before, 0) AS BIGINT) AS sla_a_incl_wait_breaches_before,
  CAST(COALESCE(results.breaches_avoided, 0) AS BIGINT) AS sla_a_incl_wait_breaches_avoided,
  CAST(CAST(100.0 * everyone.breaches AS DOUBLE) / CAST(NULLIF(everyone.sla_cases, 0) AS DOUBLE) AS DOUBLE) AS breach_pct_before,
  CAST(CAST(100.0 * (
    everyone.breaches - COALESCE(results.breaches_avoided, 0)
  ) AS DOUBLE) / CAST(NULLIF(everyone.sla_cases, 0) AS DOUBLE) AS DOUBLE) AS breach_pct_after,
  CAST(COALESCE(results.hours_saved, 0) AS DOUBLE) AS hours_saved,
  named.rework_measure
FROM named
LEFT JOIN results
  ON named.scenario = results.scenario
CROSS JOIN everyone
