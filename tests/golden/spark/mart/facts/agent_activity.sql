-- The Spark SQL of sql/mart/facts/agent_activity.sql, written by `make docs`.
WITH activity AS (
  SELECT
    source,
    month_date,
    agent,
    SUM(public_reply_count) AS public_reply_count,
    SUM(private_note_count) AS private_note_count,
    SUM(taken_cases) AS taken_cases,
    SUM(resolved_cases) AS resolved_cases,
    SUM(reopened_after_cases) AS reopened_after_cases,
    CAST(0 AS BIGINT) AS first_replied_cases,
    CAST(NULL AS DOUBLE) AS first_reply_p50_business_minutes
  FROM staging.agent_activity
  GROUP BY
    source,
    month_date,
    agent
  UNION ALL
  SELECT
    source,
    first_reply_month_date AS month_date,
    first_reply_agent AS agent,
    CAST(0 AS BIGINT) AS public_reply_count,
    CAST(0 AS BIGINT) AS private_note_count,
    CAST(0 AS BIGINT) AS taken_cases,
    CAST(0 AS BIGINT) AS resolved_cases,
    CAST(0 AS BIGINT) AS reopened_after_cases,
    COUNT(*) AS first_replied_cases,
    PERCENTILE(first_reply_business_minutes, 0.5) AS first_reply_p50_business_minutes
  FROM staging.case_facts
  WHERE
    NOT first_reply_agent IS NULL
  GROUP BY
    source,
    first_reply_month_date,
    first_reply_agent
)
SELECT
  source,
  month_date,
  agent,
  CAST(SUM(public_reply_count) AS BIGINT) AS public_reply_count,
  CAST(SUM(private_note_count) AS BIGINT) AS private_note_count,
  CAST(SUM(taken_cases) AS BIGINT) AS taken_cases,
  CAST(SUM(resolved_cases) AS BIGINT) AS resolved_cases,
  CAST(SUM(reopened_after_cases) AS BIGINT) AS reopened_after_cases,
  CAST(SUM(first_replied_cases) AS BIGINT) AS first_replied_cases,
  MAX(first_reply_p50_business_minutes) AS first_reply_p50_business_minutes
FROM activity
GROUP BY
  source,
  month_date,
  agent
