-- The Spark SQL of sql/checks/staging.case_stage_durations/assert_stages_add_up.sql, written by `make docs`.
WITH stages AS (
  SELECT
    case_id,
    triage_to_investigation_business_minutes,
    investigation_to_review_business_minutes,
    review_to_resolved_business_minutes,
    resolution_incl_wait_business_minutes
  FROM staging.case_stage_durations
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), ordered_stages AS (
  SELECT
    milestones.case_id,
    metrics.first_touch_business_minutes
  FROM staging.case_milestones AS milestones
  INNER JOIN staging.case_sla_metrics AS metrics
    ON milestones.case_id = metrics.case_id
  WHERE
    milestones.intake_date >= :start_date
    AND milestones.intake_date < :end_date
    AND metrics.intake_date >= :start_date
    AND metrics.intake_date < :end_date
    AND milestones.intake_ts <= milestones.triage_ts
    AND milestones.triage_ts <= milestones.investigation_ts
    AND milestones.investigation_ts <= milestones.review_qa_ts
    AND milestones.review_qa_ts <= milestones.resolved_ts
), first_touches AS (
  SELECT
    MIN(signal) AS first_stop_signal,
    MAX(signal) AS last_stop_signal
  FROM staging.sla_metric_rules
  WHERE
    metric = 'first_touch' AND role = 'stop'
), calendars AS (
  SELECT
    COUNT(DISTINCT calendar) AS calendars,
    COUNT(*) FILTER(WHERE
      change = 'restart') AS restarts
  FROM staging.sla_policies
  WHERE
    metric IN ('first_touch', 'first_resolution')
)
SELECT
  stages.case_id,
  ordered_stages.first_touch_business_minutes,
  stages.triage_to_investigation_business_minutes,
  stages.investigation_to_review_business_minutes,
  stages.review_to_resolved_business_minutes,
  stages.resolution_incl_wait_business_minutes
FROM stages
INNER JOIN ordered_stages
  ON stages.case_id = ordered_stages.case_id
CROSS JOIN first_touches
CROSS JOIN calendars
WHERE
  calendars.restarts = 0
  AND (
    COALESCE(stages.triage_to_investigation_business_minutes, 0) + COALESCE(stages.investigation_to_review_business_minutes, 0) + COALESCE(stages.review_to_resolved_business_minutes, 0) > stages.resolution_incl_wait_business_minutes + 0.1
    OR (
      first_touches.first_stop_signal = 'TRIAGE'
      AND first_touches.last_stop_signal = 'TRIAGE'
      AND calendars.calendars = 1
      AND ABS(
        ordered_stages.first_touch_business_minutes + stages.triage_to_investigation_business_minutes + stages.investigation_to_review_business_minutes + stages.review_to_resolved_business_minutes - stages.resolution_incl_wait_business_minutes
      ) > 0.1
    )
  )
