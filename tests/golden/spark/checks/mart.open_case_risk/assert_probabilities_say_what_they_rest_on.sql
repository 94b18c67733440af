-- The Spark SQL of sql/checks/mart.open_case_risk/assert_probabilities_say_what_they_rest_on.sql, written by `make docs`.
SELECT
  risk.case_id,
  risk.policy,
  risk.metric,
  risk.cycle,
  risk.breach_probability,
  risk.probability_source,
  clocks.is_past_target,
  risk.remaining_p10_business_minutes,
  risk.remaining_p50_business_minutes,
  risk.remaining_p90_business_minutes
FROM mart.open_case_risk AS risk
INNER JOIN mart.clock_now AS clocks
  ON risk.case_id = clocks.case_id
  AND risk.policy = clocks.policy
  AND risk.metric = clocks.metric
  AND risk.cycle = clocks.cycle
WHERE
  (
    risk.probability_source = 'certain'
  ) <> (
    NOT risk.breach_probability IS NULL AND risk.breach_probability = 1
  )
  OR (
    risk.probability_source = 'unknown'
  ) <> (
    risk.breach_probability IS NULL
  )
  OR (
    clocks.is_past_target AND NOT risk.probability_source IN ('certain', 'unknown')
  )
  OR (
    risk.probability_source = 'certain'
    AND NOT COALESCE(clocks.is_past_target, FALSE)
  )
  OR risk.remaining_p10_business_minutes > risk.remaining_p50_business_minutes
  OR risk.remaining_p50_business_minutes > risk.remaining_p90_business_minutes
