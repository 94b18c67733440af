-- The Spark SQL of sql/mart/agreement/source_sla_comparison.sql, written by `make docs`.
WITH comparable_cases AS (
  SELECT DISTINCT
    source
  FROM staging.case_milestones
  WHERE
    NOT source_is_sla_met IS NULL OR NOT source_resolved_ts IS NULL
), bases AS (
  SELECT
    comparable_cases.source,
    CASE
      WHEN EXISTS(
        SELECT
          1
        FROM staging.sla_clocks AS clocks
        WHERE
          clocks.source = comparable_cases.source AND clocks.is_source_promise
      )
      THEN 'own_promises'
      WHEN EXISTS(
        SELECT
          1
        FROM staging.source_clock_comparison AS verdicts
        WHERE
          verdicts.source = comparable_cases.source
          AND NOT verdicts.source_is_breached IS NULL
      )
      THEN 'judged_metrics'
      ELSE 'first_resolution'
    END AS compared_with
  FROM comparable_cases
), verdict_pairs AS (
  SELECT
    milestones.source,
    milestones.case_id,
    milestones.source_is_sla_met,
    CAST(NULL AS STRING) AS outcome,
    milestones.intake_ts,
    milestones.source_resolved_ts
  FROM bases
  INNER JOIN staging.case_milestones AS milestones
    ON bases.source = milestones.source
  UNION ALL
  SELECT
    clocks.source,
    clocks.case_id,
    CAST(NULL AS BOOLEAN) AS source_is_sla_met,
    clocks.outcome,
    CAST(NULL AS TIMESTAMP_NTZ) AS intake_ts,
    CAST(NULL AS TIMESTAMP_NTZ) AS source_resolved_ts
  FROM bases
  INNER JOIN staging.sla_clocks AS clocks
    ON bases.source = clocks.source
  WHERE
    NOT clocks.is_superseded
    AND (
      (
        bases.compared_with = 'own_promises' AND clocks.is_source_promise
      )
      OR (
        bases.compared_with = 'first_resolution'
        AND clocks.metric = 'first_resolution'
        AND clocks.cycle = 1
        AND NOT clocks.is_source_promise
      )
    )
  UNION ALL
  SELECT
    verdicts.source,
    verdicts.case_id,
    CAST(NULL AS BOOLEAN) AS source_is_sla_met,
    COALESCE(verdicts.outcome, 'unknown') AS outcome,
    CAST(NULL AS TIMESTAMP_NTZ) AS intake_ts,
    CAST(NULL AS TIMESTAMP_NTZ) AS source_resolved_ts
  FROM bases
  INNER JOIN staging.source_clock_comparison AS verdicts
    ON bases.source = verdicts.source
  WHERE
    bases.compared_with = 'judged_metrics'
    AND NOT verdicts.source_is_breached IS NULL
), cases AS (
  SELECT
    source,
    case_id,
    MAX(source_is_sla_met) AS source_is_sla_met,
    CASE
      WHEN COUNT(*) FILTER(WHERE
        outcome = 'breached') > 0
      THEN FALSE
      WHEN COUNT(outcome) > 0 AND COUNT(outcome) = COUNT(*) FILTER(WHERE
        outcome = 'met')
      THEN TRUE
    END AS our_is_sla_met,
    MAX(source_resolved_ts) AS source_resolved_ts,
    CAST(UNIX_MICROS(CAST(MAX(source_resolved_ts) AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(MAX(intake_ts) AS TIMESTAMP_LTZ)) AS DOUBLE) / CAST(3600000000.0 AS DOUBLE) AS calendar_hours
  FROM verdict_pairs
  GROUP BY
    source,
    case_id
)
SELECT
  cases.source,
  bases.compared_with,
  CAST(COUNT(*) AS BIGINT) AS cases,
  CAST(COUNT(cases.source_is_sla_met) AS BIGINT) AS source_verdict_cases,
  CAST(CAST(100.0 * COUNT(*) FILTER(WHERE
    NOT cases.source_is_sla_met) AS DOUBLE) / CAST(NULLIF(COUNT(cases.source_is_sla_met), 0) AS DOUBLE) AS DOUBLE) AS source_breach_pct,
  CAST(COUNT(cases.our_is_sla_met) AS BIGINT) AS our_verdict_cases,
  CAST(CAST(100.0 * COUNT(*) FILTER(WHERE
    NOT cases.our_is_sla_met) AS DOUBLE) / CAST(NULLIF(COUNT(cases.our_is_sla_met), 0) AS DOUBLE) AS DOUBLE) AS our_breach_pct,
  CAST(COUNT(*) FILTER(WHERE
    NOT cases.source_is_sla_met IS NULL AND NOT cases.our_is_sla_met IS NULL) AS BIGINT) AS both_verdict_cases,
  CAST(COUNT(*) FILTER(WHERE
    cases.source_is_sla_met = cases.our_is_sla_met) AS BIGINT) AS agreeing_cases,
  CAST(COUNT(cases.source_resolved_ts) AS BIGINT) AS source_resolved_cases,
  CAST(PERCENTILE(cases.calendar_hours, 0.5) AS DOUBLE) AS source_resolution_p50_calendar_hours,
  CAST(PERCENTILE(cases.calendar_hours, 0.75) AS DOUBLE) AS source_resolution_p75_calendar_hours,
  CAST(PERCENTILE(cases.calendar_hours, 0.9) AS DOUBLE) AS source_resolution_p90_calendar_hours,
  CAST(PERCENTILE(cases.calendar_hours, 0.95) AS DOUBLE) AS source_resolution_p95_calendar_hours
FROM cases
INNER JOIN bases
  ON cases.source = bases.source
GROUP BY
  cases.source,
  bases.compared_with
