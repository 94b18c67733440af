-- The Spark SQL of sql/mart/ownership/team_latency_daily.sql, written by `make docs`.
WITH open_cases AS (
  SELECT
    case_id
  FROM staging.ownership_cases
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND is_open
), true_times AS (
  SELECT
    stints.intake_date,
    stints.team,
    COUNT(DISTINCT stints.case_id) AS cases,
    COUNT(*) FILTER(WHERE
      stints.entered_by IN ('handoff', 'return_direct', 'return_indirect')) AS received_handoff_count,
    SUM(stints.queue_calendar_seconds) AS queue_calendar_seconds,
    SUM(stints.active_calendar_seconds) AS active_calendar_seconds,
    SUM(stints.wait_customer_calendar_seconds) AS wait_customer_calendar_seconds,
    SUM(stints.wait_other_calendar_seconds) AS wait_other_calendar_seconds,
    SUM(stints.done_calendar_seconds) AS done_calendar_seconds,
    SUM(stints.inactive_calendar_seconds) AS inactive_calendar_seconds,
    SUM(stints.queue_business_seconds) AS queue_business_seconds,
    SUM(stints.active_business_seconds) AS active_business_seconds,
    SUM(stints.wait_customer_business_seconds) AS wait_customer_business_seconds,
    SUM(stints.wait_other_business_seconds) AS wait_other_business_seconds,
    SUM(stints.done_business_seconds) AS done_business_seconds,
    SUM(stints.inactive_business_seconds) AS inactive_business_seconds
  FROM staging.ownership_stints AS stints
  LEFT JOIN open_cases
    ON stints.case_id = open_cases.case_id
  WHERE
    stints.intake_date >= :start_date
    AND stints.intake_date < :end_date
    AND open_cases.case_id IS NULL
  GROUP BY
    stints.intake_date,
    stints.team
), naive_times AS (
  SELECT
    intake_date,
    last_team AS team,
    COUNT(*) AS naive_cases,
    SUM(
      queue_calendar_seconds + active_calendar_seconds + wait_customer_calendar_seconds + wait_other_calendar_seconds
    ) AS naive_calendar_seconds,
    SUM(done_calendar_seconds) AS naive_done_calendar_seconds,
    SUM(
      queue_business_seconds + active_business_seconds + wait_customer_business_seconds + wait_other_business_seconds
    ) AS naive_business_seconds,
    SUM(done_business_seconds) AS naive_done_business_seconds
  FROM staging.ownership_cases
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND NOT is_open
  GROUP BY
    intake_date,
    last_team
)
SELECT
  true_times.intake_date,
  true_times.team,
  CAST(true_times.cases AS BIGINT) AS cases,
  CAST(COALESCE(naive_times.naive_cases, 0) AS BIGINT) AS naive_cases,
  CAST(true_times.received_handoff_count AS BIGINT) AS received_handoff_count,
  CAST(COALESCE(true_times.queue_calendar_seconds, 0) AS BIGINT) AS queue_calendar_seconds,
  CAST(COALESCE(true_times.active_calendar_seconds, 0) AS BIGINT) AS active_calendar_seconds,
  CAST(COALESCE(true_times.wait_customer_calendar_seconds, 0) AS BIGINT) AS wait_customer_calendar_seconds,
  CAST(COALESCE(true_times.wait_other_calendar_seconds, 0) AS BIGINT) AS wait_other_calendar_seconds,
  CAST(COALESCE(true_times.done_calendar_seconds, 0) AS BIGINT) AS done_calendar_seconds,
  CAST(COALESCE(true_times.inactive_calendar_seconds, 0) AS BIGINT) AS inactive_calendar_seconds,
  CAST(COALESCE(true_times.queue_business_seconds, 0) AS BIGINT) AS queue_business_seconds,
  CAST(COALESCE(true_times.active_business_seconds, 0) AS BIGINT) AS active_business_seconds,
  CAST(COALESCE(true_times.wait_customer_business_seconds, 0) AS BIGINT) AS wait_customer_business_seconds,
  CAST(COALESCE(true_times.wait_other_business_seconds, 0) AS BIGINT) AS wait_other_business_seconds,
  CAST(COALESCE(true_times.done_business_seconds, 0) AS BIGINT) AS done_business_seconds,
  CAST(COALESCE(true_times.inactive_business_seconds, 0) AS BIGINT) AS inactive_business_seconds,
  CAST(COALESCE(naive_times.naive_calendar_seconds, 0) AS BIGINT) AS naive_calendar_seconds,
  CAST(COALESCE(naive_times.naive_done_calendar_seconds, 0) AS BIGINT) AS naive_done_calendar_seconds,
  CAST(COALESCE(naive_times.naive_business_seconds, 0) AS BIGINT) AS naive_business_seconds,
  CAST(COALESCE(naive_times.naive_done_business_seconds, 0) AS BIGINT) AS naive_done_business_seconds
FROM true_times
LEFT JOIN naive_times
  ON true_times.intake_date = naive_times.intake_date
  AND true_times.team = naive_times.team
