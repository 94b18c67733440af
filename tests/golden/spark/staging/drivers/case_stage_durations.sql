-- The Spark SQL of sql/staging/drivers/case_stage_durations.sql, written by `make docs`.
WITH cases AS (
  SELECT
    metrics.source,
    metrics.case_id,
    metrics.intake_date,
    metrics.tier,
    metrics.case_type,
    metrics.intake_ts,
    milestones.triage_ts,
    milestones.investigation_ts,
    milestones.review_qa_ts,
    milestones.resolved_ts,
    metrics.resolution_calendar,
    metrics.resolution_incl_wait_business_minutes
  FROM staging.case_sla_metrics AS metrics
  INNER JOIN staging.case_milestones AS milestones
    ON metrics.case_id = milestones.case_id
  WHERE
    metrics.intake_date >= :start_date
    AND metrics.intake_date < :end_date
    AND milestones.intake_date >= :start_date
    AND milestones.intake_date < :end_date
    AND milestones.review_qa_ts >= milestones.investigation_ts
), instants AS (
  SELECT
    case_id,
    resolution_calendar,
    'triage' AS milestone,
    triage_ts AS instant
  FROM cases
  UNION ALL
  SELECT
    case_id,
    resolution_calendar,
    'investigation' AS milestone,
    investigation_ts AS instant
  FROM cases
  UNION ALL
  SELECT
    case_id,
    resolution_calendar,
    'review' AS milestone,
    review_qa_ts AS instant
  FROM cases
  UNION ALL
  SELECT
    case_id,
    resolution_calendar,
    'resolved' AS milestone,
    resolved_ts AS instant
  FROM cases
), milestone_times AS (
  SELECT
    instants.case_id,
    instants.milestone,
    business_time.open_seconds_before + CASE
      WHEN business_time.is_open
      THEN CAST(UNIX_MICROS(CAST(instants.instant AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(business_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds
  FROM instants
  INNER JOIN staging.business_time AS business_time
    ON instants.resolution_calendar = business_time.calendar
    AND CAST(instants.instant AS DATE) = business_time.utc_date
    AND instants.instant >= business_time.segment_start_at
    AND instants.instant < business_time.segment_end_at
), stage_columns AS (
  SELECT
    case_id,
    MAX(CASE WHEN milestone = 'triage' THEN open_seconds END) AS triage,
    MAX(CASE WHEN milestone = 'investigation' THEN open_seconds END) AS investigation,
    MAX(CASE WHEN milestone = 'review' THEN open_seconds END) AS review,
    MAX(CASE WHEN milestone = 'resolved' THEN open_seconds END) AS resolved
  FROM milestone_times
  GROUP BY
    case_id
)
SELECT
  cases.source,
  cases.case_id,
  cases.intake_date,
  cases.tier,
  cases.case_type,
  CAST(CASE
    WHEN cases.triage_ts >= cases.intake_ts
    AND cases.investigation_ts >= cases.triage_ts
    AND cases.investigation_ts <= cases.resolved_ts
    THEN CAST(stage_columns.investigation - stage_columns.triage AS DOUBLE) / CAST(60.0 AS DOUBLE)
  END AS DOUBLE) AS triage_to_investigation_business_minutes,
  CAST(CASE
    WHEN cases.investigation_ts >= cases.intake_ts
    AND cases.review_qa_ts <= cases.resolved_ts
    THEN CAST(stage_columns.review - stage_columns.investigation AS DOUBLE) / CAST(60.0 AS DOUBLE)
  END AS DOUBLE) AS investigation_to_review_business_minutes,
  CAST(CASE
    WHEN cases.review_qa_ts >= cases.intake_ts AND cases.resolved_ts >= cases.review_qa_ts
    THEN CAST(stage_columns.resolved - stage_columns.review AS DOUBLE) / CAST(60.0 AS DOUBLE)
  END AS DOUBLE) AS review_to_resolved_business_minutes,
  cases.resolution_incl_wait_business_minutes
FROM cases
LEFT JOIN stage_columns
  ON cases.case_id = stage_columns.case_id
