-- The Spark SQL of sql/mart/ownership/agent_aggregates.sql, written by `make docs`.
WITH agents AS (
  SELECT
    month_date,
    agent,
    COUNT(*) AS cases,
    SUM(accepted_count) AS accepted_count,
    SUM(handed_on_count) AS handed_on_count,
    PERCENTILE(handling_business_seconds, ARRAY(0.5, 0.9))[0] AS handling_p50_seconds,
    PERCENTILE(handling_business_seconds, ARRAY(0.5, 0.9))[1] AS handling_p90_seconds
  FROM staging.agent_handlings
  GROUP BY
    month_date,
    agent
), ranked_agents AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY month_date ORDER BY cases NULLS LAST, agent NULLS LAST) AS place,
    SUM(CASE WHEN cases < 5 THEN 1 ELSE 0 END) OVER (PARTITION BY month_date) AS hidden_agents
  FROM agents
), shown_agents AS (
  SELECT
    *,
    cases >= 5 AND NOT (
      hidden_agents = 1 AND place = 2
    ) AS is_shown
  FROM ranked_agents
)
SELECT
  month_date,
  agent,
  CAST(1 AS BIGINT) AS told_agents,
  CAST(cases AS BIGINT) AS cases,
  CAST(accepted_count AS BIGINT) AS accepted_count,
  CAST(handed_on_count AS BIGINT) AS handed_on_count,
  CAST(CAST(handling_p50_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS handling_p50_business_minutes,
  CAST(CAST(handling_p90_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS handling_p90_business_minutes
FROM shown_agents
WHERE
  is_shown
UNION ALL
SELECT
  month_date,
  '(suppressed)' AS agent,
  CAST(COUNT(*) AS BIGINT) AS told_agents,
  CAST(SUM(cases) AS BIGINT) AS cases,
  CAST(SUM(accepted_count) AS BIGINT) AS accepted_count,
  CAST(SUM(handed_on_count) AS BIGINT) AS handed_on_count,
  CAST(NULL AS DOUBLE) AS handling_p50_business_minutes,
  CAST(NULL AS DOUBLE) AS handling_p90_business_minutes
FROM shown_agents
WHERE
  NOT is_shown
GROUP BY
  month_date
HAVING
  COUNT(*) > 1
