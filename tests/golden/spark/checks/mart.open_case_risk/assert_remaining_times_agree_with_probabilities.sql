-- The Spark SQL of sql/checks/mart.open_case_risk/assert_remaining_times_agree_with_probabilities.sql, written by `make docs`.
SELECT
  risk.case_id,
  risk.policy,
  risk.metric,
  risk.cycle,
  risk.breach_probability,
  features.remaining_seconds,
  risk.remaining_p10_business_minutes,
  risk.remaining_p50_business_minutes,
  risk.remaining_p90_business_minutes
FROM mart.open_case_risk AS risk
INNER JOIN mart.risk_features AS features
  ON risk.case_id = features.case_id
  AND risk.policy = features.policy
  AND risk.metric = features.metric
  AND risk.cycle = features.cycle
  AND risk.predicted_at = features.predicted_at
WHERE
  risk.probability_source IN ('model', 'baseline')
  AND (
    (
      risk.breach_probability > 0.9
      AND risk.remaining_p10_business_minutes * 60 <= features.remaining_seconds
    )
    OR (
      risk.breach_probability > 0.5
      AND risk.remaining_p50_business_minutes * 60 <= features.remaining_seconds
    )
    OR (
      risk.breach_probability > 0.1
      AND risk.remaining_p90_business_minutes * 60 <= features.remaining_seconds
    )
    OR (
      risk.breach_probability < 0.9
      AND NOT features.is_paused
      AND risk.remaining_p10_business_minutes * 60 > features.remaining_seconds + 1
    )
  )
