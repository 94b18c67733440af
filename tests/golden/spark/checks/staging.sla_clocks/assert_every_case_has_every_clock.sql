-- The Spark SQL of sql/checks/staging.sla_clocks/assert_every_case_has_every_clock.sql, written by `make docs`.
WITH answer_metrics AS (
  SELECT
    metric
  FROM staging.sla_metric_rules
  WHERE
    role = 'start_if_outbound'
), promise_counts AS (
  SELECT
    promises.intake_date,
    COUNT(*) AS clocks
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
  GROUP BY
    promises.intake_date
), clock_counts AS (
  SELECT
    clocks.intake_date,
    COUNT(*) AS clocks
  FROM staging.sla_clocks AS clocks
  INNER JOIN staging.case_sla_policies AS promises
    ON clocks.case_id = promises.case_id
    AND clocks.metric = promises.metric
    AND clocks.policy = promises.policy
  INNER JOIN staging.case_milestones AS cases
    ON promises.case_id = cases.case_id
  INNER JOIN staging.sla_metric_rules AS rules
    ON clocks.metric = rules.metric
  LEFT JOIN answer_metrics
    ON clocks.metric = answer_metrics.metric
  WHERE
    clocks.intake_date >= :start_date
    AND clocks.intake_date < :end_date
    AND promises.intake_date >= :start_date
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
    AND clocks.cycle = 1
  GROUP BY
    clocks.intake_date
)
SELECT
  promise_counts.intake_date,
  promise_counts.clocks AS promised_clocks,
  COALESCE(clock_counts.clocks, 0) AS judged_clocks
FROM promise_counts
LEFT JOIN clock_counts
  ON promise_counts.intake_date = clock_counts.intake_date
WHERE
  promise_counts.clocks <> COALESCE(clock_counts.clocks, 0)
