-- The Spark SQL of sql/checks/staging.case_sla_policies/warn_promises_of_unknown_metrics.sql, written by `make docs`.
SELECT
  promises.metric,
  promises.policy,
  COUNT(*) AS promises
FROM staging.case_sla_policies AS promises
LEFT JOIN (
  SELECT DISTINCT
    metric
  FROM staging.sla_metric_rules
) AS described
  ON promises.metric = described.metric
WHERE
  promises.intake_date >= :start_date
  AND promises.intake_date < :end_date
  AND described.metric IS NULL
GROUP BY
  promises.metric,
  promises.policy
