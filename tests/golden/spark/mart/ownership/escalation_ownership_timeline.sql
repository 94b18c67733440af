-- The Spark SQL of sql/mart/ownership/escalation_ownership_timeline.sql, written by `make docs`.
SELECT
  stints.source,
  stints.case_id,
  stints.intake_date,
  stints.stint,
  stints.team,
  stints.previous_team,
  stints.entered_by,
  stints.is_planned_return,
  stints.entered_by_actor,
  stints.started_at,
  stints.ended_at,
  stints.is_last,
  stints.is_open,
  CAST(CAST(stints.queue_calendar_seconds + stints.active_calendar_seconds + stints.wait_customer_calendar_seconds + stints.wait_other_calendar_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS held_calendar_minutes,
  CAST(CAST(stints.queue_business_seconds + stints.active_business_seconds + stints.wait_customer_business_seconds + stints.wait_other_business_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS held_business_minutes,
  CAST(CASE
    WHEN NOT cases.is_open
    THEN CAST(100.0 * (
      stints.queue_calendar_seconds + stints.active_calendar_seconds + stints.wait_customer_calendar_seconds + stints.wait_other_calendar_seconds
    ) AS DOUBLE) / CAST(NULLIF(
      cases.queue_calendar_seconds + cases.active_calendar_seconds + cases.wait_customer_calendar_seconds + cases.wait_other_calendar_seconds,
      0
    ) AS DOUBLE)
  END AS DOUBLE) AS share_of_life_pct,
  CAST(CAST(stints.queue_calendar_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS queue_calendar_minutes,
  CAST(CAST(stints.active_calendar_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS active_calendar_minutes,
  CAST(CAST(stints.wait_customer_calendar_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS wait_customer_calendar_minutes,
  CAST(CAST(stints.wait_other_calendar_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS wait_other_calendar_minutes,
  CAST(CAST(stints.done_calendar_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS done_calendar_minutes,
  CAST(CAST(stints.inactive_calendar_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS inactive_calendar_minutes,
  CAST(CAST(stints.queue_business_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS queue_business_minutes,
  CAST(CAST(stints.active_business_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS active_business_minutes,
  CAST(CAST(stints.wait_customer_business_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS wait_customer_business_minutes,
  CAST(CAST(stints.wait_other_business_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS wait_other_business_minutes,
  CAST(CAST(stints.done_business_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS done_business_minutes,
  CAST(CAST(stints.inactive_business_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS inactive_business_minutes,
  stints.team = cases.last_team AS is_last_team,
  escalations.linked_case_id AS escalation_case_id,
  escalations.linked_ts AS escalated_at,
  stints.started_at >= escalations.linked_ts AS is_after_escalation
FROM staging.ownership_stints AS stints
INNER JOIN staging.ownership_cases AS cases
  ON stints.intake_date = cases.intake_date AND stints.case_id = cases.case_id
LEFT JOIN staging.case_links AS escalations
  ON stints.intake_date = escalations.intake_date
  AND stints.case_id = escalations.case_id
  AND escalations.escalation_number = 1
