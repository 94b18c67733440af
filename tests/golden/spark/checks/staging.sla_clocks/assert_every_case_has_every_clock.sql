-- The Spark SQL of sql/checks/staging.sla_clocks/assert_every_case_has_every_clock.sql, written by `make docs`.
WITH answer_metrics AS (
  SELECT
    metric
  FROM staging.sla_metric_rules
  WHERE
    role = 'start_if_outbound'
), promises_at_intake AS (
  SELECT
    promises.case_id,
    promises.intake_date,
    promises.metric,
    promises.policy
  FROM staging.case_sla_policies AS promises
  INNER JOIN staging.case_milestones AS cases
    ON promises.case_id = cases.case_id
  INNER JOIN staging.sla_metric_rules AS rules
    ON promises.metric = rules.metric
  LEFT JOIN answer_metrics
    ON promises.metric = answer_metrics.metric
  WHERE
    promises.intake_date >= :start_date
    AND promises.intake_date < :end_date
    AND cases.intake_date >= :start_date
    AND cases.intake_date < :end_date
    AND rules.role = 'start'
    AND rules.signal = 'INTAKE'
    AND promises.in_force_from_at = cases.intake_ts
    AND promises.in_force_to_at IS NULL
    AND NOT promises.is_source_promise
    AND (
      answer_metrics.metric IS NULL
      OR COALESCE(cases.initiated_by, 'customer') = 'customer'
    )
)
SELECT
  promises.intake_date,
  COUNT(*) AS promised_clocks,
  COUNT(clocks.case_id) AS judged_clocks
FROM promises_at_intake AS promises
LEFT JOIN staging.sla_clocks AS clocks
  ON promises.case_id = clocks.case_id
  AND promises.policy = clocks.policy
  AND promises.metric = clocks.metric
  AND clocks.cycle = 1
  AND clocks.intake_date >= :start_date
  AND clocks.intake_date < :end_date
GROUP BY
  promises.intake_date
HAVING
  COUNT(*) <> COUNT(clocks.case_id)
