-- The Spark SQL of sql/checks/mart.open_case_risk/assert_every_open_clock_is_told_of.sql, written by `make docs`.
SELECT
  COALESCE(clocks.case_id, risk.case_id) AS case_id,
  COALESCE(clocks.policy, risk.policy) AS policy,
  COALESCE(clocks.metric, risk.metric) AS metric,
  COALESCE(clocks.cycle, risk.cycle) AS cycle
FROM mart.clock_now AS clocks
FULL OUTER JOIN mart.open_case_risk AS risk
  ON clocks.case_id = risk.case_id
  AND clocks.policy = risk.policy
  AND clocks.metric = risk.metric
  AND clocks.cycle = risk.cycle
WHERE
  clocks.case_id IS NULL OR risk.case_id IS NULL
