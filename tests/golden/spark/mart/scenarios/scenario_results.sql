-- The Spark SQL of sql/mart/scenarios/scenario_results.sql, written by `make docs`.
WITH shortened_stages AS (
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
), reduced_rework AS (
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
), avoidable_spans AS (
  SELECT
    levers.scenario,
    levers.reduction_rate,
    cases.case_id,
    visits.started_at AS from_at,
    CASE
      WHEN returns.started_at < cases.resolved_ts
      THEN returns.started_at
      ELSE cases.resolved_ts
    END AS to_at
  FROM staging.scenario_levers AS levers
  INNER JOIN staging.ownership_stints AS returns
    ON (
      levers.from_team IS NULL OR levers.from_team = returns.team
    )
    AND (
      levers.to_team IS NULL OR levers.to_team = returns.previous_team
    )
  INNER JOIN staging.ownership_stints AS visits
    ON returns.intake_date = visits.intake_date
    AND returns.case_id = visits.case_id
    AND returns.run_number - 1 = visits.run_number
    AND visits.previous_team = returns.team
  INNER JOIN staging.case_milestones AS cases
    ON returns.intake_date = cases.intake_date AND returns.case_id = cases.case_id
  WHERE
    levers.lever = 'route_right_first'
    AND returns.entered_by = 'return_direct'
    AND NOT returns.is_planned_return
    AND visits.started_at < cases.resolved_ts
    AND (
      levers.tier IS NULL OR levers.tier = cases.tier
    )
  UNION ALL
  SELECT
    levers.scenario,
    levers.reduction_rate,
    cases.case_id,
    spans.started_at AS from_at,
    spans.ended_at AS to_at
  FROM staging.scenario_levers AS levers
  INNER JOIN staging.ownership_spans AS spans
    ON levers.team IS NULL OR levers.team = spans.team
  INNER JOIN staging.case_milestones AS cases
    ON spans.intake_date = cases.intake_date AND spans.case_id = cases.case_id
  WHERE
    levers.lever = 'shorten_queue'
    AND spans.state = 'queue'
    AND spans.ended_at <= cases.resolved_ts
    AND (
      levers.tier IS NULL OR levers.tier = cases.tier
    )
), avoided_times AS (
  SELECT
    spans.scenario,
    spans.case_id,
    CAST(MAX(spans.reduction_rate) * SUM(
      stop_time.open_seconds_before + CASE
        WHEN stop_time.is_open
        THEN CAST(UNIX_MICROS(CAST(spans.to_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
        ELSE 0
      END - start_time.open_seconds_before - CASE
        WHEN start_time.is_open
        THEN CAST(UNIX_MICROS(CAST(spans.from_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
        ELSE 0
      END
    ) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS business_minutes
  FROM avoidable_spans AS spans
  INNER JOIN staging.business_time AS start_time
    ON start_time.calendar = 'desk'
    AND CAST(spans.from_at AS DATE) = start_time.utc_date
    AND spans.from_at >= start_time.segment_start_at
    AND spans.from_at < start_time.segment_end_at
  INNER JOIN staging.business_time AS stop_time
    ON stop_time.calendar = 'desk'
    AND CAST(spans.to_at AS DATE) = stop_time.utc_date
    AND spans.to_at >= stop_time.segment_start_at
    AND spans.to_at < stop_time.segment_end_at
  GROUP BY
    spans.scenario,
    spans.case_id
), earlier_resolutions AS (
  SELECT
    scenario,
    case_id,
    business_minutes
  FROM shortened_stages
  UNION ALL
  SELECT
    scenario,
    case_id,
    business_minutes
  FROM avoided_times
), affected_cases AS (
  SELECT
    COALESCE(earlier_resolutions.scenario, reduced_rework.scenario) AS scenario,
    COALESCE(earlier_resolutions.case_id, reduced_rework.case_id) AS case_id,
    COALESCE(earlier_resolutions.business_minutes, 0) AS earlier_business_minutes,
    CAST(COALESCE(earlier_resolutions.business_minutes, 0) AS DECIMAL(18, 6)) + CAST(COALESCE(reduced_rework.business_minutes, 0) AS DECIMAL(18, 6)) AS saved_business_minutes
  FROM earlier_resolutions
  FULL JOIN reduced_rework
    ON earlier_resolutions.scenario = reduced_rework.scenario
    AND earlier_resolutions.case_id = reduced_rework.case_id
  WHERE
    NOT earlier_resolutions.business_minutes IS NULL
    OR NOT reduced_rework.business_minutes IS NULL
), case_verdicts AS (
  SELECT
    case_id,
    resolution_incl_wait_business_minutes,
    resolution_incl_wait_target_business_minutes
  FROM staging.case_sla_metrics
  WHERE
    is_sla_a_incl_wait_breached
), results AS (
  SELECT
    affected_cases.scenario,
    COUNT(*) AS eligible_cases,
    COUNT(case_verdicts.case_id) AS breaches_before,
    COUNT(*) FILTER(WHERE
      case_verdicts.resolution_incl_wait_business_minutes - affected_cases.earlier_business_minutes <= case_verdicts.resolution_incl_wait_target_business_minutes) AS breaches_avoided,
    CAST(SUM(affected_cases.saved_business_minutes) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS hours_saved
  FROM affected_cases
  LEFT JOIN case_verdicts
    ON affected_cases.case_id = case_verdicts.case_id
  GROUP BY
    affected_cases.scenario
), scenario_names AS (
  SELECT
    scenario,
    MAX(description) AS description,
    MAX(rework_measure) AS rework_measure
  FROM staging.scenario_levers
  GROUP BY
    scenario
), all_cases AS (
  SELECT
    COUNT(*) AS sla_cases,
    COUNT(*) FILTER(WHERE
      is_sla_a_incl_wait_breached) AS breaches
  FROM staging.case_sla_metrics
)
SELECT
  scenario_names.scenario,
  scenario_names.description,
  CAST(COALESCE(results.eligible_cases, 0) AS BIGINT) AS eligible_cases,
  CAST(COALESCE(results.breaches_before, 0) AS BIGINT) AS sla_a_incl_wait_breaches_before,
  CAST(COALESCE(results.breaches_avoided, 0) AS BIGINT) AS sla_a_incl_wait_breaches_avoided,
  CAST(CAST(100.0 * all_cases.breaches AS DOUBLE) / CAST(NULLIF(all_cases.sla_cases, 0) AS DOUBLE) AS DOUBLE) AS breach_pct_before,
  CAST(CAST(100.0 * (
    all_cases.breaches - COALESCE(results.breaches_avoided, 0)
  ) AS DOUBLE) / CAST(NULLIF(all_cases.sla_cases, 0) AS DOUBLE) AS DOUBLE) AS breach_pct_after,
  CAST(COALESCE(results.hours_saved, 0) AS DOUBLE) AS hours_saved,
  scenario_names.rework_measure
FROM scenario_names
LEFT JOIN results
  ON scenario_names.scenario = results.scenario
CROSS JOIN all_cases
