-- The Spark SQL of sql/mart/ownership/team_latency.sql, written by `make docs`.
WITH days AS (
  SELECT
    team,
    SUM(cases) AS cases,
    SUM(naive_cases) AS naive_cases,
    SUM(received_handoff_count) AS received_handoff_count,
    SUM(queue_calendar_seconds) AS queue_calendar_seconds,
    SUM(active_calendar_seconds) AS active_calendar_seconds,
    SUM(wait_customer_calendar_seconds) AS wait_customer_calendar_seconds,
    SUM(wait_other_calendar_seconds) AS wait_other_calendar_seconds,
    SUM(done_calendar_seconds) AS done_calendar_seconds,
    SUM(inactive_calendar_seconds) AS inactive_calendar_seconds,
    SUM(queue_business_seconds) AS queue_business_seconds,
    SUM(active_business_seconds) AS active_business_seconds,
    SUM(wait_customer_business_seconds) AS wait_customer_business_seconds,
    SUM(wait_other_business_seconds) AS wait_other_business_seconds,
    SUM(done_business_seconds) AS done_business_seconds,
    SUM(inactive_business_seconds) AS inactive_business_seconds,
    SUM(naive_calendar_seconds) AS naive_calendar_seconds,
    SUM(naive_done_calendar_seconds) AS naive_done_calendar_seconds,
    SUM(naive_business_seconds) AS naive_business_seconds,
    SUM(naive_done_business_seconds) AS naive_done_business_seconds
  FROM mart.team_latency_daily
  GROUP BY
    team
), cases_of_teams AS (
  SELECT
    stints.team,
    SUM(
      stints.queue_calendar_seconds + stints.active_calendar_seconds + stints.wait_customer_calendar_seconds + stints.wait_other_calendar_seconds
    ) AS held_calendar_seconds,
    SUM(
      stints.queue_business_seconds + stints.active_business_seconds + stints.wait_customer_business_seconds + stints.wait_other_business_seconds
    ) AS held_business_seconds
  FROM staging.ownership_stints AS stints
  INNER JOIN staging.ownership_cases AS cases
    ON stints.intake_date = cases.intake_date AND stints.case_id = cases.case_id
  WHERE
    NOT cases.is_open
  GROUP BY
    stints.intake_date,
    stints.case_id,
    stints.team
), percentiles AS (
  SELECT
    team,
    PERCENTILE(held_calendar_seconds, ARRAY(0.5, 0.9))[0] AS held_p50_seconds,
    PERCENTILE(held_calendar_seconds, ARRAY(0.5, 0.9))[1] AS held_p90_seconds,
    PERCENTILE(held_business_seconds, ARRAY(0.5, 0.9))[0] AS held_p50_open_seconds,
    PERCENTILE(held_business_seconds, ARRAY(0.5, 0.9))[1] AS held_p90_open_seconds
  FROM cases_of_teams
  GROUP BY
    team
)
SELECT
  days.team,
  CAST(days.cases AS BIGINT) AS cases,
  CAST(days.naive_cases AS BIGINT) AS naive_cases,
  CAST(days.received_handoff_count AS BIGINT) AS received_handoff_count,
  CAST(days.queue_calendar_seconds + days.active_calendar_seconds + days.wait_customer_calendar_seconds + days.wait_other_calendar_seconds AS BIGINT) AS held_calendar_seconds,
  CAST(days.queue_business_seconds + days.active_business_seconds + days.wait_customer_business_seconds + days.wait_other_business_seconds AS BIGINT) AS held_business_seconds,
  CAST(days.queue_calendar_seconds AS BIGINT) AS queue_calendar_seconds,
  CAST(days.active_calendar_seconds AS BIGINT) AS active_calendar_seconds,
  CAST(days.wait_customer_calendar_seconds AS BIGINT) AS wait_customer_calendar_seconds,
  CAST(days.wait_other_calendar_seconds AS BIGINT) AS wait_other_calendar_seconds,
  CAST(days.done_calendar_seconds AS BIGINT) AS done_calendar_seconds,
  CAST(days.inactive_calendar_seconds AS BIGINT) AS inactive_calendar_seconds,
  CAST(days.queue_business_seconds AS BIGINT) AS queue_business_seconds,
  CAST(days.active_business_seconds AS BIGINT) AS active_business_seconds,
  CAST(days.wait_customer_business_seconds AS BIGINT) AS wait_customer_business_seconds,
  CAST(days.wait_other_business_seconds AS BIGINT) AS wait_other_business_seconds,
  CAST(days.done_business_seconds AS BIGINT) AS done_business_seconds,
  CAST(days.inactive_business_seconds AS BIGINT) AS inactive_business_seconds,
  CAST(days.naive_calendar_seconds AS BIGINT) AS naive_calendar_seconds,
  CAST(days.naive_done_calendar_seconds AS BIGINT) AS naive_done_calendar_seconds,
  CAST(days.naive_business_seconds AS BIGINT) AS naive_business_seconds,
  CAST(days.naive_done_business_seconds AS BIGINT) AS naive_done_business_seconds,
  CAST(CAST(percentiles.held_p50_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS held_p50_calendar_minutes,
  CAST(CAST(percentiles.held_p90_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS held_p90_calendar_minutes,
  CAST(CAST(percentiles.held_p50_open_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS held_p50_business_minutes,
  CAST(CAST(percentiles.held_p90_open_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS held_p90_business_minutes
FROM days
LEFT JOIN percentiles
  ON days.team = percentiles.team
