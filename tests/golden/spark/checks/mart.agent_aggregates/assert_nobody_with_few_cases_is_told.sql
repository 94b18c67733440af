-- The Spark SQL of sql/checks/mart.agent_aggregates/assert_nobody_with_few_cases_is_told.sql, written by `make docs`.
SELECT
  month_date,
  agent,
  told_agents,
  cases,
  accepted_count,
  handed_on_count,
  handling_p50_business_minutes,
  handling_p90_business_minutes
FROM mart.agent_aggregates
WHERE
  (
    agent <> '(suppressed)' AND cases < 5
  )
  OR (
    agent = '(suppressed)' AND told_agents < 2
  )
