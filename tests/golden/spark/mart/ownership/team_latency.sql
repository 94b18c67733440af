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
), open_cases AS (
  SELECT
    intake_date,
    case_id
  FROM staging.ownership_cases
  WHERE
    is_open
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
  LEFT JOIN open_cases
    ON stints.intake_date = open_cases.intake_date
    AND stints.case_id = open_cases.case_id
  WHERE
    open_cases.case_id IS NULL
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
), open_spans AS (
  SELECT
    spans.intake_date,
    spans.case_id,
    spans.span_number,
    spans.team,
    spans.state,
    CAST(UNIX_MICROS(
      CAST(CASE
        WHEN spans.ended_at < desk_now.now_at
        THEN spans.ended_at
        ELSE desk_now.now_at
      END AS TIMESTAMP_LTZ)
    ) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS seconds
  FROM staging.ownership_spans AS spans
  INNER JOIN open_cases
    ON spans.intake_date = open_cases.intake_date AND spans.case_id = open_cases.case_id
  CROSS JOIN mart.desk_now AS desk_now
  WHERE
    spans.started_at <= desk_now.now_at
), open_teams AS (
  SELECT
    team,
    COUNT(DISTINCT case_id) AS cases,
    SUM(seconds) FILTER(WHERE
      state = 'queue') AS queue_seconds,
    SUM(seconds) FILTER(WHERE
      state = 'active') AS active_seconds,
    SUM(seconds) FILTER(WHERE
      state = 'wait_customer') AS wait_customer_seconds,
    SUM(seconds) FILTER(WHERE
      state = 'wait_other') AS wait_other_seconds
  FROM open_spans
  GROUP BY
    team
), open_lives AS (
  SELECT
    case_id,
    MAX(span_number) AS last_span_number,
    SUM(seconds) FILTER(WHERE
      state <> 'done') AS held_seconds
  FROM open_spans
  GROUP BY
    case_id
), open_holders AS (
  SELECT
    open_spans.team,
    SUM(open_lives.held_seconds) AS naive_seconds
  FROM open_lives
  INNER JOIN open_spans
    ON open_lives.case_id = open_spans.case_id
    AND open_lives.last_span_number = open_spans.span_number
  GROUP BY
    open_spans.team
), teams AS (
  SELECT
    team
  FROM days
  UNION
  SELECT
    team
  FROM open_teams
)
SELECT
  teams.team,
  CAST(COALESCE(days.cases, 0) AS BIGINT) AS cases,
  CAST(COALESCE(days.naive_cases, 0) AS BIGINT) AS naive_cases,
  CAST(COALESCE(days.received_handoff_count, 0) AS BIGINT) AS received_handoff_count,
  CAST(COALESCE(
    days.queue_calendar_seconds + days.active_calendar_seconds + days.wait_customer_calendar_seconds + days.wait_other_calendar_seconds,
    0
  ) AS BIGINT) AS held_calendar_seconds,
  CAST(COALESCE(
    days.queue_business_seconds + days.active_business_seconds + days.wait_customer_business_seconds + days.wait_other_business_seconds,
    0
  ) AS BIGINT) AS held_business_seconds,
  CAST(COALESCE(days.queue_calendar_seconds, 0) AS BIGINT) AS queue_calendar_seconds,
  CAST(COALESCE(days.active_calendar_seconds, 0) AS BIGINT) AS active_calendar_seconds,
  CAST(COALESCE(days.wait_customer_calendar_seconds, 0) AS BIGINT) AS wait_customer_calendar_seconds,
  CAST(COALESCE(days.wait_other_calendar_seconds, 0) AS BIGINT) AS wait_other_calendar_seconds,
  CAST(COALESCE(days.done_calendar_seconds, 0) AS BIGINT) AS done_calendar_seconds,
  CAST(COALESCE(days.inactive_calendar_seconds, 0) AS BIGINT) AS inactive_calendar_seconds,
  CAST(COALESCE(days.queue_business_seconds, 0) AS BIGINT) AS queue_business_seconds,
  CAST(COALESCE(days.active_business_seconds, 0) AS BIGINT) AS active_business_seconds,
  CAST(COALESCE(days.wait_customer_business_seconds, 0) AS BIGINT) AS wait_customer_business_seconds,
  CAST(COALESCE(days.wait_other_business_seconds, 0) AS BIGINT) AS wait_other_business_seconds,
  CAST(COALESCE(days.done_business_seconds, 0) AS BIGINT) AS done_business_seconds,
  CAST(COALESCE(days.inactive_business_seconds, 0) AS BIGINT) AS inactive_business_seconds,
  CAST(COALESCE(days.naive_calendar_seconds, 0) AS BIGINT) AS naive_calendar_seconds,
  CAST(COALESCE(days.naive_done_calendar_seconds, 0) AS BIGINT) AS naive_done_calendar_seconds,
  CAST(COALESCE(days.naive_business_seconds, 0) AS BIGINT) AS naive_business_seconds,
  CAST(COALESCE(days.naive_done_business_seconds, 0) AS BIGINT) AS naive_done_business_seconds,
  CAST(CAST(percentiles.held_p50_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS held_p50_calendar_minutes,
  CAST(CAST(percentiles.held_p90_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS held_p90_calendar_minutes,
  CAST(CAST(percentiles.held_p50_open_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS held_p50_business_minutes,
  CAST(CAST(percentiles.held_p90_open_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS held_p90_business_minutes,
  CAST(COALESCE(open_teams.cases, 0) AS BIGINT) AS open_now_cases,
  CAST(COALESCE(open_teams.queue_seconds, 0) + COALESCE(open_teams.active_seconds, 0) + COALESCE(open_teams.wait_customer_seconds, 0) + COALESCE(open_teams.wait_other_seconds, 0) AS BIGINT) AS open_now_held_calendar_seconds,
  CAST(COALESCE(open_teams.queue_seconds, 0) AS BIGINT) AS open_now_queue_calendar_seconds,
  CAST(COALESCE(open_teams.active_seconds, 0) AS BIGINT) AS open_now_active_calendar_seconds,
  CAST(COALESCE(open_teams.wait_customer_seconds, 0) AS BIGINT) AS open_now_wait_customer_calendar_seconds,
  CAST(COALESCE(open_teams.wait_other_seconds, 0) AS BIGINT) AS open_now_wait_other_calendar_seconds,
  CAST(COALESCE(open_holders.naive_seconds, 0) AS BIGINT) AS open_now_naive_calendar_seconds
FROM teams
LEFT JOIN days
  ON teams.team = days.team
LEFT JOIN percentiles
  ON teams.team = percentiles.team
LEFT JOIN open_teams
  ON teams.team = open_teams.team
LEFT JOIN open_holders
  ON teams.team = open_holders.team
